"""A day's export: one snapshot, sorted, and either equal to PostgreSQL or refused."""

import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.contract.partitions import Stream
from warehouse.lake import export
from warehouse.lake.export import ExportMismatchError, export_readings, export_table, figures_of_file
from warehouse.lake.provenance import TABLES_OF_POSTGRES
from warehouse.lake.views import start_engine
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.partition_figures import Figures
from warehouse.postgres.partitions.partition_rows import PartitionRows, Rows

DAY = datetime.now(UTC).date() - timedelta(days=3)
START = datetime.combine(DAY, datetime.min.time(), UTC)


def fill(connection: psycopg.Connection, devices: int = 3, minutes: int = 1440) -> None:
    """Readings of a day in the order in which they come: minute by minute, all devices."""
    connection.execute(
        """
        INSERT INTO meter_readings (meter_id, ts, kwh, voltage_volts)
        SELECT device, %(start)s + minute * INTERVAL '1 minute', 1000 * device + minute * 0.0123, 230
        FROM generate_series(0, %(minutes)s - 1) AS minute, generate_series(1, %(devices)s) AS device
        ORDER BY minute, device
        """,
        {"start": START, "minutes": minutes, "devices": devices},
    )


@pytest.mark.parametrize("table", sorted(TABLES_OF_POSTGRES))
def test_a_dataset_that_is_a_table_of_postgres_has_its_columns(connection: psycopg.Connection, table: str) -> None:
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s", [table]
    ).fetchall()
    assert {column.name for column in Catalog.load().models[table].columns} <= {name for (name,) in found}


