"""What the ledger says of days, devices, the lake and the pipeline, for ``GET /metrics``: read once in 15 s, in parts.

A part that cannot be read is left out and named, in a metric and in the log: the others are told all the same.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

import psycopg
from prometheus_client.core import GaugeMetricFamily

from ingest_api.database import AnalyticsDatabase, Connection, Database, fetch_all, fetch_one
from warehouse import sqlfiles
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import midnight

logger = logging.getLogger(__name__)

KEPT_S = 15.0
READ_WITHIN_S = 3.0
"""All parts together. A database that is frozen must not keep the other metrics."""
READ_AT_ONCE = 2
"""Parts: one that waits for a lock keeps no other from being read, and ingest keeps its connections."""


class Figure(NamedTuple):
    """One value. ``labels`` are never a device's."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Described:
    help: str
    labels: tuple[str, ...] = ()


METRICS: Mapping[str, _Described] = {
    "fleet_dirty_days": _Described("Days in the lake that have readings or settings since they were exported."),
    "fleet_days_to_build": _Described("Closed days that the lake does not have as they are, dirty ones included."),
    "fleet_oldest_day_to_build_timestamp_seconds": _Described(
        "Begin of the oldest of those days, UTC; there is none where every closed day is built."
    ),
    "fleet_devices": _Described("Devices that are registered.", ("kind",)),
    "fleet_stale_devices": _Described("Devices whose newest reading is older than 15 minutes.", ("kind",)),
    "fleet_offline_devices": _Described("Devices whose newest reading is older than a day.", ("kind",)),
    "fleet_quarantined_readings": _Described("Refused items that are kept in the quarantine."),
    "fleet_lake_bytes": _Described("Files of the lake: current ones, and versions that were replaced.", ("versions",)),
    "fleet_stopped_automations": _Described("Sensors and schedules that somebody stopped in Dagster."),
    "fleet_replication_lag_seconds": _Described(
        "How far the replica that dashboards ask is behind; of a primary none."
    ),
    "fleet_ledger_unread": _Described("1 for each part of these figures that could not be read.", ("part",)),
}


@dataclass
class LedgerFigures:
    """The figures as they were read last. A collector of Prometheus: ``collect`` waits for nothing."""

    database: Database
    reads: AnalyticsDatabase
    _figures: Sequence[Figure] = ()
    _read_at: float | None = None
    _unread: frozenset[str] = frozenset()
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self) -> None:
        """Read them again where they are older than 15 s. Never fails."""
        async with self._reading:
            if self._read_at is not None and time.monotonic() - self._read_at < KEPT_S:
                return
            found: dict[str, Sequence[Figure]] = {}
            at_once = asyncio.Semaphore(READ_AT_ONCE)
            reading = {asyncio.create_task(self._read_part(part, found, at_once)) for part in _PARTS}
            # wait() and not timeout(): a query to a frozen server does not let itself be cancelled in time.
            done, late = await asyncio.wait(reading, timeout=READ_WITHIN_S)
            for task in late:
                task.cancel()
            for task in done:
                task.result()
            self._note_unread(frozenset(_PARTS) - found.keys())
            self._figures = [figure for part in list(found.values()) for figure in part]
            self._read_at = time.monotonic()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """In the form that Prometheus's client writes."""
        unread = [Figure("fleet_ledger_unread", part in self._unread, (part,)) for part in _PARTS]
        values: dict[str, list[Figure]] = {}
        for figure in [*self._figures, *unread]:
            values.setdefault(figure.name, []).append(figure)
        for name, described in METRICS.items():
            if name in values:
                family = GaugeMetricFamily(name, described.help, labels=described.labels)
                for figure in values[name]:
                    family.add_metric(figure.labels, figure.value)
                yield family

    async def _read_part(self, part: str, found: dict[str, Sequence[Figure]], at_once: asyncio.Semaphore) -> None:
        database = self.reads if part == "replica" else self.database
        try:
            async with at_once, database.connection() as connection:
                found[part] = await _PARTS[part](connection)
        except (FleetwattError, psycopg.Error) as error:
            logger.debug("%s could not be read for /metrics: %s", part, error)

    def _note_unread(self, unread: frozenset[str]) -> None:
        if unread != self._unread:
            if unread:
                logger.warning("/metrics lacks %s: the database does not answer them", ", ".join(sorted(unread)))
            else:
                logger.info("/metrics has all figures of the ledger again")
        self._unread = unread


async def _days(connection: Connection) -> list[Figure]:
    days = await fetch_all(connection, sqlfiles.load("warehouse.postgres.ledger", "find_days_to_run"), {})
    # Of what was never sealed only days that have a reading are to be built.
    to_build = [each for each in days if each["was_sealed"] or await _has_readings(connection, each["day"])]
    figures = [
        Figure("fleet_dirty_days", sum(each["is_dirty"] for each in days)),
        Figure("fleet_days_to_build", len(to_build)),
    ]
    if to_build:
        oldest = midnight(to_build[0]["day"]).timestamp()
        figures.append(Figure("fleet_oldest_day_to_build_timestamp_seconds", oldest))
    return figures


async def _has_readings(connection: Connection, day: date) -> bool:
    parameters = {"starts_at": midnight(day), "ends_at": midnight(day + timedelta(days=1))}
    found = await fetch_one(connection, sqlfiles.load("warehouse.postgres.ledger", "find_any_reading"), parameters)
    return found is not None and any(found.values())


async def _devices(connection: Connection) -> list[Figure]:
    kinds = await fetch_all(connection, sqlfiles.load("warehouse.postgres", "summarize_devices"), {})
    names = {"devices": "fleet_devices", "silent": "fleet_stale_devices", "offline": "fleet_offline_devices"}
    return [Figure(name, each[column], (each["kind"],)) for column, name in names.items() for each in kinds]


async def _lake(connection: Connection) -> list[Figure]:
    found = await fetch_one(connection, sqlfiles.load("warehouse.postgres", "summarize_database"), {}) or {}
    return [
        Figure("fleet_quarantined_readings", found["quarantined"]),
        Figure("fleet_lake_bytes", found["lake_bytes"], ("current",)),
        Figure("fleet_lake_bytes", found["replaced_lake_bytes"], ("replaced",)),
    ]


async def _pipeline(connection: Connection) -> list[Figure]:
    found = await fetch_one(connection, sqlfiles.load("warehouse.postgres", "find_pipeline_status"), {})
    return [Figure("fleet_stopped_automations", len(found["stopped"]))] if found else []


async def _replica(connection: Connection) -> list[Figure]:
    found = await fetch_one(connection, sqlfiles.load("ingest_api.observability", "find_replication_lag"), {})
    return [Figure("fleet_replication_lag_seconds", found["seconds"])] if found and found["seconds"] is not None else []


_PARTS: Mapping[str, Callable[[Connection], Awaitable[Sequence[Figure]]]] = {
    "days": _days,
    "devices": _devices,
    "lake": _lake,
    "pipeline": _pipeline,
    "replica": _replica,
}
