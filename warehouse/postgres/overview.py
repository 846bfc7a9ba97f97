"""What is in the database, for people: devices, days, freshness and sizes, without scanning what is large."""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream, partition_name
from warehouse.listening import OPEN
from warehouse.postgres.pipeline_status import PipelineStatus, pipeline_status

_PACKAGE = "warehouse.postgres"
EXACT_BELOW_BYTES = 64 * 1024 * 1024
"""Smaller partitions are counted (well under 0.1 s each), larger ones estimated."""


@dataclass(frozen=True)
class DeviceOverview:
    """The devices of one kind. ``silent`` ones have reported before, and not in the last 15 minutes; ``offline`` ones
    of them not in the last 24 hours.
    """

    kind: str
    devices: int
    reporting: int
    silent: int
    offline: int
    newest_ts: datetime | None


@dataclass
class PartitionOverview:
    """One day of one stream. ``row_count`` is exact unless ``is_estimate``; ``is_built``: the models are up to date.

    ``version``: of the stream's file. ``release``: which release of the day readers see, 0 where there is none;
    ``restated_release``, ``restatement``: the newest that changed what they saw before, and in a line what it changed.
    """

    stream: Stream
    day: date
    state: str
    version: int
    is_built: bool
    release: int
    restated_release: int | None
    restatement: str | None
    lake_bytes: int
    late_row_count: int
    """Of what devices sent; what was imported into a day that was over is counted apart."""
    imported_row_count: int
    size_bytes: int
    heap_bytes: int
    estimated_row_count: int
    row_count: int = 0
    is_estimate: bool = False


@dataclass(frozen=True)
class DatabaseOverview:
    """The database as a whole."""

    server_version: str
    size_bytes: int
    lake_bytes: int
    replaced_lake_bytes: int
    """Of versions that are no longer current, and kept for a while."""
    quarantined: int
    open_mappings: int


@dataclass(frozen=True)
class QuarantineOverview:
    """What was refused under one code since the beginning, and what of it is kept. ``kept_bytes``: on the disk."""

    code: str
    item_count: int
    counted_only: int
    kept_rows: int
    kept_bytes: int


@dataclass(frozen=True)
class Overview:
    """Everything that ``fleetwatt status`` shows."""

    database: DatabaseOverview
    quarantine: list[QuarantineOverview]
    devices: list[DeviceOverview]
    partitions: list[PartitionOverview]
    pipeline: PipelineStatus | None
    open_servers: list[str]
    """Those of ours that listen beyond loopback and ask nobody who they are."""


def look(connection: psycopg.Connection) -> Overview:
    """Look at the database of this connection."""
    with connection.cursor(row_factory=class_row(DatabaseOverview)) as cursor:
        (database,) = cursor.execute(sqlfiles.load(_PACKAGE, "summarize_database")).fetchall()
    with connection.cursor(row_factory=class_row(QuarantineOverview)) as cursor:
        quarantine = cursor.execute(sqlfiles.load(_PACKAGE, "summarize_quarantine")).fetchall()
    with connection.cursor(row_factory=class_row(DeviceOverview)) as cursor:
        devices = cursor.execute(sqlfiles.load(_PACKAGE, "summarize_devices")).fetchall()
    with connection.cursor(row_factory=class_row(PartitionOverview)) as cursor:
        partitions = cursor.execute(sqlfiles.load(_PACKAGE, "summarize_partitions")).fetchall()
    for partition in partitions:
        _count(connection, partition)
    rows = connection.execute(sqlfiles.load(_PACKAGE, "find_open_servers"), {"names": f"%, {OPEN}"}).fetchall()
    pipeline = pipeline_status(connection)
    return Overview(database, quarantine, devices, partitions, pipeline, open_servers=[name for (name,) in rows])


def _count(connection: psycopg.Connection, partition: PartitionOverview) -> None:
    if partition.heap_bytes == 0:
        return
    if partition.heap_bytes > EXACT_BELOW_BYTES and partition.estimated_row_count > 0:
        partition.row_count, partition.is_estimate = partition.estimated_row_count, True
        return
    name = partition_name(Stream(partition.stream), partition.day)
    query = sqlfiles.load(_PACKAGE, "count_partition_rows").format(partition=Identifier(name))
    row = connection.execute(query).fetchone()
    partition.row_count = row[0] if row else 0
