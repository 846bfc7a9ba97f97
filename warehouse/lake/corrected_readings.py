"""The readings of a day that count: what was exported, with the last word of people on each.

Which readings that changes is found once a day and is a dataset, ``corrected_readings``; whoever reads a day's readings
has it put in here, or joins it in SQL. ``warehouse/contract/corrections.py`` is the plain reference it is held to.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from warehouse.contract.corrections import Action
from warehouse.contract.tables import DeviceKind
from warehouse.lake.file_format import ROW_GROUP_ROWS, Location
from warehouse.lake.hourly_energy import INSTANT

CORRECTED = pl.Schema(
    {
        "kind": pl.String(),
        "device_id": pl.Int32(),
        "ts": INSTANT,
        "received_kwh": pl.Float64(),
        "kwh": pl.Float64(),
        "correction_id": pl.Int64(),
    }
)
"""The columns of ``corrected_readings``. A null ``kwh`` leaves the reading out."""


def write_corrected_readings(exported: Mapping[DeviceKind, Location], corrections: Location, target: Path) -> int:
    """Write the readings of a day on which the last word is another one than what was received; returns how many.

    ``corrections``: of the day, as the dataset ``reading_corrections``.
    """
    said = pl.read_parquet(corrections)
    found = [frame for kind in DeviceKind for frame in _corrected(exported[kind], kind, said)]
    rows = pl.concat([pl.DataFrame(schema=CORRECTED), *found]).sort("kind", "device_id", "ts")
    rows.write_parquet(target, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    return rows.height


def counting(readings: pl.LazyFrame, kind: DeviceKind, corrected: Location) -> pl.LazyFrame:
    """The readings that count, in the order in which they come, which is by device_id and ts.

    ``readings``: device_id, ts, kwh and what else they have; ``corrected``: the day's ``corrected_readings``. On a day
    of which nobody said anything they are the same frame.
    """
    changed = pl.read_parquet(corrected).filter(pl.col("kind") == kind.value)
    if changed.is_empty():
        return readings
    words = changed.lazy().select("device_id", "ts", counting_kwh="kwh", is_corrected=pl.lit(value=True))
    is_corrected = pl.col("is_corrected").fill_null(value=False)
    return (
        readings.join(words, on=["device_id", "ts"], how="left", maintain_order="left")
        .filter(~is_corrected | pl.col("counting_kwh").is_not_null())
        .with_columns(kwh=pl.coalesce("counting_kwh", "kwh"))
        .drop("counting_kwh", "is_corrected")
    )


def _corrected(exported: Location, kind: DeviceKind, said: pl.DataFrame) -> Iterator[pl.DataFrame]:
    words = said.filter(pl.col("kind") == kind.value)
    if words.is_empty():
        return
    ids = words["device_id"].unique().sort()
    of_these = pl.col("device_id").is_between(ids[0], ids[-1]) & pl.col("device_id").is_in(ids.implode())
    of_device = words.lazy().select("device_id", "starts_at", "ends_at", "action", "kwh", "correction_id")
    yield (
        pl.scan_parquet(exported)
        .select(pl.col(kind.device_id).alias("device_id"), "ts", received_kwh="kwh")
        .filter(of_these)
        .join(of_device, on="device_id")
        .filter(pl.col("starts_at") <= pl.col("ts"), pl.col("ts") < pl.col("ends_at"))
        .sort("correction_id")
        .unique(["device_id", "ts"], keep="last", maintain_order=True)
        .filter(pl.col("action") != Action.RESTORE.value)
        .with_columns(kind=pl.lit(kind.value))
        .select(CORRECTED.names())
        .cast(CORRECTED)
        .collect()
    )
