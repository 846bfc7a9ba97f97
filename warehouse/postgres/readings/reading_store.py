"""Stores readings: several bodies in one transaction, each told what became of every item.

The plain INSERT is tried first, because repeats are rare and ON CONFLICT costs a third more. When it meets a key that
is stored already, the batch is written again with ON CONFLICT, and what was not inserted is compared with the stored
rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import LiteralString

import psycopg
from psycopg.sql import SQL

from warehouse import sqlfiles
from warehouse.contract.errors import TooManyDevicesError
from warehouse.contract.tables import DeviceKind
from warehouse.decoding.telemetry import Rejection, Telemetry
from warehouse.postgres.connection import translated_errors
from warehouse.postgres.readings.device_ids import DeviceIds
from warehouse.postgres.readings.device_quota import DeviceRoom
from warehouse.postgres.readings.prepared import BINARY_BOOL, BOOL_OID, PreparedStatement
from warehouse.postgres.readings.quarantine import QuarantineQuota, Refusals
from warehouse.postgres.readings.reading_batch import ARRAY_OIDS, PARAMETERS, Key, ReadingBatch, external_ids, key_of

_PACKAGE = "warehouse.postgres.readings"
_CONFLICT = "another reading of this device is stored under the same timestamp; the first stays"
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
        room: DeviceRoom | None = None,
        is_import: bool = False,
        note_counted_only: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        """Make a store.

        ``register_unknown``: devices not seen before are registered, else their readings are refused.
        ``room``: for how many; without it there is no bound.
        ``is_import``: count each row as late, whatever the clock says, and as imported: it is of a day long gone.
        ``note_counted_only``: is told of refused items whose bytes are not kept, by code.
        """
        self._connection = connection
        self._quota = quota
        self._note_counted_only = note_counted_only
        self._register_unknown = register_unknown
        self._room = room
        self._is_import = is_import
        self._ids = DeviceIds()
        self._plain_insert = PreparedStatement(connection, _statement(""), _OIDS)
        self._flags_as_sent = {"is_import": BINARY_BOOL[is_import], "report_stored": BINARY_BOOL[False]}

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
            try:
                return self._store(bodies, source)
            except psycopg.errors.ForeignKeyViolation:  # a device was removed since we looked it up
                self._ids.forget()
                return self._store(bodies, source)

    def _store(self, bodies: Sequence[Telemetry], source: str) -> list[Outcome]:
        batch = ReadingBatch(bodies, self._ids)
        if not batch.unknown:  # nearly always
            return self._try_to_write(bodies, batch, source)
        wanted = external_ids(bodies)
        unknown = {kind: self._ids.look_up(self._connection, kind, each) for kind, each in wanted.items()}
        allowed = self._allowed(bodies, unknown)
        if not any(allowed.values()):
            return self._try_to_write(bodies, ReadingBatch(bodies, self._ids), source)
        # In one transaction with its first reading: whatever is refused registers nobody.
        try:
            with self._ids.registering(self._connection, allowed):
                batch = ReadingBatch(bodies, self._ids)
                outcomes = self._outcomes(bodies, batch)
                self._write_plainly(bodies, batch, outcomes, source)
        except psycopg.errors.UniqueViolation:
            with self._ids.registering(self._connection, allowed):
                batch = ReadingBatch(bodies, self._ids)
                outcomes = self._outcomes(bodies, batch)
                self._write_what_is_new(bodies, batch, outcomes, source)
        return outcomes

    def _allowed(
        self, bodies: Sequence[Telemetry], unknown: Mapping[DeviceKind, set[str]]
    ) -> dict[DeviceKind, dict[str, str | None]]:
        """Which of these devices are to be registered, each by the token of a body that names it and has room."""
        allowed: dict[DeviceKind, dict[str, str | None]] = {kind: {} for kind in DeviceKind}
        if not self._register_unknown:
            return allowed
        for body in bodies:
            for kind, devices in external_ids([body]).items():
                wanted = sorted((devices & unknown[kind]) - allowed[kind].keys())
                most = len(wanted)
                if self._room and most:
                    most = self._room.take(self._connection, most, body.token_id)
                allowed[kind].update(dict.fromkeys(wanted[:most], body.token_id))
        return allowed

    def _try_to_write(self, bodies: Sequence[Telemetry], batch: ReadingBatch, source: str) -> list[Outcome]:
        outcomes = self._outcomes(bodies, batch)
        try:
            self._write(bodies, batch, outcomes, source)
        except psycopg.errors.UniqueViolation:
            with self._connection.transaction():
                self._write_what_is_new(bodies, batch, outcomes, source)
        return outcomes

    def _outcomes(self, bodies: Sequence[Telemetry], batch: ReadingBatch) -> list[Outcome]:
        """What becomes of each body, as far as that is known before anything is written."""
        outcomes = [Outcome(body.reading_count, rejections=list(body.rejections)) for body in bodies]
        if batch.unknown:
            why = {each: self._why_unknown(each) for each in {bodies[origin.body].token_id for origin in batch.unknown}}
            for origin in batch.unknown:
                outcome = outcomes[origin.body]
                outcome.accepted -= 1
                outcome.rejections.append(Rejection(origin.item, *why[bodies[origin.body].token_id]))
        return outcomes

    def _why_unknown(self, token_id: str | None) -> tuple[str, str, str]:
        if self._register_unknown and self._room:
            return TooManyDevicesError.code, "", f"this device is not registered: {self._room.why_full(token_id)}"
        return "unknown_device", "", _UNKNOWN_DEVICE

    def _write(
        self, bodies: Sequence[Telemetry], batch: ReadingBatch, outcomes: Sequence[Outcome], source: str
    ) -> None:
        if any(outcome.rejections for outcome in outcomes):
            with self._connection.transaction():
                self._write_plainly(bodies, batch, outcomes, source)
        else:  # nearly always: one statement is a transaction by itself
            arrays = {name: array.to_bytes() for name, array in batch.parameters().items()}
            self._plain_insert.execute({**arrays, **self._flags_as_sent})

    def _write_plainly(
        self, bodies: Sequence[Telemetry], batch: ReadingBatch, outcomes: Sequence[Outcome], source: str
    ) -> None:
        """Write in the caller's transaction; raises UniqueViolation where a key is stored already."""
        self._insert(batch, "", report_stored=False)
        self._keep(_refused(bodies, outcomes, source))

    def _write_what_is_new(
        self, bodies: Sequence[Telemetry], batch: ReadingBatch, outcomes: Sequence[Outcome], source: str
    ) -> None:
        """Write in the caller's transaction, and compare with what is stored."""
        inserted = self._insert(batch, "ON CONFLICT DO NOTHING", report_stored=True).fetchall()
        stored = {kind: {key_of(id_, ts) for name, id_, ts in inserted if name == kind} for kind in DeviceKind}
        self._compare(batch, stored, outcomes)
        self._keep(_refused(bodies, outcomes, source))

    def _keep(self, refused: Refusals) -> None:
        if refused:
            self._note_counted_only(refused.store(self._connection, self._quota))

    def _insert(
        self, batch: ReadingBatch, on_conflict: LiteralString, *, report_stored: bool
    ) -> psycopg.Cursor[tuple[str, int, datetime]]:
        return self._connection.execute(
            _statement(on_conflict),
            {**batch.parameters(), "is_import": self._is_import, "report_stored": report_stored},
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


_OIDS = {**ARRAY_OIDS, "is_import": BOOL_OID, "report_stored": BOOL_OID}


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
