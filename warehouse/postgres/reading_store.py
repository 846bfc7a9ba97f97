"""Stores readings: several bodies in one transaction, each told what became of every item.

The plain INSERT is tried first, because repeats are rare and ON CONFLICT costs a third more. When it meets a key that
stands already, the batch is written again with ON CONFLICT, and what was not inserted is compared with what stands.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import LiteralString

import psycopg
from psycopg.sql import SQL

from warehouse import sqlfiles
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import translated_errors
from warehouse.postgres.devices import DeviceIds
from warehouse.postgres.prepared import BINARY_BOOL, BOOL_OID, PreparedStatement
from warehouse.postgres.quarantine import QuarantineQuota, Refusals
from warehouse.postgres.reading_batch import ARRAY_OIDS, PARAMETERS, Key, ReadingBatch, external_ids, key_of
from warehouse.telemetry import Rejection, Telemetry

_PACKAGE = "warehouse.postgres"
_CONFLICT = "another reading of this device stands under the same timestamp; the first stays"
_UNKNOWN_DEVICE = "this device is not registered"


@dataclass(slots=True)
class Outcome:
    """What became of one body: ``accepted + duplicates + conflicts + rejections`` is the number of its items."""

    accepted: int
    duplicates: int = 0
    conflicts: list[Rejection] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


class ReadingStore:
    """Stores batches on one connection (in autocommit), for as long as that connection lives."""

    def __init__(
        self,
        connection: psycopg.Connection,
        quota: QuarantineQuota,
        *,
        register_unknown: bool = True,
        always_late: bool = False,
        note_counted_only: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        """Make a store.

        ``register_unknown``: devices not seen before are registered, else their readings are refused.
        ``always_late``: count each row as late, whatever the clock says (an import into days long gone).
        ``note_counted_only``: is told of refused items whose bytes are not kept, by code.
        """
        self._connection = connection
        self._quota = quota
        self._note_counted_only = note_counted_only
        self._register_unknown = register_unknown
        self._always_late = always_late
        self._ids = DeviceIds()
        self._plain_insert = PreparedStatement(connection, _statement(""), _OIDS)
        self._flags_as_sent = {"always_late": BINARY_BOOL[always_late], "report_stored": BINARY_BOOL[False]}

    def learn_devices(self) -> None:
        """Learn the devices that are known already, before the first readings of all of them come at once.

        Raises:
            DatabaseUnavailableError: the connection is lost.
        """
        with translated_errors():
            self._ids.learn(self._connection)

    def store(self, bodies: Sequence[Telemetry], source: str) -> list[Outcome]:
        """Store these bodies in ONE transaction; returns the outcome of each, in order, after the commit.

        Raises:
            DatabaseUnavailableError: nothing is known of the transaction; storing the same again is safe.
            PartitionMissingError: a timestamp lies outside every partition; nothing was stored.
        """
        with translated_errors():
            batch = self._batch(bodies)
            outcomes = [Outcome(body.reading_count, rejections=list(body.rejections)) for body in bodies]
            for origin in batch.unknown:
                outcome = outcomes[origin.body]
                outcome.accepted -= 1
                outcome.rejections.append(Rejection(origin.item, "unknown_device", "", _UNKNOWN_DEVICE))
            try:
                self._write(bodies, batch, outcomes, source)
            except psycopg.errors.UniqueViolation:
                self._write_again(bodies, batch, outcomes, source)
        return outcomes

    def _batch(self, bodies: Sequence[Telemetry]) -> ReadingBatch:
        batch = ReadingBatch(bodies, self._ids)
        if batch.unknown:  # seldom: a device is looked up once
            for kind, wanted in external_ids(bodies).items():
                self._ids.look_up(self._connection, kind, wanted, register=self._register_unknown)
            batch = ReadingBatch(bodies, self._ids)
        return batch

    def _write(
        self, bodies: Sequence[Telemetry], batch: ReadingBatch, outcomes: Sequence[Outcome], source: str
    ) -> None:
        refused = _refused(bodies, outcomes, source)
        if not refused:  # nearly always: one statement is a transaction by itself
            arrays = {name: array.to_bytes() for name, array in batch.parameters().items()}
            self._plain_insert.execute({**arrays, **self._flags_as_sent})
            return
        with self._connection.transaction():
            self._insert(batch, "", report_stored=False)
            counted_only = refused.store(self._connection, self._quota)
        self._note_counted_only(counted_only)

    def _write_again(
        self, bodies: Sequence[Telemetry], batch: ReadingBatch, outcomes: Sequence[Outcome], source: str
    ) -> None:
        with self._connection.transaction():
            inserted = self._insert(batch, "ON CONFLICT DO NOTHING", report_stored=True).fetchall()
            stored = {kind: {key_of(id_, ts) for name, id_, ts in inserted if name == kind} for kind in DeviceKind}
            self._compare(batch, stored, outcomes)
            counted_only = {}
            if refused := _refused(bodies, outcomes, source):
                counted_only = refused.store(self._connection, self._quota)
        self._note_counted_only(counted_only)

    def _insert(
        self, batch: ReadingBatch, on_conflict: LiteralString, *, report_stored: bool
    ) -> psycopg.Cursor[tuple[str, int, datetime]]:
        return self._connection.execute(
            _statement(on_conflict),
            {**batch.parameters(), "always_late": self._always_late, "report_stored": report_stored},
            prepare=True,
        )

    def _compare(self, batch: ReadingBatch, stored: dict[DeviceKind, set[Key]], outcomes: Sequence[Outcome]) -> None:
        """Tell duplicates from conflicts among the readings that were not inserted."""
        for kind, columns in batch.columns.items():
            unclaimed = stored[kind]
            left_out = []
            for position, key in enumerate(columns.keys()):
                if key in unclaimed:
                    unclaimed.remove(key)  # the first of equal keys is the one that was inserted
                else:
                    left_out.append(position)
            if not left_out:
                continue
            query = sqlfiles.load(_PACKAGE, f"compare_{kind}_readings")
            parameters = columns.parameters(PARAMETERS[kind], left_out)
            is_same: dict[int, bool] = dict(self._connection.execute(query, parameters).fetchall())
            for number, position in enumerate(left_out, start=1):
                origin = columns.origin(position)
                outcome = outcomes[origin.body]
                outcome.accepted -= 1
                if is_same[number]:
                    outcome.duplicates += 1
                else:
                    outcome.conflicts.append(Rejection(origin.item, "conflict", "", _CONFLICT))


_OIDS = {**ARRAY_OIDS, "always_late": BOOL_OID, "report_stored": BOOL_OID}


@cache
def _statement(on_conflict: LiteralString) -> bytes:
    """Made once: to compose it for each batch would take as long as to write some rows."""
    return sqlfiles.load(_PACKAGE, "store_readings").format(on_conflict=SQL(on_conflict)).as_bytes()


def _refused(bodies: Sequence[Telemetry], outcomes: Sequence[Outcome], source: str) -> Refusals:
    """Everything of these bodies that goes to quarantine; conflicts first, for they are valid readings."""
    refused = Refusals(source)
    for body, outcome in zip(bodies, outcomes, strict=True):
        if outcome.rejections or outcome.conflicts:
            refused.add(body, (*outcome.conflicts, *outcome.rejections))
    return refused
