"""What the quarantine forgets, and what it keeps whatever comes in."""

import psycopg
import pytest

from tests.factories import now_s
from warehouse.contract.readings import AcceptedWindow
from warehouse.decoding.telemetry import decode_lines
from warehouse.postgres.readings.quarantine import QuarantineQuota, forget_old
from warehouse.postgres.readings.reading_store import ReadingStore

ROOMY = QuarantineQuota(max_rows=1000, max_bytes=10_000_000)


def refuse(connection: psycopg.Connection, code: str, count: int, days_ago: float) -> None:
    """So many items that were refused then."""
    lines = [f"{code} {days_ago} {number}".encode() for number in range(count)]
    ReadingStore(connection, ROOMY).store([decode_lines(lines, AcceptedWindow(now_s(), now_s()))], "http")
    connection.execute(
        "UPDATE quarantined_readings SET code = %s, last_seen_at = clock_timestamp() - make_interval(secs => %s) "
        "WHERE code = 'malformed_json'",
        [code, days_ago * 86_400],
    )


def ages(connection: psycopg.Connection, code: str) -> dict[int, int]:
    """How many rows of this code are how many days old."""
    query = (
        "SELECT extract(day FROM clock_timestamp() - last_seen_at)::integer, count(*) "
        "FROM quarantined_readings WHERE code = %s GROUP BY 1"
    )
    return dict(connection.execute(query, [code]).fetchall())


@pytest.mark.parametrize(
    "quota", [QuarantineQuota(100, 10**9), QuarantineQuota(10**6, 100 * 425)], ids=["rows", "bytes"]
)
def test_where_it_is_more_than_half_full_the_oldest_go_but_none_of_this_week(
    connection: psycopg.Connection, quota: QuarantineQuota
) -> None:
    for days_ago, count in ((20, 30), (10, 30), (1, 30)):
        refuse(connection, "garbage", count, days_ago)
    assert forget_old(connection, quota) == pytest.approx(40, abs=3)
    assert ages(connection, "garbage")[1] == 30
    assert 20 not in ages(connection, "garbage")
    refuse(connection, "garbage", 90, 2)
    forget_old(connection, quota)
    assert ages(connection, "garbage") == {1: 30, 2: 90}


def test_garbage_does_not_push_out_older_conflicts(connection: psycopg.Connection) -> None:
    quota = QuarantineQuota(100, 10**9)
    refuse(connection, "conflict", 40, 25)
    refuse(connection, "garbage", 100, 8)
    assert forget_old(connection, quota) == 50
    assert ages(connection, "conflict") == {25: 40}


def test_what_is_forgotten_is_still_counted(connection: psycopg.Connection) -> None:
    refuse(connection, "garbage", 5, 31)
    assert forget_old(connection, ROOMY) == 5
    sums = "SELECT sum(item_count), sum(counted_only), sum(kept_rows), sum(kept_bytes) FROM quarantine_counts"
    assert connection.execute(sums).fetchone() == (5, 0, 0, 0)
