"""Islands of the two sides that overlap are one session; and which sessions are known to have ended."""

import polars as pl

from warehouse.sessions.settings import SessionSettings


def with_session(
    found: pl.DataFrame, devices: pl.DataFrame, day_end_us: int, settings: SessionSettings
) -> pl.DataFrame:
    """Add to the islands of both sides which session they are of, and whether it is settled: nothing can change it.

    ``found``: kind, device_id, start_us, earliest_us, end_us, kwh, is_closed, is_cut, mapping_id, meter_id, vehicle_id,
    is_shared. ``devices``: kind, device_id, last_us (its last reading), clear_us (no later island begins before it).
    Both have lag_us, what is added to a device's times to have those of the other side: they are compared so, and stay
    as the device told them. Adds session (null: too small) and is_settled. Whoever was silent for ``longest_h`` is not
    waited for.
    """
    expired_us = day_end_us - settings.longest_us
    is_pair = pl.col("mapping_id").is_not_null() & ~pl.col("is_cut") & ~pl.col("is_shared")
    counts = pl.col("is_closed") & (pl.col("kwh") >= settings.least_kwh - 1e-9)
    numbered = found.with_row_index("row").with_columns(is_pair=is_pair, counts=counts)
    shifted = numbered.with_columns(pl.col("start_us", "earliest_us", "end_us") + pl.col("lag_us"))
    pairs = _overlapping(shifted.filter("counts", "is_pair"))
    ended = _ended(pairs, shifted, devices.with_columns(pl.col("clear_us") + pl.col("lag_us")), expired_us)
    alone = numbered.filter("counts", ~pl.col("is_pair")).select(
        "row", session=pl.col("row").cast(pl.Int64), is_settled=pl.lit(value=True)
    )
    of_pairs = pairs.join(ended, on="session").select("row", "session", "is_settled")
    known = pl.concat([alone, of_pairs])
    return (
        numbered.join(known, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("is_settled").fill_null(value=False))
        .drop("row", "is_pair")
    )


def _overlapping(pairs: pl.DataFrame) -> pl.DataFrame:
    """Number the sessions: within a mapping an island begins another one where all before it have ended."""
    ended_us = pl.col("end_us").cum_max().shift(1).over("mapping_id")
    begins = ended_us.is_null() | (pl.col("start_us") > ended_us)
    return pairs.sort("mapping_id", "start_us", "end_us", "kind").with_columns(session=-begins.cum_sum().cast(pl.Int64))


def _ended(pairs: pl.DataFrame, found: pl.DataFrame, devices: pl.DataFrame, expired_us: int) -> pl.DataFrame:
    """Which sessions no later reading can lengthen: session, is_settled."""
    sessions = pairs.group_by("session").agg(
        pl.col("mapping_id", "meter_id", "vehicle_id").first(), session_end_us=pl.col("end_us").max()
    )
    unfinished = (
        found.filter(~pl.col("is_closed"), pl.col("mapping_id").is_not_null())
        .group_by("mapping_id")
        .agg(open_us=pl.col("earliest_us").min())
    )
    sessions = sessions.join(unfinished, on="mapping_id", how="left")
    waits = pl.col("open_us") <= pl.col("session_end_us")
    for kind in ("meter", "vehicle"):
        clear = devices.filter(pl.col("kind") == kind, pl.col("last_us") > expired_us)
        clear = clear.select(pl.col("device_id").alias(f"{kind}_id"), pl.col("clear_us").alias(f"{kind}_clear_us"))
        sessions = sessions.join(clear, on=f"{kind}_id", how="left")
        waits = waits.fill_null(value=False) | (pl.col(f"{kind}_clear_us") <= pl.col("session_end_us"))
    is_over = pl.col("session_end_us") <= expired_us
    return sessions.select("session", is_settled=is_over | ~waits.fill_null(value=False))
