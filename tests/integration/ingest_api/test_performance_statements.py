"""How many statements answer the 24 h question: two, and only for a device that was corrected in the window more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from ingest_api.analytics.performance import Window, measure
from warehouse.contract.partitions import midnight, utc_day

MIDNIGHT = midnight(utc_day(datetime.now(UTC)) - timedelta(days=3))
WINDOW = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))


class Recording(psycopg.AsyncConnection[DictRow]):
    """A connection that remembers the texts of its statements."""

    texts: list[str]

    async def execute(self, query: Any, *args: Any, **named: Any) -> psycopg.AsyncCursor[DictRow]:
        """As any connection does."""
        self.texts.append(query if isinstance(query, str) else query.as_string(self))
        return await super().execute(query, *args, **named)


@asynccontextmanager
async def recording(url: str) -> AsyncIterator[Recording]:
    async with await Recording.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.texts = []
        yield connection


@pytest.fixture
def fleet(connection: psycopg.Connection) -> psycopg.Connection:
    """A pair whose registers only grew."""
    for kind in ("meter", "vehicle"):
        connection.execute(f"INSERT INTO {kind}s (external_id) VALUES ('{kind}-1')".encode())
        connection.execute(
            f"INSERT INTO {kind}_readings ({kind}_id, ts, kwh) SELECT 1, %s + n * INTERVAL '1 hour', 100 + n"
            " FROM generate_series(0, 23) AS n".encode(),
            [MIDNIGHT],
        )
    connection.execute("INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (1, 1, '1970-01-01Z')")
    return connection


def statements(url: str) -> list[str]:
    async def ask() -> list[str]:
        async with recording(url) as connection:
            await measure(connection, "vehicle-1", WINDOW, threshold=0.85)
            return connection.texts

    return asyncio.run(ask())


def corrected_until(connection: psycopg.Connection, until: datetime) -> None:
    connection.execute("UPDATE meters SET corrected_until = %s", [until])


def test_a_device_without_corrections_is_answered_by_two_statements(
    fleet: psycopg.Connection, database_url: str
) -> None:
    plain = statements(database_url)
    assert len(plain) == 2
    assert not any("corrected_meter_readings" in text for text in plain)
    corrected_until(fleet, WINDOW.start)  # what was corrected before the window is no part of it
    assert statements(database_url) == plain


def test_a_device_that_was_corrected_in_the_window_is_read_as_it_counts(
    fleet: psycopg.Connection, database_url: str
) -> None:
    corrected_until(fleet, WINDOW.start + timedelta(microseconds=1))
    settings, readings, count = statements(database_url)
    assert "corrected_until" in settings
    assert "corrected_meter_readings" in readings
    assert "correction_in_force" in count
