"""Whether the two sides of sessions begin and end together: what R8 and R7 ask, and what R5 requires."""

import polars as pl

from warehouse.data_faults.settings import SETTINGS, FaultSettings

PAIRS = pl.Schema({"ac_session_id": pl.String(), "dc_session_id": pl.String(), "meter_id": pl.Int32()})
"""Which AC side belongs to which DC side, though they are not of one session; and the meter that counted the AC."""


def tolerance_s(settings: FaultSettings = SETTINGS) -> pl.Expr:
    """tau: how far starts and ends of one session may be apart on its two sides, seconds (findings.md, R8).

    tau = 4 min + 2 x (sampling interval - 1 min) + (r_ac + r_dc) / 2.3 kW, with the longer of the two intervals, and
    r the resolutions in kWh. Takes ac_interval_s, dc_interval_s, ac_resolution_kwh, dc_resolution_kwh.
    """
    interval_s = pl.max_horizontal("ac_interval_s", "dc_interval_s", pl.lit(60))
    unseen_s = (pl.col("ac_resolution_kwh") + pl.col("dc_resolution_kwh")) / settings.match_power_kw * 3600
    return settings.match_base_s + settings.match_per_interval * (interval_s - 60) + unseen_s


def is_matched(settings: FaultSettings = SETTINGS) -> pl.Expr:
    """Whether both sides of a session begin and end within tau of each other; a side that is missing never does."""
    edges = [
        (pl.col(f"ac_{edge}_at") - pl.col(f"dc_{edge}_at")).dt.total_microseconds().abs() / 1e6
        for edge in ("started", "ended")
    ]
    return (
        (pl.max_horizontal(edges) <= tolerance_s(settings)).fill_null(value=False)
        & pl.col("ac_started_at").is_not_null()
        & pl.col("dc_started_at").is_not_null()
    )


def side_of(recent: pl.DataFrame, side: str, settings: FaultSettings = SETTINGS) -> pl.DataFrame:
    """The AC or the DC sides of sessions that are large enough to compare, in order of device and time.

    session_id, vehicle_id, meter_id, start_us, end_us, kwh, resolution_kwh, interval_s, is_matched.
    """
    device = "meter_id" if side == "ac" else "vehicle_id"
    return (
        recent.filter(
            pl.col(f"{side}_kwh") >= settings.least_island_kwh, ~pl.col("kind").is_in(["cut", "shared_meter"])
        )
        .select(
            "session_id",
            "vehicle_id",
            "meter_id",
            start_us=pl.col(f"{side}_started_at").dt.timestamp("us"),
            end_us=pl.col(f"{side}_ended_at").dt.timestamp("us"),
            kwh=f"{side}_kwh",
            resolution_kwh=f"{side}_resolution_kwh",
            interval_s=f"{side}_interval_s",
            is_matched="is_matched",
        )
        .sort(device, "start_us")
    )


def last_of_each(sides: pl.DataFrame, device: str, count: int) -> pl.DataFrame:
    """The last ``count`` rows of each device; ``sides`` are in order of time."""
    return sides.filter(pl.int_range(pl.len()).reverse().over(device) < count)


def agreement(ac: pl.DataFrame, dc: pl.DataFrame, count: int, settings: FaultSettings = SETTINGS) -> pl.DataFrame:
    """How many of the last ``count`` sessions agree, by vehicle: vehicle_id, since_us, compared, matched.

    Both sides are looked at from when on both are known, with 14 h of margin, so that none is missed by a lag.
    ``compared`` is how many the side has that has fewer: preheating and charges elsewhere are on one side alone.
    """
    of_vehicles = [last_of_each(side.drop_nulls("vehicle_id"), "vehicle_id", count) for side in (ac, dc)]
    firsts = [side.group_by("vehicle_id").agg(pl.col("start_us").min()) for side in of_vehicles]
    since = (
        firsts[0]
        .join(firsts[1], on="vehicle_id")
        .select(
            "vehicle_id",
            since_us=pl.max_horizontal("start_us", "start_us_right") - settings.longest_lag_s * 1_000_000,
        )
    )
    counted = [
        side.join(since, on="vehicle_id")
        .filter(pl.col("start_us") >= pl.col("since_us"))
        .group_by("vehicle_id")
        .agg(pl.len().alias("count"), matched=pl.col("is_matched").sum())
        for side in of_vehicles
    ]
    return (
        since.join(counted[0], on="vehicle_id")
        .join(counted[1], on="vehicle_id")
        .select(
            "vehicle_id",
            "since_us",
            compared=pl.min_horizontal("count", "count_right"),
            matched=pl.min_horizontal("matched", "matched_right"),
        )
    )


def disagreeing(ac: pl.DataFrame, dc: pl.DataFrame, settings: FaultSettings = SETTINGS) -> pl.Series:
    """The vehicles less than 50 % of whose sessions agree, in the shortest window in which enough can be compared."""
    windows = [agreement(ac, dc, count, settings).with_columns(count=pl.lit(count)) for count in settings.windows]
    return (
        pl.concat(windows)
        .filter(pl.col("compared") >= settings.least_sessions)
        .sort("vehicle_id", "count")
        .unique("vehicle_id", keep="first", maintain_order=True)
        .filter(pl.col("matched") < settings.unmatched_below * pl.col("compared"))["vehicle_id"]
    )
