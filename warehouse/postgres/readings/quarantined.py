"""What is in the quarantine, for people who look why readings were refused."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles


@dataclass(frozen=True)
class Quarantined:
    """An item that was refused. ``raw``: its first 4 KiB; ``size_bytes``: of the whole.

    ``kept_count``, ``seen_count``: of all that was asked for of its code, how many are kept and how often they came.
    """

    code: str
    last_seen_at: datetime
    first_seen_at: datetime
    times_seen: int
    source: str
    client_address: str | None
    request_id: str | None
    pointer: str
    detail: str
    size_bytes: int
    raw: bytes
    kept_count: int
    seen_count: int


def list_quarantined(
    connection: psycopg.Connection, samples: int, code: str | None = None, since: datetime | None = None
) -> list[Quarantined]:
    """The newest items of each code, ``samples`` at most, of one code or all, seen at ``since`` or later."""
    with connection.cursor(row_factory=class_row(Quarantined)) as cursor:
        query = sqlfiles.load("warehouse.postgres.readings", "list_quarantined")
        return cursor.execute(query, {"samples": samples, "code": code, "since": since}).fetchall()
