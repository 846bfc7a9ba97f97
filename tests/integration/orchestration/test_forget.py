"""``fleetwatt forget``: a device is nowhere afterwards, the fleet's sums are explained, and the rest is as it was."""

import time
from collections.abc import Iterator
from datetime import timedelta

import duckdb
import polars as pl
import psycopg
import pytest

from orchestration.local.forgetting import UnfinishedForgetting
from tests.integration.orchestration.conftest import Ended, FilledDays, Fleetwatt
from tests.integration.orchestration.dagster_days import FIRST, SECOND, VEHICLES, Days
from tests.lake_folder import newest_file
from warehouse.contract.partitions import PartitionState, Stream
from warehouse.contract.tables import DeviceKind
from warehouse.lifecycle.retention import Retention
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.readings.device_ids import register_devices

pytestmark = pytest.mark.long  # days are run, and run again
VEHICLE, OTHER, METER = "veh-00001", "veh-00002", "meter-00001"
FLEET = "daily_fleet_efficiency"


@pytest.fixture
def days(filled_days: FilledDays, monkeypatch: pytest.MonkeyPatch) -> Days:
    """Two days of three pairs, run; the vehicle has an item in quarantine, a log speaks of it."""
    days = filled_days(FIRST, SECOND)
    monkeypatch.setenv("FLEET_DATABASE_URL", days.url)
    monkeypatch.setenv("FLEET_HOME", str(days.home))
    for day in (FIRST, SECOND):
        days.pipeline.run(day)
    with connect(days.url) as connection:
        connection.execute(
            "INSERT INTO quarantined_readings (code, pointer, detail, source, raw, raw_sha256, size_bytes) "
            "SELECT 'out_of_range', '/soc', 'soc', 'http', raw, sha256(raw), 1 FROM unnest(%s::bytea[]) AS raw",
            [[f'{{"vehicleId":"{name}","soc":101}}'.encode() for name in (VEHICLE, OTHER)]],
        )
        connection.execute(
            "INSERT INTO tokens (token_id, secret_sha256, name, scopes, devices) VALUES ('abcdefgh', "
            "sha256('x'), 'charger', '{ingest}', %s)",
            [[VEHICLE]],
        )
    logs = days.home / "logs"
    logs.mkdir()
    (logs / "api.log.1").write_text(f"refused {VEHICLE}\nrefused {VEHICLE}0\n")
    return days


@pytest.fixture
def connection(days: Days) -> Iterator[psycopg.Connection]:
    with connect(days.url) as connection:
        yield connection


def made(days: Days, name: str) -> list[pl.DataFrame]:
    return [pl.read_parquet(newest_file(days.pipeline.lake, name, day)) for day in (FIRST, SECOND)]


def forget(fleetwatt: Fleetwatt, *arguments: str) -> Ended:
    return fleetwatt("forget", *arguments)


def report_again(connection: psycopg.Connection) -> int:
    """The meter does, while it is half forgotten; returns its new id."""
    new_id = register_devices(connection, DeviceKind.METER, {METER: None})[METER]
    for table, columns in (("meter_readings", "ts, kwh, meter_id"), ("meter_latest", "ts, kwh, meter_id, received_at")):
        values = "now(), 1, %s" + (", now()" if table == "meter_latest" else "")
        connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})".encode(), [new_id])
    return new_id


