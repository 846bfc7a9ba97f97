"""A full-size day in PostgreSQL, written in the order in which readings arrive: 24 hours across a midnight.

From noon of the day before to noon of the stand's day, a reading a minute of every device. Autovacuum works as the
product has set it, and nothing else has vacuumed the tables until ``vacuum`` is called. It is left as far behind as it
would be had the day taken a day: what is written while it runs it misses, and here that would be hours.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import pairwise

import psycopg
from psycopg.sql import SQL, Identifier

from tests.benchmarks.stand import Stand
from warehouse.contract.partitions import days_between, partition_name
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.creation import make_partitions

WINDOW = timedelta(hours=24)
HOUR = timedelta(hours=1)
SLOWLY = timedelta(minutes=6)
"""At the end of each day: of 10,000 devices these are 60,000 rows, enough for autovacuum to come once more."""
AUTOVACUUM_WITHIN_S = 300.0

# One reading of each device a minute, minute after minute, so that the heap lies in the order of arrival and the index
# grows at as many places as there are devices. The registers grow by 0.05 kWh a minute.
_FILL = {
    DeviceKind.METER: """
        INSERT INTO meter_readings (meter_id, ts, kwh, voltage_volts)
        SELECT device, ts, device + date_part('epoch', ts)::bigint %% 86400000 / 1200.0, 230 + device %% 20 * 0.1
        FROM generate_series(%(start)s, %(end)s - interval '1 minute', interval '1 minute') AS ts,
            generate_series(1, %(devices)s) AS device
        ORDER BY ts, device
    """,
    DeviceKind.VEHICLE: """
        INSERT INTO vehicle_readings (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius)
        SELECT device, ts, device + date_part('epoch', ts)::bigint %% 86400000 / 1400.0, 50, 20 + device %% 30
        FROM generate_series(%(start)s, %(end)s - interval '1 minute', interval '1 minute') AS ts,
            generate_series(1, %(devices)s) AS device
        ORDER BY ts, device
    """,
}


@contextmanager
def full_day(stand: Stand) -> Iterator[str]:
    """A database with the day; dropped at the end."""
    end = noon(stand)
    with stand.database() as url:
        rows = 2 * stand.scale.devices * 1440
        stand.report.say(f"  writing a day of {rows:,} readings")
        for day_end in (stand.day_start, end):
            fill(url, day_end - WINDOW / 2, day_end - SLOWLY, stand.scale.devices)
            wait_for_autovacuum(url)
            fill(url, day_end - SLOWLY, day_end, stand.scale.devices)
        wait_for_autovacuum(url)
        yield url


def noon(stand: Stand) -> datetime:
    """Where the window ends."""
    return stand.day_start + timedelta(hours=12)


def fill(url: str, start: datetime, end: datetime, devices: int) -> None:
    """Write a reading a minute of the first so many devices of each kind, an hour a transaction."""

    def fill_stream(kind: DeviceKind) -> None:
        hours = [start + number * HOUR for number in range(-(-(end - start) // HOUR))]
        with connect(url) as connection:
            for from_, to in pairwise([*hours, end]):
                connection.execute(_FILL[kind].encode(), {"start": from_, "end": to, "devices": devices})

    with ThreadPoolExecutor(len(DeviceKind)) as pool:
        list(pool.map(fill_stream, DeviceKind))


@contextmanager
def with_history(stand: Stand, url: str) -> Iterator[str]:
    """A copy of the day with more days before it; fewer devices have those, each with all rows of its days."""
    end = noon(stand) - WINDOW
    start = end - timedelta(days=stand.scale.history_days - 1)
    with stand.database(url) as longer:
        stand.report.say(f"  writing {stand.scale.history_days - 1} days before it")
        with connect(longer) as connection:
            make_partitions(connection, days_between(start.date(), end.date()), timedelta(hours=2))
        fill(longer, start, end, min(stand.scale.history_devices, stand.scale.devices))
        vacuum(longer)
        yield longer


def wait_for_autovacuum(url: str) -> None:
    """Wait until it has nothing to do.

    Raises:
        RuntimeError: it does not come to an end.
    """
    deadline = time.monotonic() + AUTOVACUUM_WITHIN_S
    behind = """
        SELECT count(*) FROM pg_stat_user_tables
        WHERE relname ~ '_readings_' AND n_ins_since_vacuum > 50000 OR relid IN (
            SELECT relid FROM pg_stat_progress_vacuum WHERE datname = current_database()
        )
    """
    with connect(url) as connection:
        while connection.execute(behind).fetchall() != [(0,)]:
            if time.monotonic() > deadline:
                raise RuntimeError("autovacuum does not keep up")
            time.sleep(1)


def vacuum(url: str) -> None:
    """What sealing a day does, for every day."""
    with connect(url) as connection:
        connection.execute("VACUUM ANALYZE")


def sizes(connection: psycopg.Connection, days: list[date]) -> tuple[int, int]:
    """Bytes on disk (heap, index and their maps) and rows of these days."""
    total_bytes = rows = 0
    for kind in DeviceKind:
        for day in days:
            query = SQL("SELECT pg_total_relation_size({}), count(*) FROM {}")
            table = partition_name(kind.readings, day)
            row = connection.execute(query.format(table, Identifier(table))).fetchone() or (0, 0)
            total_bytes, rows = total_bytes + row[0], rows + row[1]
    return total_bytes, rows
