"""Partitions made ahead: one UTC day of one stream each, whole or not at all, in nobody's way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import fresh_database
from warehouse.contract.partitions import AHEAD_DAYS, Stream, bounds, partition_name
from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.creation import make_ahead, make_partitions

GRACE = timedelta(hours=2)
A_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def shared_url(server_url: str, template: str) -> Iterator[str]:
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture
def connection(shared_url: str) -> Iterator[psycopg.Connection]:
    with connect(shared_url) as connection:
        yield connection


_days = iter(date(2031, 3, 30) + number * timedelta(days=100) for number in range(100))


@pytest.fixture
def day() -> date:
    """The first of a hundred days that no other test touches. On the very first one Europe's clocks change."""
    return next(_days)


def rows(connection: psycopg.Connection, query: str, *parameters: object) -> list[Any]:
    return connection.execute(query.encode(), parameters).fetchall()


def ledger(connection: psycopg.Connection, day: date) -> list[Any]:
    """The lines of the days around this one."""
    query = "SELECT stream, day, state, late_after, seal_after FROM partition_ledger WHERE day BETWEEN %s AND %s"
    return sorted(rows(connection, query, day - 50 * A_DAY, day + 49 * A_DAY))


def tables(connection: psycopg.Connection, day: date) -> set[str]:
    """The partitions of a day that are attached to their stream."""
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhrelid::regclass::text LIKE %s"
    return {name for (name,) in rows(connection, query, f"%{day:%Y\\_%m\\_%d}")}


def test_a_day_has_a_partition_and_a_line_in_the_ledger_in_each_stream(
    connection: psycopg.Connection, day: date
) -> None:
    made = make_partitions(connection, [day], GRACE)
    assert {(each.stream, each.day) for each in made} == {(stream, day) for stream in Stream}
    assert tables(connection, day) == {partition_name(stream, day) for stream in Stream}
    end = datetime.combine(day + A_DAY, time(), UTC)
    expected = [(stream, day, "open", end + GRACE / 2, end + GRACE) for stream in sorted(Stream)]
    assert ledger(connection, day) == expected


def test_existing_partitions_are_left_alone(connection: psycopg.Connection, day: date) -> None:
    other = day + A_DAY
    make_partitions(connection, [day], GRACE)
    before = ledger(connection, day)
    made = make_partitions(connection, [other, day, other], timedelta(hours=9))
    assert [(each.stream, each.day) for each in made] == [(stream, other) for stream in Stream]
    assert ledger(connection, day)[::2] == before
    assert make_partitions(connection, [day, other], GRACE) == []
    assert make_partitions(connection, [], GRACE) == []


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_day_is_utc_to_the_last_microsecond_whatever_the_sessions_zone(shared_url: str, day: date, zone: str) -> None:
    other = day + A_DAY
    with psycopg.connect(shared_url, autocommit=True, options=f"-c timezone={zone}") as connection:
        make_partitions(connection, [day, other], GRACE)
        edges = {
            datetime.combine(day, time(), UTC): day,
            datetime.combine(day, time.max, UTC): day,
            datetime.combine(other, time(), UTC): other,
            datetime.combine(other, time.max, UTC): other,
        }
        insert = "INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (1, %s, 0)"
        for ts in edges:
            connection.execute(insert, [ts])
        query = "SELECT ts, tableoid::regclass::text FROM meter_readings WHERE ts BETWEEN %s AND %s"
        found = dict(rows(connection, query, min(edges), max(edges)))
        assert found == {ts: partition_name(Stream.METER_READINGS, of_ts) for ts, of_ts in edges.items()}
        for beyond in (bounds(day, GRACE).start - timedelta(microseconds=1), bounds(other, GRACE).end):
            with pytest.raises(psycopg.errors.CheckViolation, match="no partition"):
                connection.execute(insert, [beyond])


