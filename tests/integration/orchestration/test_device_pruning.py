"""``fleetwatt devices prune``: what is gone for good goes, and nothing of which anything is left."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest
from typer.testing import CliRunner, Result

from orchestration.cli.commands import app
from tests.lake_folder import newest_file
from warehouse.contract.tables import DeviceKind
from warehouse.lake.energy_day import LAST_SAMPLES as SCHEMA
from warehouse.lake.publish import DamagedFileError, publish
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.device_pruning import look, remove
from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.creation import make_partitions
from warehouse.postgres.readings.device_ids import register_devices

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=40)
BEFORE = NOW - timedelta(days=30)
OF_LAST_MONTH = ["never", "gone", "mapped", "in postgres", "in the lake", "in raw files"]


@pytest.fixture
def ids(connection: psycopg.Connection) -> dict[str, int]:
    """Meters of forty days ago, each with another trace; and one of today."""
    ids = register_devices(connection, DeviceKind.METER, dict.fromkeys([*OF_LAST_MONTH, "new"]))
    (vehicle,) = register_devices(connection, DeviceKind.VEHICLE, dict.fromkeys(["never"])).values()
    connection.execute("UPDATE meters SET registered_at = %s WHERE external_id <> 'new'", [LONG_AGO])
    connection.execute("UPDATE vehicles SET registered_at = %s", [LONG_AGO])
    make_partitions(connection, [LONG_AGO.date()], timedelta(hours=2))
    for name in ("gone", "in postgres", "in the lake", "in raw files"):
        latest = "INSERT INTO meter_latest (meter_id, ts, kwh, received_at) VALUES (%s, %s, 1, %s)"
        connection.execute(latest, [ids[name], LONG_AGO, LONG_AGO])
    reading = "INSERT INTO meter_readings (ts, kwh, meter_id) VALUES (%s, 1, %s)"
    connection.execute(reading, [LONG_AGO, ids["in postgres"]])
    mapping = "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from, valid_to) VALUES (%s, %s, %s, %s)"
    other = register_devices(connection, DeviceKind.VEHICLE, dict.fromkeys(["mapped"]))["mapped"]
    connection.execute(mapping, [other, ids["mapped"], LONG_AGO, LONG_AGO + timedelta(days=1)])
    return {**ids, "vehicle": vehicle}


@pytest.fixture
def lake(connection: psycopg.Connection, ids: dict[str, int], tmp_path: Path) -> Lake:
    """One day that was exported and rolled up, and one that was only exported."""
    lake = Lake(tmp_path / "lake")
    samples = pl.DataFrame({"kind": ["meter"], "device_id": [ids["in the lake"]], "ts": [LONG_AGO], "kwh": [1.0]})
    readings = pl.DataFrame({"meter_id": [ids["in raw files"]] * 2, "ts": [LONG_AGO] * 2, "kwh": [1.0, 2.0]})
    for dataset, frame, day in (
        ("device_last", samples.cast(SCHEMA), LONG_AGO.date()),
        ("meter_readings", readings, LONG_AGO.date() - timedelta(days=1)),
    ):
        with lake.aside(dataset, day) as written:
            frame.write_parquet(written)
            publish(connection, lake, dataset, day, written, frame.height)
    return lake


def prune(url: str, lake: Lake, *arguments: str) -> Result:
    command = ["devices", "prune", "--older-than", "30d", "--home", str(lake.root.parent), *arguments]
    return CliRunner().invoke(app, command, env={"FLEET_DATABASE_URL": url})


def meters(connection: psycopg.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT external_id FROM meters").fetchall()}


@pytest.mark.usefixtures("ids")
def test_what_has_nothing_left_is_shown_and_removed_when_told(
    connection: psycopg.Connection, pipelines_url: str, lake: Lake
) -> None:
    shown = prune(pipelines_url, lake)
    assert shown.exit_code == 0, shown.output
    assert "meter never: registered" in shown.stderr
    assert "3 devices can be removed" in shown.stderr
    assert "none removed: that takes --yes" in shown.stderr
    assert meters(connection) == {*OF_LAST_MONTH, "new"}
    said = json.loads(prune(pipelines_url, lake, "--yes", "--json").stdout)
    assert {(each["kind"], each["externalId"]) for each in said["removable"]} == {
        ("meter", "never"),
        ("meter", "gone"),
        ("vehicle", "never"),
    }
    assert {(each["kind"], each["why"], each["count"]) for each in said["kept"]} == {
        ("meter", "mapped", 1),
        ("meter", "readings in PostgreSQL", 1),
        ("meter", "readings in the lake", 2),
    }
    assert said["removed"] == 3
    assert meters(connection) == {"mapped", "in postgres", "in the lake", "in raw files", "new"}
    assert json.loads(prune(pipelines_url, lake, "--yes", "--json").stdout)["removed"] == 0


def test_a_damaged_file_hides_no_device(
    connection: psycopg.Connection, pipelines_url: str, lake: Lake, ids: dict[str, int]
) -> None:
    newest_file(lake, "device_last", LONG_AGO.date()).write_bytes(b"damaged")
    assert isinstance(prune(pipelines_url, lake, "--yes").exception, DamagedFileError)
    assert len(meters(connection)) == len(ids) - 1


@pytest.mark.parametrize("age", ["8d", "0d", "30", "month", "-30d"])
def test_too_short_a_silence_is_wrong_usage(age: str, tmp_path: Path) -> None:
    command = ["devices", "prune", f"--older-than={age}", "--home", str(tmp_path)]
    assert CliRunner().invoke(app, command).exit_code == 2


def test_who_reports_while_it_is_looked_at_stays(
    connection: psycopg.Connection, lake: Lake, ids: dict[str, int]
) -> None:
    removable = look(connection, lake, BEFORE).removable
    connection.execute("INSERT INTO meter_readings (ts, kwh, meter_id) VALUES (%s, 1, %s)", [LONG_AGO, ids["gone"]])
    connection.execute(
        "INSERT INTO meter_latest (meter_id, ts, kwh, received_at) VALUES (%s, %s, 1, %s)", [ids["never"], NOW, NOW]
    )
    assert remove(connection, removable, BEFORE) == 1
    assert meters(connection) >= {"gone", "never"}
    found = connection.execute("SELECT count(*) FROM meter_latest WHERE meter_id = %s", [ids["gone"]]).fetchone()
    assert found == (1,)


def test_a_first_reading_at_the_very_moment_takes_nothing_away(
    connection: psycopg.Connection, pipelines_url: str, lake: Lake, ids: dict[str, int]
) -> None:
    removable = look(connection, lake, BEFORE).removable
    with connect(pipelines_url) as other:
        other.execute("BEGIN")
        other.execute(
            "INSERT INTO meter_latest (meter_id, ts, kwh, received_at) VALUES (%s, %s, 1, %s)", [ids["never"], NOW, NOW]
        )
        connection.execute("SET lock_timeout = '200ms'")  # it waits for the other one
        with pytest.raises(psycopg.errors.LockNotAvailable):
            remove(connection, removable, BEFORE)
        other.execute("COMMIT")
    assert remove(connection, removable, BEFORE) == 2
    assert "never" in meters(connection)
