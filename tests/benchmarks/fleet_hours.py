"""The hours of a full-size fleet: what one costs to write, and what a day and a week of them to ask for."""

import json
import time
from contextlib import closing
from datetime import datetime, timedelta
from http.client import HTTPConnection
from statistics import median

import psycopg

from ingest_api.analytics.fleet_answers import LOOK_EVERY_S
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.load import SILENCE_S
from tests.benchmarks.stand import Server, Stand
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.postgres.hours.hour_spans import HOUR

HOURS_FILLED = 3
WEEK = 168
READY_WITHIN_S = 3.0


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
        with stand.product(url) as server, connect(url) as connection:
            some = max(1, stand.scale.queries // 10)
            day_s, week_s = (_ask_at_once(server, connection, hours, some) for hours in (24, WEEK))
            ready_s = [_ask_when_ready(server, connection) for _ in range(stand.scale.rounds)]
            again_s = _ask(server, 24, stand.scale.queries)
    stand.report.add(
        Figure("hour_written_within", written_s, "s"),
        Figure("hour_looked_at_again_within", looked_s, "s"),
        Figure("hour_disk", size / WEEK / 1e6, "MB/hour"),
        Figure("fleet_24_hours_at_once_p50", median(day_s) * 1000, "ms"),
        Figure("fleet_24_hours_at_once_p99", percentile(day_s, 0.99) * 1000, "ms"),
        Figure("fleet_168_hours_at_once_p50", median(week_s) * 1000, "ms"),
        Figure("fleet_24_hours_first_of_an_hour_longest", max(ready_s) * 1000, "ms"),
        Figure("fleet_24_hours_again_p50", median(again_s) * 1000, "ms"),
        Figure("fleet_24_hours_again_p99", percentile(again_s, 0.99) * 1000, "ms"),
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


def _ask_at_once(server: Server, connection: psycopg.Connection, hours: int, times: int) -> list[float]:
    """The seconds until each answer where hours were written right before it: it is summed while its client waits."""
    seconds = []
    for _ in range(times):
        _touch(connection)
        seconds += _ask(server, hours, 1)
    return seconds


def _ask_when_ready(server: Server, connection: psycopg.Connection) -> float:
    """The seconds until the first answer after hours were written and the API has had the time to look at them."""
    _touch(connection)
    time.sleep(LOOK_EVERY_S + READY_WITHIN_S)
    (seconds,) = _ask(server, 24, 1)
    return seconds


def _touch(connection: psycopg.Connection) -> None:
    """As if the newest hour had been rewritten."""
    connection.execute(
        "UPDATE hourly_ledger SET written_at = clock_timestamp() WHERE hour = (SELECT max(hour) FROM hourly_ledger)"
    )


def _ask(server: Server, hours: int, times: int) -> list[float]:
    """The seconds until each answer, over one connection on which something else was asked before."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=SILENCE_S)) as connection:
        connection.request("GET", "/livez")
        connection.getresponse().read()
        return [_ask_once(connection, hours) for _ in range(times)]


def _ask_once(connection: HTTPConnection, hours: int) -> float:
    began = time.perf_counter()
    connection.request("GET", f"/v1/analytics/fleet?hours={hours}")
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - began
    if answer.status != 200 or json.loads(body)["efficiencyRatio"] is None:
        raise RuntimeError(f"{answer.status}: {body.decode()[:500]}")
    return seconds
