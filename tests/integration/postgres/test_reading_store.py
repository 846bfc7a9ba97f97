"""Storing readings: what becomes of each item, and that every value arrives as it was sent."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import psycopg
import pytest

from tests.conftest import fresh_database
from tests.factories import QUOTA, iso, meter_payload, now_s, vehicle_payload
from warehouse.contract.errors import DatabaseUnavailableError, PartitionMissingError, SchemaOutdatedError
from warehouse.contract.readings import AcceptedWindow, MeterReading, Reading, VehicleReading
from warehouse.contract.tables import DeviceKind
from warehouse.decoding.telemetry import Telemetry, decode_lines
from warehouse.postgres.connection import connect, open_connection
from warehouse.postgres.readings.device_ids import DeviceIds, register_devices
from warehouse.postgres.readings.quarantine import forget_old
from warehouse.postgres.readings.reading_store import Outcome, ReadingStore

TS = now_s() - timedelta(hours=1)


def body(*readings: Reading) -> Telemetry:
    """Readings that were sent as one array."""
    telemetry = Telemetry(b"[" + b",".join(b'"%d"' % number for number in range(len(readings))) + b"]", is_batch=True)
    telemetry.readings.extend(readings)
    telemetry.indexes.extend(range(len(readings)))
    return telemetry


def meter(kwh: float = 1.0, *, device: str = "m", ts: datetime = TS, volts: float | None = 230.0) -> MeterReading:
    return MeterReading(device, ts, kwh, volts)


def summary(outcome: Outcome) -> tuple[int, int, list[int], list[int]]:
    """Accepted, duplicates, the indexes of conflicts and of rejections."""
    indexes = [sorted(each.index for each in refused) for refused in (outcome.conflicts, outcome.rejections)]
    return outcome.accepted, outcome.duplicates, indexes[0], indexes[1]


def rows(connection: psycopg.Connection, query: str) -> list[Any]:
    return connection.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def shared_url(server_url: str, template: str) -> Iterator[str]:
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture
def connection(shared_url: str) -> Iterator[psycopg.Connection]:
    """A connection to a database without a row."""
    with connect(shared_url) as connection:
        for table in ("meter_readings", "vehicle_readings", "meter_latest", "vehicle_latest", "meters", "vehicles"):
            connection.execute(f"DELETE FROM {table}".encode())
        connection.execute("DELETE FROM quarantined_readings")
        connection.execute("DELETE FROM late_rows")
        yield connection


@pytest.fixture
def store(connection: psycopg.Connection) -> ReadingStore:
    return ReadingStore(connection, QUOTA)


VALUES = [0.0, 0.1, 5e-324, 1.7976931348623157e308, 12034.123, 999_999_999.9999999, 1e9]
INSTANTS = [
    TS,
    TS + timedelta(microseconds=1),
    TS + timedelta(microseconds=999_999),
    datetime.combine(TS.date(), datetime.min.time(), UTC),
    datetime.combine(TS.date(), datetime.max.time(), UTC),
]


def test_goes_on_after_everything_prepared_was_forgotten(store: ReadingStore, connection: psycopg.Connection) -> None:
    for minute in range(3):
        outcomes = store.store([body(meter(minute + 1.0, ts=TS + timedelta(minutes=minute)))], "test")
        assert outcomes[0].accepted == 1
        connection.execute("DEALLOCATE ALL")  # as the driver does after some rollbacks
    assert rows(connection, "SELECT count(*) FROM meter_readings") == [(3,)]


def test_two_stores_share_a_connection(connection: psycopg.Connection) -> None:
    for minute in range(2):
        store = ReadingStore(connection, QUOTA)
        assert store.store([body(meter(ts=TS + timedelta(minutes=minute)))], "test")[0].accepted == 1


def test_every_value_arrives_as_it_was_sent(store: ReadingStore, connection: psycopg.Connection) -> None:
    values = list(product(INSTANTS, VALUES))
    meters = [meter(kwh, device=f"m{number}", ts=ts, volts=None) for number, (ts, kwh) in enumerate(values)]
    vehicles = [VehicleReading(f"v{number}", ts, kwh, 0.5, -59.5) for number, (ts, kwh) in enumerate(values)]
    assert store.store([body(*meters, *vehicles)], "test")[0].accepted == 2 * len(values)
    for table in ("readings", "latest"):
        query = f"SELECT external_id, ts, kwh, voltage_volts FROM meter_{table} JOIN meters USING (meter_id)"
        assert sorted(rows(connection, query)) == sorted(meters)
        query = (
            "SELECT external_id, ts, kwh, soc_percent, battery_temp_celsius "
            f"FROM vehicle_{table} JOIN vehicles USING (vehicle_id)"
        )
        assert sorted(rows(connection, query)) == sorted(vehicles)


def test_of_several_bodies_each_is_told_of_its_own_items(store: ReadingStore, connection: psycopg.Connection) -> None:
    store.store([body(meter(9.0, device="stored"))], "test")
    bad = decode_lines([b"bad", b"", b"{}"], AcceptedWindow(TS, TS))
    outcomes = store.store(
        [
            body(meter(1.0), meter(9.0, device="stored"), meter(2.0)),
            bad,
            body(meter(2.0), meter(1.0)),
            body(),
            body(meter(8.0, device="stored"), VehicleReading("m", TS, 1.0, None, None)),
        ],
        "test",
    )
    assert [summary(outcome) for outcome in outcomes] == [
        (1, 1, [2], []),
        (0, 0, [], [0, 2]),
        (0, 1, [0], []),
        (0, 0, [], []),
        (1, 0, [0], []),
    ]
    assert rows(connection, "SELECT kwh FROM meter_readings ORDER BY kwh") == [(1.0,), (9.0,)]
    kept = "SELECT code, convert_from(raw, 'UTF8'), source FROM quarantined_readings ORDER BY code, 2"
    assert rows(connection, kept) == [
        ("conflict", '"0"', "test"),
        ("conflict", '"2"', "test"),
        ("malformed_json", "bad", "test"),
        ("unknown_kind", "{}", "test"),
    ]


@pytest.mark.parametrize("bodies", [[], [body()], [body(), body()]], ids=len)
def test_nothing_is_stored_of_nothing(
    store: ReadingStore, connection: psycopg.Connection, bodies: Sequence[Telemetry]
) -> None:
    assert [summary(outcome) for outcome in store.store(bodies, "test")] == [(0, 0, [], [])] * len(bodies)
    assert rows(connection, "SELECT FROM meter_latest UNION ALL SELECT FROM quarantined_readings") == []


def test_twenty_thousand_readings_of_many_devices_at_once(store: ReadingStore, connection: psycopg.Connection) -> None:
    many = [meter(float(n), device=f"m{n % 100}", ts=TS + timedelta(milliseconds=n)) for n in range(20_000)]
    assert [summary(outcome) for outcome in store.store([body(*many)], "test")] == [(20_000, 0, [], [])]
    assert [summary(outcome) for outcome in store.store([body(*many[::-1])], "test")] == [(0, 20_000, [], [])]
    newest = "SELECT count(*), min(kwh), max(kwh) FROM meter_latest"
    assert rows(connection, newest) == [(100, 19_900.0, 19_999.0)]


def test_where_unknown_devices_are_refused_they_are_looked_for_again_each_time(connection: psycopg.Connection) -> None:
    store = ReadingStore(connection, QUOTA, register_unknown=False)
    assert summary(store.store([body(meter(), meter(device="other"))], "test")[0]) == (0, 0, [], [0, 1])
    assert {each.code for each in store.store([body(meter())], "test")[0].rejections} == {"unknown_device"}
    connection.execute("INSERT INTO meters (external_id) VALUES ('m')")
    assert summary(store.store([body(meter(), meter(device="other"))], "test")[0]) == (1, 0, [], [1])


def test_an_import_of_old_days_counts_every_new_row_late(connection: psycopg.Connection) -> None:
    store = ReadingStore(connection, QUOTA, is_import=True)
    reading = meter()
    store.store([body(reading, VehicleReading("v", TS, 1.0, None, None))], "a file")
    store.store([body(reading)], "a file")
    late = sorted(rows(connection, "SELECT stream, day, row_count FROM late_rows"))
    assert late == [("meter_readings", TS.date(), 1), ("vehicle_readings", TS.date(), 1)]


def test_a_reading_outside_every_partition_stores_nothing_of_its_batch(
    store: ReadingStore, connection: psycopg.Connection
) -> None:
    for far in (TS - timedelta(days=400), TS + timedelta(days=400), datetime(1970, 1, 1, tzinfo=UTC)):
        with pytest.raises(PartitionMissingError):
            store.store([body(meter()), body(meter(ts=far), meter(2.0))], "test")
    assert rows(connection, "SELECT FROM meter_readings UNION ALL SELECT FROM quarantined_readings") == []
    assert store.store([body(meter())], "test")[0].accepted == 1  # the store is as good as new


@pytest.fixture
def losing_connection(shared_url: str) -> Iterator[psycopg.Connection]:
    with open_connection(shared_url) as connection:
        yield connection


def test_a_lost_connection_is_the_database_being_away(
    losing_connection: psycopg.Connection, connection: psycopg.Connection
) -> None:
    store = ReadingStore(losing_connection, QUOTA)
    assert store.store([body(meter())], "test")[0].accepted == 1
    connection.execute("SELECT pg_terminate_backend(%s, 5000)", [losing_connection.info.backend_pid])
    for _ in range(2):
        with pytest.raises(DatabaseUnavailableError):
            store.store([body(meter(2.0))], "test")
    assert rows(connection, "SELECT kwh FROM meter_readings") == [(1.0,)]


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE late_rows", "ALTER TABLE meter_readings RENAME voltage_volts TO volts", "DROP TABLE meters CASCADE"],
)
def test_another_schema_is_told_from_a_lost_database(
    store: ReadingStore, connection: psycopg.Connection, change: str
) -> None:
    with pytest.raises(SchemaOutdatedError, match="migrate"), connection.transaction():  # which takes the change back
        connection.execute(change.encode())
        store.store([body(meter())], "test")


def test_quarantine_is_kept_thirty_days_after_it_was_last_seen(
    store: ReadingStore, connection: psycopg.Connection
) -> None:
    lines = [b"old", b"seen again", b"new"]
    window = AcceptedWindow(TS, TS)
    store.store([decode_lines(lines[:2], window)], "test")
    connection.execute("UPDATE quarantined_readings SET last_seen_at = clock_timestamp() - interval '30 days 1 second'")
    store.store([decode_lines(lines[1:], window)], "test")
    assert forget_old(connection, QUOTA) == 1
    kept = "SELECT convert_from(raw, 'UTF8'), times_seen FROM quarantined_readings ORDER BY 1"
    assert rows(connection, kept) == [("new", 1), ("seen again", 2)]
    assert forget_old(connection, QUOTA) == 0


def test_payloads_of_the_factories_are_valid() -> None:
    """What the other tests rely on."""
    payloads = (meter_payload(), vehicle_payload(), meter_payload(timestamp=iso(TS)))
    lines = [json.dumps(payload).encode() for payload in payloads]
    window = AcceptedWindow.around(datetime.now(UTC), age=timedelta(days=1), ahead=timedelta())
    assert decode_lines(lines, window).rejections == []


def test_devices_that_are_known_already_are_learnt_at_once(connection: psycopg.Connection) -> None:
    ids = DeviceIds()
    registered = {kind: register_devices(connection, kind, dict.fromkeys(["first", "second"])) for kind in DeviceKind}
    ids.learn(connection)
    assert {kind: ids.of(kind) for kind in DeviceKind} == registered
    connection.execute("ALTER TABLE meters RENAME TO hidden")  # whoever looked one up now would fail
    try:
        store = ReadingStore(connection, QUOTA)
        with pytest.raises(SchemaOutdatedError):
            store.learn_devices()
        assert ids.look_up(connection, DeviceKind.METER, ["first"]) == set()
    finally:
        connection.execute("ALTER TABLE hidden RENAME TO meters")
