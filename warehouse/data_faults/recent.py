"""The last sessions of each device, which the rules look back on: carried from day to day."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.schemas import RECENT_SESSIONS
from warehouse.data_faults.settings import FaultSettings
from warehouse.sessions.session_table import SPOILING


def recent_sessions(
    sessions: pl.DataFrame, devices: Mapping[DeviceKind, pl.DataFrame], silences: pl.DataFrame
) -> pl.DataFrame:
    """Sessions of a day as the rules read them (``RECENT_SESSIONS``).

    Left out is growth of a vehicle's register while its state of charge fell: what braking brings back.
    ``devices``: device_id, resolution_kwh, expected_interval_s. is_known: no step with a jump or rebase is in it.
    meter_was_silent: readings of the meter are missing during the DC side.
    """
    settings = {
        kind: frame.select(
            pl.col("device_id").alias(kind.device_id),
            pl.col("resolution_kwh").alias(f"{side}_resolution_kwh"),
            pl.col("expected_interval_s").alias(f"{side}_interval_s"),
        )
        for (kind, frame), side in ((item, "ac" if item[0] is DeviceKind.METER else "dc") for item in devices.items())
    }
    flags = pl.concat_str("ac_flags", "dc_flags", separator=",").str.split(",")
    is_spoiled = flags.list.eval(pl.element().is_in([str(flag) for flag in SPOILING])).list.any()
    silent = _silent_sessions(sessions, silences)
    fell = (pl.col("kind") == "dc_only") & (pl.col("soc_end_percent") < pl.col("soc_start_percent"))
    return (
        sessions.filter(~fell.fill_null(value=False))
        .with_columns(is_known=~is_spoiled, meter_was_silent=pl.col("session_id").is_in(silent["session_id"].implode()))
        .join(settings[DeviceKind.METER], on="meter_id", how="left")
        .join(settings[DeviceKind.VEHICLE], on="vehicle_id", how="left")
        .select(RECENT_SESSIONS.names())
        .cast(RECENT_SESSIONS)
    )


def kept(carried: pl.DataFrame, fresh: pl.DataFrame, day_end: datetime, settings: FaultSettings) -> pl.DataFrame:
    """What is carried on: the last sessions in which each device has a side, in order of time; see the settings.

    Until the day before is made again, a session may be told by both days: this one knows more.
    """
    before = carried.join(fresh, on="session_id", how="anti")
    ordered = (
        pl.concat([before, fresh])
        .filter(pl.col("ended_at") > day_end - timedelta(days=settings.kept_days))
        .sort("ended_at", "session_id")
    )
    is_last = []
    for side, device in (("ac", "meter_id"), ("dc", "vehicle_id")):
        counts = pl.col(f"{side}_kwh").is_not_null() & pl.col(device).is_not_null()
        later = counts.cum_sum(reverse=True).over(device)  # with itself
        is_last.append(counts & (later <= settings.kept_sessions))
    return ordered.filter(pl.any_horizontal(is_last))


def _silent_sessions(sessions: pl.DataFrame, silences: pl.DataFrame) -> pl.DataFrame:
    of_meters = silences.filter(pl.col("kind") == DeviceKind.METER.value).select(
        "from_ts", "to_ts", meter_id="device_id"
    )
    return (
        sessions.filter(pl.col("dc_kwh").is_not_null())
        .select("session_id", "meter_id", "dc_started_at", "dc_ended_at")
        .join(of_meters, on="meter_id")
        .filter(pl.col("from_ts") < pl.col("dc_ended_at"), pl.col("to_ts") > pl.col("dc_started_at"))
        .select("session_id")
        .unique()
    )
