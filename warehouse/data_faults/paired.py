"""Sessions as the rules below R8 and R7 see them: both sides together, at the meter that counted them."""

import polars as pl

AC = ("meter_id", "ac_started_at", "ac_ended_at", "ac_kwh", "ac_plateau_kw", "ac_coverage", "ac_resolution_kwh")
DC = (
    *("vehicle_id", "dc_started_at", "dc_ended_at", "dc_kwh", "dc_plateau_kw", "dc_coverage", "dc_resolution_kwh"),
    *("soc_start_percent", "soc_end_percent"),
)


def paired_sessions(recent: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The sessions whose two sides agree: of one clock and mapping, or by what R8 and R7 found (``pairs``).

    session_id (of the DC side), is_known, and the columns ``AC`` and ``DC``; in order of time.
    """
    columns = ["session_id", *AC, *DC, "is_known"]
    own = recent.filter("is_matched", ~pl.col("session_id").is_in(pairs["dc_session_id"].implode())).select(columns)
    ac = recent.select(*AC, ac_session_id="session_id", ac_is_known="is_known").drop("meter_id")
    dc = recent.select(*DC, dc_session_id="session_id", dc_is_known="is_known")
    others = (
        pairs.unique("dc_session_id", keep="first", maintain_order=True)
        .join(ac, on="ac_session_id")
        .join(dc, on="dc_session_id")
        .with_columns(session_id="dc_session_id", is_known=pl.col("ac_is_known") & pl.col("dc_is_known"))
        .select(columns)
    )
    return pl.concat([own, others]).sort("ac_ended_at", "session_id")
