"""Writes when the late readings of a day came in, as far as PostgreSQL and the file of before know it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import polars as pl
import psycopg

from warehouse.contract.partitions import Stream
from warehouse.contract.tables import DeviceKind
from warehouse.lake.file_format import ROW_GROUP_ROWS
from warehouse.lake.hourly_energy import INSTANT
from warehouse.postgres.partitions.late_readings import LateReading, late_readings

LATE = pl.Schema(
    {"kind": pl.String(), "device_id": pl.Int32(), "ts": INSTANT, "kwh": pl.Float64(), "received_at": INSTANT}
)
"""The columns of ``late_readings``."""


def write_late_readings(
    connection: psycopg.Connection,
    day: date,
    exported: Mapping[Stream, str],
    in_postgres: Iterable[Stream],
    before: str | None,
    target: Path,
) -> int:
    """Write them to ``target``; returns how many they are.

    ``exported``: the day's readings; what came in since is left for the next run. ``in_postgres``: the streams whose
    table is there. ``before``: what was written last, which knows of readings whose table was dropped or restored.
    """
    known = [pl.read_parquet(before).cast(LATE)] if before else []
    found = [frame for stream in in_postgres for frame in _found(connection, stream, day)]
    late = pl.concat([*known, *found, pl.DataFrame(schema=LATE)]).unique(["kind", "device_id", "ts"], keep="first")
    there = [_exported(late, kind, exported[kind.readings]) for kind in DeviceKind]
    rows = pl.concat(there).sort("kind", "device_id", "ts")
    rows.write_parquet(target, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    return rows.height


def _found(connection: psycopg.Connection, stream: Stream, day: date) -> Iterator[pl.DataFrame]:
    (kind,) = [kind for kind in DeviceKind if kind.readings is stream]
    for some in late_readings(connection, stream, day):
        columns = dict(zip(LateReading._fields, map(list, zip(*some, strict=True)), strict=True))
        yield pl.DataFrame({"kind": [kind.value] * len(some), **columns}, schema=LATE)


def _exported(late: pl.DataFrame, kind: DeviceKind, readings: str) -> pl.DataFrame:
    """Those of one kind of device that are among the exported readings."""
    of_kind = late.filter(kind=kind.value)
    if of_kind.is_empty():
        return of_kind
    ids = of_kind["device_id"].unique().sort()
    there = (
        pl.scan_parquet(readings)
        .select(pl.col(kind.device_id).alias("device_id"), "ts")
        .filter(pl.col("device_id").is_between(ids[0], ids[-1]), pl.col("device_id").is_in(ids.implode()))
        .collect()
    )
    return of_kind.join(there, on=["device_id", "ts"], how="semi")
