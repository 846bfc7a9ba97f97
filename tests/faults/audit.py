"""Holds the ledger against the database: what was acknowledged is stored, once, and nothing else is."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.postgres.connection import connect

_PACKAGE = "tests.faults"
_HEAP_ONLY = {"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}
_INDEX_ONLY = {"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_indexscan": "off"}


@dataclass(frozen=True)
class Audit:
    """Numbers of readings, but for ``wrong_states`` (devices) and ``late_miscounts`` (days of a stream)."""

    acknowledged: int
    stored: int
    lost: int
    """Acknowledged and not stored, or not with the value that was sent."""
    unheard: int
    """Stored and not acknowledged."""
    unexplained: int
    """Of these, such as no client was waiting to hear of."""
    doubled: int
    """Keys that the heap holds twice."""
    wrong_states: int
    """Current states that are not the newest reading of the history."""
    late_miscounts: int
    """Days whose count of late rows is not what the history holds."""
    heap_and_index_differ: int
    """Rows that only the heap or only the key's index knows."""

    @property
    def faults(self) -> dict[str, int]:
        """What must be 0 and is not."""
        names = ("lost", "unexplained", "doubled", "wrong_states", "late_miscounts", "heap_and_index_differ")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def audit(url: str, acknowledged: Path, unanswered: Path, since: datetime) -> Audit:
    """Compare the two files of the clients, who began at ``since``, with what the database holds."""
    with connect(url) as connection:
        for name, path in (("acknowledged", acknowledged), ("unanswered", unanswered)):
            connection.execute(sqlfiles.load(_PACKAGE, "create_ledger").format(ledger=Identifier(name)))
            with connection.cursor().copy(f"COPY {name} FROM STDIN") as copy, path.open("rb") as lines:
                while piece := lines.read(1 << 20):
                    copy.write(piece)
        _set(connection, _HEAP_ONLY)
        connection.execute(sqlfiles.load(_PACKAGE, "create_stored"))
        counts = {
            name: number
            for query in ("compare_ledger", "count_doubled_keys", "count_wrong_states", "count_late_miscounts")
            for name, number in _row(connection, query, since).items()
        }
        return Audit(
            acknowledged=counts["acknowledged"],
            stored=counts["stored"],
            lost=counts["lost"],
            unheard=counts["unheard"],
            unexplained=counts["unexplained"],
            doubled=counts["doubled"],
            wrong_states=counts["wrong"],
            late_miscounts=counts["miscounted"],
            heap_and_index_differ=_differing(connection),
        )


def _differing(connection: psycopg.Connection) -> int:
    for name, settings in (("of_heap", _HEAP_ONLY), ("of_index", _INDEX_ONLY)):
        connection.execute("RESET ALL")
        _set(connection, settings)
        connection.execute(sqlfiles.load(_PACKAGE, "create_rows_seen").format(seen=Identifier(name)))
    connection.execute("RESET ALL")
    return int(_row(connection, "compare_rows_seen")["differing"])


def _set(connection: psycopg.Connection, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])


def _row(connection: psycopg.Connection, query: str, since: datetime | None = None) -> dict[str, Any]:
    cursor = connection.cursor(row_factory=dict_row)
    row = cursor.execute(sqlfiles.load(_PACKAGE, query), {"since": since}).fetchone()
    return row or {}