def test_the_whole_accepted_window_and_two_weeks_are_made_ahead(connection: psycopg.Connection, day: date) -> None:
    for now in (datetime.combine(day, time(), UTC), datetime.combine(day, time.max, UTC)):
        make_ahead(connection, now, timedelta(days=7), GRACE)
        days = {each for stream, each, *_ in ledger(connection, day) if stream == Stream.METER_READINGS}
        assert days == {day + number * A_DAY for number in range(-7, AHEAD_DAYS + 1)}
    made = make_ahead(connection, datetime.combine(day + A_DAY, time(), UTC), timedelta(days=7), GRACE)
    assert {each.day for each in made} == {day + (AHEAD_DAYS + 1) * A_DAY}


@pytest.mark.parametrize("state", ["sealed", "exported", "dropped"])
def test_a_day_whose_life_went_on_is_not_made_again(connection: psycopg.Connection, day: date, state: str) -> None:
    make_partitions(connection, [day], GRACE)
    connection.execute("UPDATE partition_ledger SET state = %s WHERE day = %s", [state, day])
    if state == "dropped":
        for stream in Stream:
            connection.execute(f"DROP TABLE {partition_name(stream, day)}".encode())
    before = ledger(connection, day), tables(connection, day)
    assert make_partitions(connection, [day], GRACE) == []
    assert (ledger(connection, day), tables(connection, day)) == before


def test_makers_at_the_same_time_share_the_work(shared_url: str, connection: psycopg.Connection, day: date) -> None:
    days = [day + number * A_DAY for number in range(5)]

    def make(_: int) -> int:
        with connect(shared_url) as maker:
            return len(make_partitions(maker, days, GRACE))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(make, range(4))) == 10
    assert len(ledger(connection, day)) == 10


@pytest.mark.parametrize(
    "obstacle",
    [
        "CREATE TABLE vehicle_readings_{day:%Y_%m_%d} ()",
        "CREATE TABLE intruder PARTITION OF vehicle_readings FOR VALUES FROM ('{day} 12:00Z') TO ('{day} 13:00Z')",
    ],
    ids=["the name is taken", "a part of the day is taken"],
)
def test_a_partition_that_cannot_be_made_leaves_nothing_half_made(
    connection: psycopg.Connection, day: date, obstacle: str
) -> None:
    connection.execute(obstacle.format(day=day).encode())
    with pytest.raises(psycopg.Error):
        make_partitions(connection, [day, day + A_DAY], GRACE)
    made = [(each[0], each[1]) for each in ledger(connection, day)]
    assert made == [(Stream.METER_READINGS, day), (Stream.METER_READINGS, day + A_DAY)]
    assert partition_name(Stream.VEHICLE_READINGS, day) not in tables(connection, day)


def test_making_waits_for_no_reader_and_no_writer(shared_url: str, connection: psycopg.Connection, day: date) -> None:
    make_partitions(connection, [day], GRACE)
    insert = "INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (%s, %s, 0)"
    with psycopg.connect(shared_url) as reader, psycopg.connect(shared_url) as writer:
        reader.execute("SELECT count(*) FROM meter_readings")
        writer.execute(insert, [1, datetime.combine(day, time(), UTC)])
        connection.execute("SET lock_timeout = '5s'")
        assert len(make_partitions(connection, [day + A_DAY], GRACE)) == 2
        writer.execute(insert, [2, datetime.combine(day + A_DAY, time(), UTC)])


def test_a_partition_is_vacuumed_by_inserts_and_has_the_one_covering_index(
    connection: psycopg.Connection, day: date
) -> None:
    make_partitions(connection, [day], GRACE)
    for stream, kept in ((Stream.METER_READINGS, "(kwh)"), (Stream.VEHICLE_READINGS, "(kwh, battery_temp_celsius)")):
        name = partition_name(stream, day)
        ((options,),) = rows(connection, "SELECT reloptions FROM pg_class WHERE relname = %s", name)
        assert "autovacuum_vacuum_insert_scale_factor=0.0" in options
        ((index,),) = rows(connection, "SELECT indexdef FROM pg_indexes WHERE tablename = %s", name)
        assert index.startswith("CREATE UNIQUE INDEX")
        assert index.endswith(f"INCLUDE {kept}")