def is_said_somewhere(days: Days, connection: psycopg.Connection, name: str) -> list[str]:
    """Tables whose rows, and files whose content, have a text in them. Parquet is read by another engine than ours."""
    found = []
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for (table,) in tables.fetchall():
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT".encode()) as rows:
            content = b"".join(map(bytes, rows))
        if name.encode() in content or name.encode().hex().encode() in content:
            found.append(table)
    for path in (path for path in days.home.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            content_of = duckdb.execute("SELECT * FROM read_parquet(?, hive_partitioning = false)", [str(path)])
            if any(name in str(row) for row in content_of.fetchall()):
                found.append(str(path))
        elif path.name != "readings.ndjson" and name.encode() in path.read_bytes():
            found.append(str(path))
    return found


def test_it_says_what_would_go_and_does_nothing(
    days: Days, connection: psycopg.Connection, fleetwatt: Fleetwatt
) -> None:
    ended = forget(fleetwatt, VEHICLE)
    assert ended.code == 4
    assert "vehicle_readings: " in ended.err
    assert "2 days of the lake would be made again" in ended.err
    assert "none is known here" in ended.err
    assert VEHICLE in connection.execute("SELECT string_agg(external_id, ' ') FROM vehicles").fetchone()[0]  # type: ignore[index]
    assert forget(fleetwatt, "veh-9").code == 1


def test_a_vehicle_is_nowhere_afterwards_and_the_sums_are_explained(
    days: Days, connection: psycopg.Connection, fleetwatt: Fleetwatt
) -> None:
    before, others = made(days, FLEET), made(days, "daily_vehicle_efficiency")
    Retention(days.url, days.pipeline.lake, timedelta(0))
    ended = forget(fleetwatt, VEHICLE, "--yes")
    assert ended.code == 0, ended.err
    assert [each for each in is_said_somewhere(days, connection, VEHICLE) if "api.log" not in each] == []
    log = (days.home / "logs" / "api.log.1").read_text()
    assert log.startswith("refused forgotten-") and log.endswith(f"refused {VEHICLE}0\n")
    for old, new in zip(before, made(days, FLEET), strict=True):
        was, is_now = old.row(0, named=True), new.row(0, named=True)
        for name in ("metered_ac_kwh", "delivered_dc_kwh"):
            assert is_now[name] == pytest.approx(was[name])
        assert is_now["forgotten_dc_kwh"] > 0
        assert (is_now["vehicle_count"], is_now["forgotten_ac_kwh"]) == (was["vehicle_count"] - 1, 0)
    for old, new in zip(others, made(days, "daily_vehicle_efficiency"), strict=True):
        left = old.filter(pl.col("vehicle_external_id") != VEHICLE)
        assert new["ac_kwh"].to_list() == pytest.approx(left["ac_kwh"].to_list())
    for day in (FIRST, SECOND):
        for stream in Stream:
            known = day_ledger.stream_day(connection, stream, day)
            assert known.state == PartitionState.EXPORTED
            assert known.row_count == pl.read_parquet(newest_file(days.pipeline.lake, stream, day)).height
    assert day_ledger.days_to_run(connection) == []
    ((quarantined, tokens),) = connection.execute(
        "SELECT (SELECT count(*) FROM quarantined_readings), (SELECT devices[1] FROM tokens)"
    ).fetchall()
    assert quarantined == 1 and tokens.startswith("forgotten-")
    assert fleetwatt("query", f"FROM {FLEET}", "--day", FIRST, "--as-of", "1").code == 1
    assert "half forgotten" not in fleetwatt("status").out
    key = days.home / "secrets" / "forgotten.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_what_was_killed_is_told_and_gone_on_with(
    days: Days, connection: psycopg.Connection, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = type(days.pipeline).run
    calls = []

    def killed_at_the_second(self: object, *arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        run(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(days.pipeline), "run", killed_at_the_second)
    assert forget(fleetwatt, METER, "--yes").code == 130
    said = fleetwatt("status").out
    assert "a meter (" in said and "1 of 2 days are to be made again; fleetwatt forget --resume goes on" in said
    assert METER not in said
    new_id = report_again(connection)
    told: list[str] = []
    jobs_url = days.pipeline_url or days.url
    UnfinishedForgetting(days.settings, days.url, jobs_url, told.append).begin()  # as each start does
    while not any(each.startswith("forgotten: a meter") for each in told):
        time.sleep(0.1)
    assert "half forgotten" in told[0]
    assert forget(fleetwatt, "--resume").code == 0, "it waits for who is at it"
    assert all(each["forgotten_ac_kwh"][0] > 0 for each in made(days, FLEET))
    for readings in made(days, "meter_readings"):
        assert readings["meter_id"].n_unique() == VEHICLES - 1
    assert connection.execute("SELECT meter_id FROM meters WHERE external_id = %s", [METER]).fetchall() == [(new_id,)]
    assert connection.execute("SELECT count(*) FROM meter_readings WHERE meter_id = %s", [new_id]).fetchall() == [(1,)]


def test_a_day_that_only_the_lake_has_is_written_anew(
    days: Days, connection: psycopg.Connection, fleetwatt: Fleetwatt
) -> None:
    dropped = list(Retention(days.url, days.pipeline.lake, timedelta(seconds=-1)).drop_old())
    assert [each.why_kept for each in dropped] == [None] * 4
    assert forget(fleetwatt, VEHICLE, "--yes").code == 0
    assert [each for each in is_said_somewhere(days, connection, VEHICLE) if "api.log" not in each] == []
    for day in (FIRST, SECOND):
        known = day_ledger.stream_day(connection, Stream.VEHICLE_READINGS, day)
        readings = pl.read_parquet(newest_file(days.pipeline.lake, Stream.VEHICLE_READINGS, day))
        assert (known.state, known.row_count, known.device_count) == (PartitionState.DROPPED, readings.height, 2)


def test_only_what_is_older_goes(days: Days, connection: psycopg.Connection, fleetwatt: Fleetwatt) -> None:
    assert forget(fleetwatt, VEHICLE, "--before", str(SECOND), "--yes").code == 0
    first, second = made(days, "vehicle_readings")
    assert (first["vehicle_id"].n_unique(), second["vehicle_id"].n_unique()) == (2, 3)
    first, second = made(days, "daily_vehicle_efficiency")
    assert (first.height, second.height) == (2, 3)
