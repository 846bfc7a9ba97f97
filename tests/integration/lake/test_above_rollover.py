"""A register that shows more than where it is declared to roll over: the answer, the hours and the day agree."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.closed_hours import leave_only
from tests.factories import iso, meter_payload, ramp, vehicle_payload
from tests.integration.lake.stored import post
from warehouse.contract.partitions import midnight
from warehouse.lake.paths import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.postgres.ledger import day_ledger

DAY = datetime.now(UTC).date() - timedelta(days=3)
NOON = midnight(DAY) + timedelta(hours=12)
BOOKED = pytest.approx({"meter": 5.8, "vehicle": 5.22}, abs=1e-6)
"""Twice 29 steps; the one between them leads to 0 and books what that shows."""


def answered_kwh(api: httpx.Client) -> dict[str, float]:
    midnight_after = iso(midnight(DAY) + timedelta(days=1))
    answer = api.get("/v1/analytics/performance/veh-1", params={"at": midnight_after}).json()
    assert (answer["flags"]["reset"], answer["flags"].get("rollover")) == (2, None)
    return {"meter": answer["acKwh"], "vehicle": answer["dcKwh"]}


def hourly_kwh(connection: psycopg.Connection) -> dict[str, float]:
    leave_only(connection, DAY)
    write_closed_hours(connection, lambda _line: None)
    rows = connection.execute("SELECT kind::text, sum(energy_kwh) FROM device_hourly GROUP BY kind").fetchall()
    return {kind: float(energy_kwh) for kind, energy_kwh in rows}


def day_kwh(pipeline: DailyPipeline) -> dict[str, float]:
    hours = pl.read_parquet(pipeline.lake.file("hourly_energy", DAY))
    return dict(hours.group_by("kind").agg(pl.col("energy_kwh").sum()).rows())


@pytest.mark.parametrize(
    "declared",
    [
        {"rolloverKwh": 1000},
        {"rolloverKwh": 1000, "maxPowerKw": None},
        {"rolloverKwh": 3509},
        {"rolloverKwh": 1e-9},  # the least that is taken
    ],
    ids=str,
)
def test_what_it_shows_after_it_restarted_is_booked_and_the_day_passes_its_checks(
    api: httpx.Client, connection: psycopg.Connection, database_url: str, tmp_path: Path, declared: dict[str, object]
) -> None:
    """The register is declared after its day was made: the change asks for the day and the hours."""
    pipeline = DailyPipeline(database_url, Lake(tmp_path / "lake"), Catalog.load())
    api.post("/v1/mappings", json={"vehicleId": "veh-1", "meterId": "meter-1"}).raise_for_status()
    for minutes, first_kwh in ((0, 3509.0), (30, 0.0)):
        start = NOON + timedelta(minutes=minutes)
        post(connection, ramp(meter_payload, "kwhConsumedAc", start, 30, first_kwh, 0.1))
        post(connection, ramp(vehicle_payload, "kwhDeliveredDc", start, 30, first_kwh, 0.09))
    pipeline.run(DAY)
    assert [answered_kwh(api), hourly_kwh(connection), day_kwh(pipeline)] == [BOOKED] * 3
    for device in ("meters/meter-1", "vehicles/veh-1"):
        assert api.patch(f"/v1/{device}", json=declared).status_code == 200
    assert [each.day for each in day_ledger.days_to_run(connection)] == [DAY]
    pipeline.run(DAY)
    assert [answered_kwh(api), hourly_kwh(connection), day_kwh(pipeline)] == [BOOKED] * 3
    assert day_ledger.days_to_run(connection) == []
