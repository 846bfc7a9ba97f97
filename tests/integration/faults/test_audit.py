"""The audit of ``make faults`` finds what it is there to find: each kind of damage, done by hand."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.faults.audit import Audit, audit
from tests.faults.book import Book

DAMAGE = {
    "lost": "DELETE FROM meter_readings USING meter_latest AS latest WHERE meter_readings.ts = latest.ts",
    "unexplained": "INSERT INTO meter_readings SELECT ts - interval '1h', kwh, meter_id, NULL FROM meter_latest",
    "wrong_states": "UPDATE vehicle_latest SET soc_percent = soc_percent + 1",
    "late_miscounts": "DELETE FROM late_rows",
    "doubled": """
        ALTER TABLE meter_readings DROP CONSTRAINT meter_readings_pkey;
        INSERT INTO meter_readings SELECT ts, kwh, meter_id, voltage_volts FROM meter_latest
    """,
}


@pytest.fixture
def book(tmp_path: Path, api: httpx.Client) -> Book:
    """Some readings, sent and acknowledged."""
    assert api.base_url.port
    with Book(tmp_path, api.base_url.port) as book:
        clients = book.clients(connections=2)
        with clients.sending():
            assert clients.wait_for(40)
    return book


def audited(book: Book, database_url: str) -> Audit:
    return audit(database_url, book.acknowledged.path, book.unanswered.path, datetime.now(UTC))


def test_all_is_well_where_nothing_was_damaged(book: Book, database_url: str) -> None:
    found = audited(book, database_url)
    assert found.faults == {}
    assert found.acknowledged == found.stored == book.acknowledged.lines > 0


@pytest.mark.parametrize("fault", DAMAGE)
def test_damage_is_found(book: Book, database_url: str, connection: psycopg.Connection, fault: str) -> None:
    connection.execute(DAMAGE[fault].encode())
    assert audited(book, database_url).faults[fault] > 0
