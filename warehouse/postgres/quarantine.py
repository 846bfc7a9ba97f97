"""Keeps what could not become a reading: its bytes and the reason, so that nothing sent is ever lost."""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from warehouse import sqlfiles

KEPT_DAYS = 30


class Refused(NamedTuple):
    """Bytes that are no reading, the stable code of the reason, and where they came from (``http``, a file name)."""

    raw: bytes
    code: str
    pointer: str
    detail: str
    source: str


def quarantine(connection: psycopg.Connection, refused: Sequence[Refused]) -> None:
    """Keep these in the caller's transaction; bytes already kept under the same code are only counted."""
    if not refused:
        return
    raws, codes, pointers, details, sources = (list(column) for column in zip(*refused, strict=True))
    connection.execute(
        sqlfiles.load("warehouse.postgres", "quarantine_readings"),
        {"raws": raws, "codes": codes, "pointers": pointers, "details": details, "sources": sources},
    )


def forget_old(connection: psycopg.Connection) -> int:
    """Delete what was last seen more than 30 days ago; returns how many were."""
    return connection.execute(sqlfiles.load("warehouse.postgres", "forget_quarantined"), {"days": KEPT_DAYS}).rowcount
