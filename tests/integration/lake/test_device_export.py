"""``fleetwatt export-device``: all that is held of a device, and nothing of others."""

import csv
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from dbt_like_sql.catalog import Catalog
from orchestration.cli.commands import app
from tests.integration.lake.lossy_days import DAYS, lossy_days
from tests.stored_findings import add_finding
from warehouse.contract.device_rows import TABLES
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect


@pytest.fixture(scope="module")
def pipeline(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """Three days of a pair that loses more from the third on, and another device of whom a finding tells."""
    with lossy_days(server_url, template, tmp_path_factory.mktemp("held"), Catalog.load()) as pipeline:
        with connect(pipeline.url) as connection:
            add_finding(connection, 7)
            connection.execute(
                "INSERT INTO quarantined_readings (code, pointer, detail, source, raw, raw_sha256, size_bytes) "
                "SELECT 'out_of_range', '/soc', 'soc', 'http', raw, sha256(raw), 1 FROM unnest(%s::bytea[]) AS raw",
                [[b'{"vehicleId":"vehicle","soc":101}', b'{"vehicleId":"vehicle-2","soc":101}']],
            )
        yield pipeline


@pytest.fixture
def connection(pipeline: DailyPipeline) -> Iterator[psycopg.Connection]:
    with connect(pipeline.url) as connection:
        yield connection


def export(pipeline: DailyPipeline, *arguments: object) -> Result:
    environment = {"FLEET_DATABASE_URL": pipeline.url, "FLEET_HOME": str(pipeline.lake.root.parent)}
    return CliRunner(env=environment).invoke(app, ["export-device", *map(str, arguments)])


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_each_table_says_by_which_columns_a_row_is_a_devices(connection: psycopg.Connection) -> None:
    tables = connection.execute(
        "SELECT relname, array_agg(attname::text) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 "
        "AND relname <> 'alembic_version' GROUP BY relname ORDER BY relname"
    ).fetchall()
    assert [name for name, _ in tables] == sorted(TABLES), (
        "say in warehouse/contract/device_rows.py what a row of it is"
    )
    for name, columns in tables:
        assert TABLES[name].columns | set(TABLES[name].private) <= set(columns), name
        telling = {"meter_id", "vehicle_id", "device_id", "external_id", "devices", "raw", "detail"}
        assert telling & set(columns) <= TABLES[name].columns, name


def test_all_that_is_held_of_a_vehicle_is_written_and_described(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    result = export(pipeline, "vehicle", "--output", folder)
    assert result.exit_code == 0, result.output
    written = {str(path.relative_to(folder)) for path in folder.rglob("*.csv")}
    assert {
        *(f"postgres/{name}.csv" for name in ("vehicles", "vehicle_meter_map", "vehicle_latest", "vehicle_readings")),
        *(f"postgres/{name}.csv" for name in ("quarantined_readings", "charging_sessions", "findings")),
        "postgres/finding_events.csv",
        *(f"lake/{name}.csv" for name in ("vehicle_readings", "vehicles", "charging_sessions", "daily_standby")),
        *(f"lake/{name}.csv" for name in ("hourly_energy", "loss_samples", "findings", "daily_vehicle_efficiency")),
    } <= written
    ((stored,),) = connection.execute("SELECT count(*) FROM vehicle_readings").fetchall()
    assert len(rows(folder / "postgres/vehicle_readings.csv")) == stored
    assert len(rows(folder / "lake/vehicle_readings.csv")) == stored
    assert {row["day"] for row in rows(folder / "lake/vehicle_readings.csv")} == {str(day) for day in DAYS}
    assert len(rows(folder / "postgres/quarantined_readings.csv")) == 1, "of vehicle-2 there is nothing"
    assert {row["subject"] for row in rows(folder / "postgres/findings.csv")} == {"vehicle vehicle at meter meter"}
    assert "meters.csv" not in {path.name for path in folder.rglob("*.csv")}
    readme = (folder / "README.md").read_text()
    assert all(f"`{file}`" in readme for file in written)
    assert f"| `lake/vehicle_readings.csv` | {stored:,} | {DAYS[0]} to {DAYS[-1]} |" in readme
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*.csv")} == {0o600}


def test_an_unknown_device_and_a_folder_with_something_in_it_are_refused(
    pipeline: DailyPipeline, tmp_path: Path
) -> None:
    unknown = export(pipeline, "vehicle-9", "--output", tmp_path / "out")
    assert (unknown.exit_code, (tmp_path / "out").exists()) == (1, False)
    assert "no meter or vehicle is called vehicle-9" in str(unknown.exception)
    (tmp_path / "mine.txt").touch()
    assert "is not empty" in str(export(pipeline, "vehicle", "--output", tmp_path).exception)
    assert "no meter is called vehicle" in str(
        export(pipeline, "vehicle", "--kind", "meter", "--output", tmp_path / "out").exception
    )
