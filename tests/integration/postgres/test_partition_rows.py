"""Rows out of a partition and into another are the same rows, whatever they hold and wherever they lie."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from warehouse.contract.partitions import Stream, partition_name
from warehouse.postgres.ledger.partition_figures import table_figures
from warehouse.postgres.partitions import partition_rows
from warehouse.postgres.partitions.partition_rows import COLUMNS, PartitionRows, write_rows

DAY = datetime.now(UTC).date() - timedelta(days=3)
START = datetime.combine(DAY, datetime.min.time(), UTC)


def fill(connection: psycopg.Connection, stream: Stream, readings: int) -> None:
    """Readings whose sensors are there, or one of them, or none; the registers are those that rounding would change."""
    device, _, _, *sensors = COLUMNS[stream]
    columns = SQL(", ").join(map(Identifier, [device, "ts", "kwh", *sensors]))
    sometimes = [SQL("CASE WHEN n %% {} > 0 THEN n / 7::real END").format(2 + place) for place in range(len(sensors))]
    insert = SQL(
        "INSERT INTO {table} ({columns}) SELECT 2147483647 - n %% 3, %(start)s + n * INTERVAL '1.000001 s', "
        "n / 3.0::float8, {sensors} FROM generate_series(1, %(readings)s) AS n"
    ).format(table=Identifier(stream), columns=columns, sensors=SQL(", ").join(sometimes))
    connection.execute(insert, {"start": START, "readings": readings})


@pytest.mark.parametrize("stream", Stream)
@pytest.mark.parametrize("readings", [0, 1, 5_000])
def test_what_is_read_and_written_is_what_was_there(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, stream: Stream, readings: int
) -> None:
    monkeypatch.setattr(partition_rows, "_PAGES", 3)
    fill(connection, stream, readings)
    table = partition_name(stream, DAY)
    connection.execute(SQL("CREATE TABLE copied (LIKE {})").format(Identifier(table)))
    rows = PartitionRows(connection, stream, table)
    pieces = list(rows)
    for piece in pieces:
        write_rows(connection, stream, "copied", piece)
    assert rows.figures() == table_figures(connection, stream, table)
    assert len(pieces) >= readings / 1_000, "the pages of a table must come piece by piece"
    differing = SQL("(TABLE {0} EXCEPT ALL TABLE {1}) UNION ALL (TABLE {1} EXCEPT ALL TABLE {0})")
    assert not connection.execute(differing.format(Identifier(table), Identifier("copied"))).fetchall()
    assert connection.execute("SELECT count(*) FROM copied").fetchall() == [(readings,)]


def test_pages_whose_rows_are_gone_are_passed_by(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_rows, "_PAGES", 3)
    fill(connection, Stream.METER_READINGS, 5_000)
    connection.execute("DELETE FROM meter_readings WHERE kwh < 1000")
    (left,) = connection.execute("SELECT count(*) FROM meter_readings").fetchone() or (0,)
    rows = PartitionRows(connection, Stream.METER_READINGS, partition_name(Stream.METER_READINGS, DAY))
    assert sum(len(some["ts"]) for some in rows) == left > 0
    assert rows.figures().row_count == left


def test_all_rows_are_of_one_moment(connection: psycopg.Connection, database_url: str) -> None:
    fill(connection, Stream.METER_READINGS, 5_000)
    rows = iter(PartitionRows(connection, Stream.METER_READINGS, partition_name(Stream.METER_READINGS, DAY)))
    first = next(rows)
    with psycopg.connect(database_url) as writer:
        writer.execute("INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (1, %s, 1)", [START])
    assert len(first["ts"]) + sum(len(some["ts"]) for some in rows) == 5_000