def test_the_file_is_sorted_and_holds_what_postgres_holds(
    database_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    fill(connection)
    target = tmp_path / "day.parquet"
    exported = export_readings(database_url, Stream.METER_READINGS, DAY, target)
    assert (exported.figures.row_count, exported.figures.device_count) == (3 * 1440, 3)
    assert (exported.figures.first_ts, exported.figures.last_ts) == (START, START + timedelta(minutes=1439))
    frame = pl.read_parquet(target)
    assert frame.equals(frame.sort("meter_id", "ts"))
    assert frame.schema == {
        "meter_id": pl.Int32,
        "ts": pl.Datetime("us", "UTC"),
        "kwh": pl.Float64,
        "voltage_volts": pl.Float32,
    }
    stored = connection.execute("SELECT meter_id, ts, kwh FROM meter_readings ORDER BY meter_id, ts").fetchall()
    assert frame.select("meter_id", "ts", "kwh").rows() == stored
    with duckdb.connect() as engine:
        codecs = engine.execute("SELECT DISTINCT compression FROM parquet_metadata(?)", [str(target)]).fetchall()
    assert codecs == [("ZSTD",)]


def test_an_empty_day_is_an_empty_file(database_url: str, tmp_path: Path) -> None:
    exported = export_readings(database_url, Stream.VEHICLE_READINGS, DAY, tmp_path / "empty.parquet")
    assert (exported.figures.row_count, exported.figures.first_ts, exported.late_row_count) == (0, None, 0)
    assert pl.read_parquet(tmp_path / "empty.parquet").height == 0


def test_a_file_that_lost_a_row_is_refused(
    database_url: str, connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, minutes=10)
    honest = export.figures_of_file

    def of_a_shorter_file(engine: duckdb.DuckDBPyConnection, stream: Stream, path: Path) -> Figures:
        pl.read_parquet(path).head(-1).write_parquet(path)
        return honest(engine, stream, path)

    monkeypatch.setattr(export, "figures_of_file", of_a_shorter_file)
    with pytest.raises(ExportMismatchError, match=r"row_count=29.*row_count=30"):
        export_readings(database_url, Stream.METER_READINGS, DAY, tmp_path / "short.parquet")


def test_one_changed_register_shows_in_the_figures(
    database_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    fill(connection, minutes=10)
    target = tmp_path / "day.parquet"
    expected = export_readings(database_url, Stream.METER_READINGS, DAY, target).figures
    by_a_milliwatthour = pl.when(pl.int_range(pl.len()) == 7).then(pl.col("kwh") + 1e-6).otherwise("kwh").alias("kwh")
    pl.read_parquet(target).with_columns(by_a_milliwatthour).write_parquet(target)
    with start_engine(None) as engine:
        assert figures_of_file(engine, Stream.METER_READINGS, target) != expected


def test_sums_beyond_64_bits_are_exact(database_url: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    connection.execute(
        "INSERT INTO meter_readings (meter_id, ts, kwh) "
        "SELECT 1, %s + n * INTERVAL '1 second', 1e9 FROM generate_series(1, 20000) AS n",
        [START],
    )
    exported = export_readings(database_url, Stream.METER_READINGS, DAY, tmp_path / "large.parquet")
    assert exported.figures.energy_mwh == 20_000 * 10**15 > 2**63


def test_it_waits_for_who_is_still_writing_and_blocks_nobody(
    database_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    fill(connection, minutes=10)
    counts: list[int] = []

    def run() -> None:
        exported = export_readings(database_url, Stream.METER_READINGS, DAY, tmp_path / "waited.parquet")
        counts.append(exported.figures.row_count)

    with connect(database_url, autocommit=False) as writer:
        writer.execute("INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (99, %s, 1)", [START])
        exporter = threading.Thread(target=run)
        exporter.start()
        time.sleep(0.3)
        assert exporter.is_alive(), "the exporter must wait for the open transaction"
        connection.execute("INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (98, %s, 1)", [START])
        writer.commit()
    exporter.join()
    assert counts == [32]


def test_late_rows_are_those_of_the_snapshot(database_url: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    connection.execute(
        "INSERT INTO late_rows (stream, day, row_count) VALUES ('meter_readings', %s, 5), ('meter_readings', %s, 2)",
        [DAY, DAY],
    )
    assert export_readings(database_url, Stream.METER_READINGS, DAY, tmp_path / "x.parquet").late_row_count == 7


def test_a_database_that_goes_away_under_way_is_unavailable(
    database_url: str, connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, minutes=10)

    class RowsOfALostConnection(PartitionRows):
        def __iter__(self) -> Generator[Rows]:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", [self._connection.info.backend_pid])
            yield from super().__iter__()

    monkeypatch.setattr(export, "PartitionRows", RowsOfALostConnection)
    with pytest.raises(DatabaseUnavailableError, match="terminating connection"):
        export_readings(database_url, Stream.METER_READINGS, DAY, tmp_path / "lost.parquet")


def test_a_file_that_cannot_be_written_says_so_and_lets_the_rest_of_the_rows_go(
    database_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    fill(connection, devices=200)
    with pytest.raises(duckdb.IOException, match=r"no-such-folder/day\.parquet"):
        export_readings(database_url, Stream.METER_READINGS, DAY, tmp_path / "no-such-folder" / "day.parquet")


def test_devices_and_mappings_are_exported_as_they_stand(
    database_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    connection.execute("INSERT INTO meters (external_id, max_power_kw) VALUES ('m-2', NULL), ('m-1', 22)")
    with start_engine(None) as engine:
        export_table(engine, database_url, "meters", DAY, tmp_path / "meters.parquet")
    frame = pl.read_parquet(tmp_path / "meters.parquet")
    assert frame.select("meter_id", "external_id", "max_power_kw").rows() == [(1, "m-2", None), (2, "m-1", 22.0)]
    assert frame.select("model", "expected_interval_s").schema == {"model": pl.String, "expected_interval_s": pl.Int32}


def test_a_table_without_rows_has_its_columns(database_url: str, tmp_path: Path) -> None:
    with start_engine(None) as engine:
        export_table(engine, database_url, "vehicle_meter_map", DAY, tmp_path / "none.parquet")
    frame = pl.read_parquet(tmp_path / "none.parquet")
    assert frame.height == 0
    assert frame.schema == {
        "mapping_id": pl.Int64,
        "vehicle_id": pl.Int32,
        "meter_id": pl.Int32,
        "valid_from": pl.Datetime("us", "UTC"),
        "valid_to": pl.Datetime("us", "UTC"),
    }
