"""The audit of ``make faults`` finds what it is there to find: each kind of damage, done by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.conftest import fresh_database, serving
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


@pytest.fixture(scope="module")
def sent(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Book, str]]:
    """Some readings, sent and acknowledged: by this book, and stored in the database of this name."""
    with fresh_database(server_url, template) as url:
        with (
            serving(database_url=url) as api,
            Book(tmp_path_factory.mktemp("book"), api.base_url.port or 0) as book,
        ):
            clients = book.clients(connections=2)
            with clients.sending():
                assert clients.wait_for(40)
        yield book, urlsplit(url).path[1:]


@pytest.fixture
def book(sent: tuple[Book, str]) -> Book:
    return sent[0]


@pytest.fixture
def database_url(sent: tuple[Book, str], server_url: str) -> Iterator[str]:
    """A copy of what was stored, to be damaged."""
    with fresh_database(server_url, sent[1]) as url:
        yield url


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
