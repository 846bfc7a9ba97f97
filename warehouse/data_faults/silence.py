"""R9: devices from which no reading came."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.rules import fault, found_rows
from warehouse.data_faults.settings import SETTINGS, FaultSettings
from warehouse.sessions.schemas import INSTANT

SILENCES = pl.Schema(
    {"kind": pl.String(), "device_id": pl.Int32(), "from_ts": INSTANT, "to_ts": INSTANT, "is_over": pl.Boolean()}
)
"""From the last reading to the next one; of a silence that is not over, to the end of the day."""


def silences_of_day(
    gaps: pl.DataFrame,
    last: pl.DataFrame,
    devices: Mapping[DeviceKind, pl.DataFrame],
    mapped: pl.DataFrame,
    before: pl.DataFrame,
    day_end: datetime,
    settings: FaultSettings = SETTINGS,
) -> pl.DataFrame:
    """R9, second half: the silences of a closed day, of mapped devices (``SILENCES``).

    ``gaps``: kind, device_id, before_ts, ts of the steps of the day that took longer than 15 expected intervals.
    ``last``: kind, device_id, ts: the day's last readings. ``mapped``: kind, device_id. ``before``: the silences of the
    day before, of which those that were not over go on where a device sent nothing all day.
    """
    intervals = pl.concat(
        frame.select(kind=pl.lit(kind.value), device_id="device_id", interval_s="expected_interval_s")
        for kind, frame in devices.items()
    )
    key = ["kind", "device_id"]
    over = gaps.select(*key, from_ts="before_ts", to_ts="ts", is_over=pl.lit(value=True))
    known = before.filter(~pl.col("is_over")).select(*key, since="from_ts").unique(key)
    silent_s = (pl.lit(day_end) - pl.col("from_ts")).dt.total_seconds()
    is_offline = silent_s > pl.max_horizontal(
        pl.lit(settings.offline_s), settings.stale_intervals * pl.col("interval_s")
    )
    begins = pl.coalesce("ts", "since", pl.lit(day_end - timedelta(days=1)).cast(INSTANT))
    going_on = (
        mapped.join(last.select(*key, "ts"), on=key, how="left")
        .join(known, on=key, how="left")
        .join(intervals, on=key, how="inner")
        .with_columns(from_ts=begins, to_ts=pl.lit(day_end).cast(INSTANT), is_over=pl.lit(value=False))
        .filter(is_offline)
        .select(SILENCES.names())
    )
    return (
        pl.concat([over.join(mapped, on=key, how="semi").cast(SILENCES), going_on.cast(SILENCES)])
        .unique()
        .sort("kind", "device_id", "from_ts")
    )


def silent_devices(silences: pl.DataFrame) -> pl.DataFrame:
    """R9 as found: one row a device, which tells of its last silence and of how many there were."""
    by_device = silences.group_by("kind", "device_id", maintain_order=True).agg(
        pl.col("from_ts", "to_ts", "is_over").last(),
        count=pl.len(),
        hours=(pl.col("to_ts") - pl.col("from_ts")).dt.total_seconds().sum() / 3600,
    )
    return found_rows(
        fault(
            Rule.SILENCE,
            DeviceKind(row["kind"]),
            row["device_id"],
            "info" if row["is_over"] else "warning",
            onset_after=row["from_ts"],
            onset_at=row["from_ts"],
            last_seen_at=row["to_ts"],
            observed=row["hours"],
            unit="h",
            evidence_count=row["count"],
            detail=f"silent for {row['hours']:.1f} h in all; "
            + ("it reports again" if row["is_over"] else "it still was when the day ended"),
        )
        for row in by_device.iter_rows(named=True)
    )
