"""A charger's day in one row: its sessions, what they gave, and what it drew between them."""

import polars as pl

from warehouse.contract.efficiency import efficiency_ratio
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.schemas import DAILY_CHARGER_SESSIONS

DOUBTFUL = ("implausible", "shared_meter", "cut")
"""Kinds of session that tell nothing of efficiency."""


def charger_days(sessions: pl.DataFrame, standby: pl.DataFrame) -> pl.DataFrame:
    """``daily_charger_sessions``, from the day's ``charging_sessions`` and ``daily_standby``.

    The ratio is one of sums, over the qualified sessions; null where there is none.
    """
    of_qualified = efficiency_ratio(pl.col("qualified_ac_kwh"), pl.col("qualified_dc_kwh"))
    counted = (
        sessions.filter(pl.col("ac_kwh").is_not_null())
        .group_by("meter_id")
        .agg(
            session_count=pl.len(),
            charge_count=(pl.col("kind") == "charge").sum(),
            qualified_count=pl.col("is_qualified").sum(),
            ac_only_count=(pl.col("kind") == "ac_only").sum(),
            doubtful_count=pl.col("kind").is_in(DOUBTFUL).sum(),
            vehicle_count=pl.col("vehicle_id").filter(pl.col("dc_kwh").is_not_null()).n_unique(),
            ac_kwh=pl.col("ac_kwh").sum(),
            ac_hours=pl.col("ac_hours").sum(),
            qualified_ac_kwh=pl.col("ac_kwh").filter("is_qualified").sum(),
            qualified_dc_kwh=pl.col("dc_kwh").filter("is_qualified").sum(),
        )
    )
    meters = standby.filter(pl.col("kind") == DeviceKind.METER.value).select(
        "idle_watts", "idle_hours", "idle_kwh", meter_id="device_id"
    )
    sums = [name for name in counted.columns if name != "meter_id"]
    return (
        meters.join(counted, on="meter_id", how="left")
        .with_columns(pl.col(sums).fill_null(0))
        .with_columns(efficiency_ratio=pl.when(pl.col("qualified_ac_kwh") > 0).then(of_qualified))
        .select(DAILY_CHARGER_SESSIONS.names())
        .cast(DAILY_CHARGER_SESSIONS)
        .sort("meter_id")
    )
