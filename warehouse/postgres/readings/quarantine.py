"""Keeps what could not become a reading: its first bytes and the reason. Bounded: beyond its room it only counts.

Every refused item is counted by its code, in ``quarantine_counts``, in the transaction that stores its neighbours. A
row is kept of the first few of a body, as long as there is room; docs/adr/0072 says what makes room, and when.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import psycopg

from warehouse import sqlfiles
from warehouse.decoding.telemetry import Rejection, Telemetry
from warehouse.settings import FleetSettings

_PACKAGE = "warehouse.postgres.readings"

KEPT_DAYS = 30
PROTECTED_DAYS = 7
"""What was seen within so many days is not removed to make room."""
MAX_RAW_BYTES = 4096
"""Of an item; its hash and its size are of the whole."""
MAX_KEPT_OF_A_BODY = 200
"""Items of one body, or of one piece of a stream or file: rows then take about the room that the body had."""


class QuarantineQuota(NamedTuple):
    """How much is kept. Several connections that fill it at once may exceed it by one transaction each."""

    max_rows: int
    max_bytes: int
    """With what a row and its indexes take beside the bytes."""

    @classmethod
    def of(cls, settings: FleetSettings) -> "QuarantineQuota":
        """As it is set."""
        return cls(settings.quarantine_max_rows, settings.quarantine_max_bytes)


class _Row(NamedTuple):
    """A row to be kept, but for how often its item was seen."""

    code: str
    pointer: str
    detail: str
    source: str
    client_address: str | None
    request_id: str | None
    raw: bytes
    raw_sha256: bytes
    size_bytes: int


_PARAMETERS = (
    *("codes", "pointers", "details", "sources", "client_addresses", "request_ids"),
    *("raws", "raw_sha256s", "sizes_bytes"),
)
"""What the statement calls its columns, in the order of a row."""


class Refusals:
    """What one transaction refuses."""

    def __init__(self, source: str) -> None:
        """``source``: where it came from (``http``, a file's name)."""
        self._source = source
        self._rows: dict[tuple[bytes, str], _Row] = {}
        self._times_seen: Counter[tuple[bytes, str]] = Counter()
        self._more: Counter[str] = Counter()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._rows)

    def add(self, body: Telemetry, refused: Iterable[Rejection]) -> None:
        """These items of this body: the first of them to be kept, the others to be counted."""
        items = iter(refused)
        for _, each in zip(range(MAX_KEPT_OF_A_BODY), items, strict=False):
            self._keep(body, each)
        self._more.update(each.code for each in items)

    def store(self, connection: psycopg.Connection, quota: QuarantineQuota) -> dict[str, int]:
        """Keep and count them in the caller's transaction; how many of each code were only counted."""
        columns = zip(*self._rows.values(), strict=True)
        parameters = {
            **{name: list(column) for name, column in zip(_PARAMETERS, columns, strict=True)},
            "times_seen": [self._times_seen[key] for key in self._rows],
            "more_codes": list(self._more),
            "more_counts": list(self._more.values()),
            **quota._asdict(),
        }
        return dict(connection.execute(sqlfiles.load(_PACKAGE, "quarantine_readings"), parameters).fetchall())

    def _keep(self, body: Telemetry, refused: Rejection) -> None:
        raw = body.raw_item(refused.index)
        sha256 = hashlib.sha256(raw).digest()
        key = sha256, refused.code
        self._times_seen[key] += 1
        if key not in self._rows:
            sender = body.sender
            self._rows[key] = _Row(
                refused.code,
                refused.pointer,
                refused.detail,
                self._source,
                sender.client_address if sender else None,
                sender.request_id if sender else None,
                raw[:MAX_RAW_BYTES],
                sha256,
                len(raw),
            )


def forget_old(connection: psycopg.Connection, quota: QuarantineQuota) -> int:
    """Delete what is old, and what is oldest where more than half of the room is taken; returns how many rows."""
    parameters = {"kept_days": KEPT_DAYS, "protected_days": PROTECTED_DAYS, **quota._asdict()}
    return connection.execute(sqlfiles.load(_PACKAGE, "forget_quarantined"), parameters).rowcount
