"""A register that shows more than where it is declared to roll over: the answer, the hours and the day agree."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import polars as pl
import psycopg
import pytest

from tests.closed_hours import leave_only
from tests.factories import iso, meter_payload, ramp, vehicle_payload
from tests.fewer_models import catalog_of
from tests.integration.lake.stored import post
from tests.lake_folder import newest_file
from warehouse.contract.partitions import midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.postgres.ledger import day_ledger

DAY = datetime.now(UTC).date() - timedelta(days=3)
NOON = midnight(DAY) + timedelta(hours=12)
BOOKED = pytest.approx({"meter": 5.8, "vehicle": 5.22}, abs=1e-6)
"""Twice 29 steps; the one between them leads to 0 and books what that shows."""


DECLARED: dict[str, dict[str, object]] = {
    "below what it shows": {"rolloverKwh": 1000},
    "of any power": {"rolloverKwh": 1000, "maxPowerKw": None},
    "just reached": {"rolloverKwh": 3509},
    "the least that is taken": {"rolloverKwh": 1e-9},
}
"""What is declared of one pair's registers each."""
PAIRS = {declared: f"-{number}" for number, declared in enumerate(DECLARED, start=1)}


def answered_kwh(api: httpx.Client, pair: str) -> dict[str, float]:
    midnight_after = iso(midnight(DAY) + timedelta(days=1))
    answer = api.get(f"/v1/analytics/performance/veh{pair}", params={"at": midnight_after}).json()
    assert (answer["flags"]["reset"], answer["flags"].get("rollover")) == (2, None)
    return {"meter": answer["acKwh"], "vehicle": answer["dcKwh"]}


def external_ids(connection: psycopg.Connection) -> dict[tuple[str, int], str]:
    meters = connection.execute("SELECT meter_id, external_id FROM meters").fetchall()
    vehicles = connection.execute("SELECT vehicle_id, external_id FROM vehicles").fetchall()
    return {("meter", number): name for number, name in meters} | {
        ("vehicle", number): name for number, name in vehicles
    }


def of_pair(rows: Iterable[tuple[str, int, float]], names: dict[tuple[str, int], str], pair: str) -> dict[str, float]:
    return {kind: float(kwh) for kind, number, kwh in rows if names[kind, number].endswith(pair)}


def hourly_kwh(connection: psycopg.Connection) -> list[tuple[str, int, float]]:
    leave_only(connection, DAY)
    write_closed_hours(connection, lambda _line: None)
    query = "SELECT kind::text, device_id, sum(energy_kwh) FROM device_hourly GROUP BY kind, device_id"
    return connection.execute(query).fetchall()


def day_kwh(pipeline: DailyPipeline) -> list[tuple[str, int, float]]:
    hours = pl.read_parquet(newest_file(pipeline.lake, "hourly_energy", DAY))
    return hours.group_by("kind", "device_id").agg(pl.col("energy_kwh").sum()).rows()


def test_what_it_shows_after_it_restarted_is_booked_and_the_day_passes_its_checks(
    api: httpx.Client, connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    """The registers are declared after their day was made: the change asks for the day and the hours."""

    def require_booked() -> None:
        names, hours, day = external_ids(connection), hourly_kwh(connection), day_kwh(pipeline)
        for declared, pair in PAIRS.items():
            told = [answered_kwh(api, pair), of_pair(hours, names, pair), of_pair(day, names, pair)]
            assert told == [BOOKED] * 3, declared

    pipeline = DailyPipeline(database_url, Lake(tmp_path / "lake"), catalog_of("daily_fleet_efficiency"))
    for pair in PAIRS.values():
        api.post("/v1/mappings", json={"vehicleId": f"veh{pair}", "meterId": f"meter{pair}"}).raise_for_status()
        meter, vehicle = (
            partial(meter_payload, meterId=f"meter{pair}"),
            partial(vehicle_payload, vehicleId=f"veh{pair}"),
        )
        for minutes, first_kwh in ((0, 3509.0), (30, 0.0)):
            start = NOON + timedelta(minutes=minutes)
            post(connection, ramp(meter, "kwhConsumedAc", start, 30, first_kwh, 0.1))
            post(connection, ramp(vehicle, "kwhDeliveredDc", start, 30, first_kwh, 0.09))
    pipeline.run(DAY)
    require_booked()
    for declared, pair in PAIRS.items():
        for device in (f"meters/meter{pair}", f"vehicles/veh{pair}"):
            assert api.patch(f"/v1/{device}", json=DECLARED[declared]).status_code == 200
    assert [each.day for each in day_ledger.days_to_run(connection)] == [DAY]
    pipeline.run(DAY)
    require_booked()
    assert day_ledger.days_to_run(connection) == []
