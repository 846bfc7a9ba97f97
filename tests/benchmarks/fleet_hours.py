"""The hours of a full-size fleet: what one costs to write, and what a day and a week of them to ask for."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from http.client import HTTPConnection
from statistics import median

import psycopg

from tests.benchmarks.asking import WARM_UP
from tests.benchmarks.figures import Bar, Figure, percentile
from tests.benchmarks.load import SILENCE_S
from tests.benchmarks.stand import Server, Stand
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect
from warehouse.postgres.device_hours import HOUR, write_closed_hours

HOURS_FILLED = 3
WEEK = 168
FLEET_P99 = Bar("value", 100, 50, lower_is_better=True)


def measure(stand: Stand) -> None:
    """Tell the figures of the hourly picture. An hour has a reading a minute of each device."""
    with stand.database() as url:
        with connect(url) as connection:
            newest = stand.day_start + 12 * HOUR
            _fill(connection, newest, stand.scale.devices)
            _leave_to_write(connection, [newest])
            written_s = _timed(connection)
            looked_s = _timed(connection)
            _repeat(connection, newest)
            ((size,),) = connection.execute("SELECT pg_total_relation_size('device_hourly')").fetchall()
        with stand.product(url) as server:
            some = max(1, stand.scale.queries // 10)
            # An answer is remembered until the hours change: whoever asks for another length of the list is the first.
            day_s, week_s = (_ask(server, hours, lengths=range(1, 1 + WARM_UP + some)) for hours in (24, WEEK))
            again_s = _ask(server, 24, lengths=[10] * (WARM_UP + stand.scale.queries))
    stand.report.add(
        Figure("hour_written_within", written_s, "s"),
        Figure("hour_looked_at_again_within", looked_s, "s"),
        Figure("hour_disk", size / WEEK / 1e6, "MB/hour"),
        Figure("fleet_24_hours_first_p50", median(day_s) * 1000, "ms"),
        Figure("fleet_24_hours_first_p99", percentile(day_s, 0.99) * 1000, "ms", bar=FLEET_P99),
        Figure("fleet_168_hours_first_p50", median(week_s) * 1000, "ms"),
        Figure("fleet_24_hours_again_p50", median(again_s) * 1000, "ms"),
        Figure("fleet_24_hours_again_p99", percentile(again_s, 0.99) * 1000, "ms", bar=FLEET_P99),
    )


def _fill(connection: psycopg.Connection, newest: datetime, devices: int) -> None:
    """Readings of the newest hour and of those before it: registers that grow, each at its own pace."""
    for kind, more in ((DeviceKind.METER, ""), (DeviceKind.VEHICLE, " * (0.6 + 0.4 * mod(device, 100) / 100)")):
        connection.execute(
            f"""
            INSERT INTO {kind.readings} ({kind.device_id}, ts, kwh)
            SELECT device, minute + mod(device, 60) * INTERVAL '1 second',
                1000 + device + extract(epoch FROM minute - %(first)s) / 600 {more}
            FROM generate_series(%(first)s::timestamptz, %(last)s, INTERVAL '1 minute') AS minute,
                generate_series(1, %(devices)s) AS device
            """.encode(),
            {
                "first": newest - (HOURS_FILLED - 1) * HOUR,
                "last": newest + 59 * timedelta(minutes=1),
                "devices": devices,
            },
        )
        connection.execute(
            f"INSERT INTO {kind.latest} ({kind.device_id}, ts, kwh, received_at) "
            f"SELECT {kind.device_id}, now(), 0, now() FROM {kind.devices}".encode()
        )
    connection.execute("VACUUM ANALYZE")


def _leave_to_write(connection: psycopg.Connection, hours: list[datetime]) -> None:
    """All hours are written, but for these; the others of that day are put right first."""
    connection.execute(
        "INSERT INTO hourly_ledger SELECT hour, now() FROM generate_series("
        "date_trunc('day', now(), 'UTC') - INTERVAL '8 days', now(), INTERVAL '1 hour') AS hour"
    )
    write_closed_hours(connection, lambda _: None)
    for table, column in (("hourly_ledger", "hour"), ("device_hourly", "starts_at")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = any(%s)".encode(), [hours])
    connection.execute("VACUUM ANALYZE device_hourly")


def _timed(connection: psycopg.Connection) -> float:
    began = time.perf_counter()
    write_closed_hours(connection, lambda _: None)
    return time.perf_counter() - began


def _repeat(connection: psycopg.Connection, hour: datetime) -> None:
    """A week of hours like this one, up to the newest that is closed."""
    connection.execute("CREATE TEMP TABLE pattern AS SELECT * FROM device_hourly WHERE starts_at = %s", [hour])
    connection.execute("TRUNCATE device_hourly")
    connection.execute(
        "INSERT INTO device_hourly SELECT hourly.hour, energy_kwh, device_id, kind, reading_count, flags FROM pattern, "
        "(SELECT hour FROM hourly_ledger ORDER BY hour DESC LIMIT %s) AS hourly ORDER BY hourly.hour, kind, device_id",
        [WEEK],
    )
    connection.execute("VACUUM (ANALYZE) device_hourly")


def _ask(server: Server, hours: int, lengths: Sequence[int]) -> list[float]:
    """The seconds until each answer, with lists of these lengths, over one connection; the first few do not count."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=SILENCE_S)) as connection:
        return [_ask_once(connection, hours, length) for length in lengths][WARM_UP:]


def _ask_once(connection: HTTPConnection, hours: int, length: int) -> float:
    began = time.perf_counter()
    connection.request("GET", f"/v1/analytics/fleet?hours={hours}&worst={length}")
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - began
    if answer.status != 200 or json.loads(body)["efficiencyRatio"] is None:
        raise RuntimeError(f"{answer.status}: {body.decode()[:500]}")
    return seconds
