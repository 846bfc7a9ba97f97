"""Real registers through the warehouse: imported, every day run, and the sums held against the register itself.

The files are public measurements; they are not part of this repository.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.factories import iso
from tests.lake_folder import days_of, newest_file
from warehouse.contract.partitions import Stream, midnight
from warehouse.lake.export import DECISIONS, TABLES
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.readings_import import import_file
from warehouse.postgres.ledger import day_ledger
from warehouse.settings import FleetSettings

DATA = Path(__file__).parents[4] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real measurements are not at {DATA}")


@pytest.fixture
def pipeline(database_url: str, tmp_path: Path) -> DailyPipeline:
    return DailyPipeline(database_url, Lake(tmp_path / "lake"), Catalog.load())


def imported_days(url: str, name: str) -> list[date]:
    return sorted(import_file(url, DATA / name, FleetSettings(_env_file=None)).days)


def energy(pipeline: DailyPipeline, days: list[date]) -> None:
    """As far as the energy: the models on top are the same for every day, and tested elsewhere."""
    for day in days:
        pipeline.seal(day)
        for stream in Stream:
            pipeline.export(stream, day)
        for table in (*TABLES, *DECISIONS):
            pipeline.export_table(table, day)
        pipeline.corrected_readings(day)
        pipeline.device_last(day)
        pipeline.boundary_samples(day)
        pipeline.energy(day)
        pipeline.checks.require("hourly_energy", day)


def hourly(pipeline: DailyPipeline) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(newest_file(pipeline.lake, "hourly_energy", day))
        for day in days_of(pipeline.lake, "hourly_energy")
    )


@pytest.mark.long
def test_a_house_adds_up_to_what_its_meter_gained(pipeline: DailyPipeline, database_url: str) -> None:
    days = imported_days(database_url, "p1mon_min_ac.ndjson.gz")
    assert len(days) == 32
    energy(pipeline, days)
    assert hourly(pipeline)["energy_kwh"].sum() == pytest.approx(21_676.264 - 21_013.822, abs=1e-6)
    steps = pl.concat(pl.read_parquet(newest_file(pipeline.lake, "flagged_steps", day)) for day in days)
    longest = (
        steps.filter(pl.col("flag") == "gap").with_columns(length=pl.col("ts") - pl.col("before_ts")).sort("length")[-1]
    )
    assert longest["length"][0] > timedelta(hours=10)
    booked = hourly(pipeline).filter(pl.col("hour") == longest["ts"].dt.truncate("1h")[0])
    assert booked["gap_count"].to_list() == [1], "the energy of the silence is booked in the hour in which it ends"


@pytest.mark.parametrize("day_count", [4, pytest.param(None, marks=pytest.mark.long)], ids=["four days", "all"])
def test_a_register_of_five_minutes(
    pipeline: DailyPipeline, connection: psycopg.Connection, database_url: str, day_count: int | None
) -> None:
    connection.execute("INSERT INTO meters (external_id, expected_interval_s) VALUES ('sma-tripower8-1', 300)")
    days = imported_days(database_url, "sma_5min_ac.ndjson.gz")[:day_count]
    energy(pipeline, days)
    ((first, last),) = connection.execute(
        "SELECT (array_agg(kwh ORDER BY ts))[1], (array_agg(kwh ORDER BY ts DESC))[1] FROM meter_readings "
        "WHERE ts < %s",
        [midnight(days[-1] + timedelta(days=1))],
    ).fetchall()
    assert hourly(pipeline)["energy_kwh"].sum() == pytest.approx(last - first, abs=1e-6)
    assert hourly(pipeline)["gap_count"].sum() == 0, "five minutes are this device's interval"


def test_a_charge_is_the_same_in_the_rollup_and_in_the_endpoint(
    pipeline: DailyPipeline, connection: psycopg.Connection, database_url: str, api: httpx.Client
) -> None:
    days = imported_days(database_url, "gueni_vehicle_dc.ndjson.gz")
    api.post("/v1/mappings", json={"vehicleId": "obd-2023051609", "meterId": "any"})
    for day in days:
        pipeline.run(day)
    rolled_up = pl.read_parquet(newest_file(pipeline.lake, "daily_vehicle_efficiency", days[-1])).row(0, named=True)
    end = datetime.combine(days[-1] + timedelta(days=1), datetime.min.time(), UTC)
    answered = api.get("/v1/analytics/performance/obd-2023051609", params={"at": iso(end)}).json()
    assert rolled_up["dc_kwh"] == pytest.approx(answered["dcKwh"], abs=0.0006)
    assert rolled_up["mean_battery_temp_celsius"] == pytest.approx(answered["avgBatteryTemp"], abs=0.006)
    assert (rolled_up["status"], answered["status"]) == ("no_readings", "no_readings")
    assert day_ledger.days_to_run(connection) == []
