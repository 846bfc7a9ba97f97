"""A real charge, seen from both sides, from its import to the sessions of its day. The file is a public measurement."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.lake_folder import newest_file
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.readings_import import import_file
from warehouse.settings import FleetSettings

DATA = Path(__file__).parents[4] / "shared" / "data"
DAY = date(2023, 5, 16)
LAG = timedelta(seconds=7198)
"""How far the clock of the car is behind that of the charger."""

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real measurements are not at {DATA}")


def test_a_charge_whose_clocks_differ_by_two_hours_is_told_from_both_sides_and_has_no_efficiency(
    database_url: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    connection.execute("INSERT INTO meters (external_id, expected_interval_s) VALUES ('gueni-charger', 10)")
    connection.execute("INSERT INTO vehicles (external_id, expected_interval_s) VALUES ('gueni-car', 10)")
    connection.execute(
        "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) "
        "SELECT vehicle_id, meter_id, '1970-01-01Z' FROM vehicles CROSS JOIN meters"
    )
    told = import_file(database_url, DATA / "gueni_pair_20230516.ndjson.gz", FleetSettings(_env_file=None))
    assert (told.rejected, told.conflicts, told.days) == (5, 0, {DAY})
    pipeline = DailyPipeline(database_url, Lake(tmp_path / "lake"), Catalog.load())
    pipeline.run(DAY)
    # The readings end with the charge: on its own day nobody knows yet that it is over.
    carried = pl.read_parquet(newest_file(pipeline.lake, "open_islands", DAY)).sort("kind")
    assert carried["kind"].to_list() == ["meter", "vehicle"]
    # The car's register falls by 0.063 kWh behind the charge: it feeds itself from its battery.
    assert carried["energy_kwh"].to_list() == pytest.approx([5.44672, 5.28128], abs=1e-5)
    for edge in ("started_at", "ended_at"):
        of_meter, of_vehicle = carried[edge]
        assert abs(of_meter - of_vehicle - LAG) <= timedelta(seconds=30)
    assert pl.read_parquet(newest_file(pipeline.lake, "charging_sessions", DAY)).is_empty()
