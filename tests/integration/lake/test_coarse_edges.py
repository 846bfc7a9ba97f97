"""Registers that are read each hour beside ones that are read each minute: what belongs to which day cannot be told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.factories import iso, meter_payload, vehicle_payload
from tests.integration.lake.stored import post
from tests.lake_folder import newest_file
from warehouse.contract.partitions import midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.ledger import day_ledger

FIRST = datetime.now(UTC).date() - timedelta(days=5)
SECOND = FIRST + timedelta(days=1)
POWER_KW = 7.0
RATIO = 0.85
HOURLY, EACH_MINUTE = 60, 1
LATE_S = 13
"""Hourly registers are read so many seconds after the hour."""


class Site:
    """One vehicle on one meter."""

    def __init__(self, connection: psycopg.Connection, pipeline: DailyPipeline) -> None:
        self._connection = connection
        self._pipeline = pipeline
        connection.execute("INSERT INTO meters (external_id, expected_interval_s) VALUES ('m1', 3600)")
        connection.execute("INSERT INTO vehicles (external_id) VALUES ('v1')")
        connection.execute(
            "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (1, 1, '1970-01-01Z')"
        )

    def charge(self, begin: float, end: float, minutes_ac: int = HOURLY, minutes_dc: int = EACH_MINUTE) -> None:
        """Two days with one charge, in hours since the first midnight. A car at rest takes 20 W from the grid."""

        def charged(hour: float) -> float:
            return POWER_KW * (min(max(hour, begin), end) - begin)

        def instants(minutes: int) -> list[timedelta]:
            late = timedelta(seconds=LATE_S) if minutes == HOURLY else timedelta()
            return [timedelta(minutes=minute) + late for minute in range(0, 48 * 60, minutes)]

        readings: list[dict[str, Any]] = []
        for at in instants(minutes_ac):
            hour = at / timedelta(hours=1)
            ts = iso(midnight(FIRST) + at)
            readings.append(meter_payload(meterId="m1", kwhConsumedAc=1000 + charged(hour) + 0.02 * hour, timestamp=ts))
        for at in instants(minutes_dc):
            hour = at / timedelta(hours=1)
            ts = iso(midnight(FIRST) + at)
            readings.append(vehicle_payload(vehicleId="v1", kwhDeliveredDc=1000 + RATIO * charged(hour), timestamp=ts))
        post(self._connection, readings)
        self.run_days()

    def read(self, ac_kwh: Mapping[int, float], dc_kwh: Mapping[int, float]) -> None:
        """Both registers on the hour, by hours since the first midnight."""
        instants = {hour: iso(midnight(FIRST) + timedelta(hours=hour)) for hour in range(48)}
        meter = [meter_payload(meterId="m1", kwhConsumedAc=kwh, timestamp=instants[at]) for at, kwh in ac_kwh.items()]
        vehicle = [
            vehicle_payload(vehicleId="v1", kwhDeliveredDc=kwh, timestamp=instants[at]) for at, kwh in dc_kwh.items()
        ]
        post(self._connection, meter + vehicle)
        self.run_days()

    def run_days(self) -> None:
        """What the sensor does. A check that fails stops it."""
        while days := day_ledger.days_to_run(self._connection):
            self._pipeline.run(days[0].day)

    @property
    def lake(self) -> Lake:
        return self._pipeline.lake

    def rows(self, dataset: str) -> list[list[dict[str, Any]]]:
        """Of both days."""
        return [pl.read_parquet(newest_file(self._pipeline.lake, dataset, day)).to_dicts() for day in (FIRST, SECOND)]

    def days(self) -> list[dict[str, Any]]:
        """The vehicle on both days."""
        return [row for (row,) in self.rows("daily_vehicle_efficiency")]


@pytest.fixture
def site(database_url: str, tmp_path: Path, connection: psycopg.Connection) -> Site:
    return Site(connection, DailyPipeline(database_url, Lake(tmp_path / "lake"), Catalog.load()))


def test_a_charge_before_midnight_accuses_neither_day(site: Site) -> None:
    """AC of the last hour is booked on the second day, its DC on the first."""
    site.charge(23, 24)
    first, second = site.days()
    assert first["dc_kwh"] > 3 * first["ac_kwh"] > 0
    assert second["ac_kwh"] > 6 and second["dc_kwh"] < 1
    assert (first["coarse_edge"], second["coarse_edge"]) == (True, True)
    assert (first["status"], second["status"]) == ("dc_exceeds_ac", "below_threshold")
    assert second["lost_against_threshold_kwh"] is None
    assert site.rows("dc_exceeds_ac") == site.rows("low_efficiency_days") == [[], []]
    fleet = [row for (row,) in site.rows("daily_fleet_efficiency")]
    assert [row["coarse_edge_count"] for row in fleet] == [1, 1]
    assert [row["lost_against_threshold_kwh"] for row in fleet] == [0, 0]


@pytest.mark.parametrize(("begin", "end"), [(8, 12), (0, 48)], ids=["a charge at noon", "a charge over all midnights"])
def test_a_day_whose_edges_say_little_is_rated(site: Site, begin: float, end: float) -> None:
    site.charge(begin, end)
    day = site.days()[0 if begin else 1]
    assert not day["coarse_edge"]
    assert day["efficiency_ratio"] == pytest.approx(RATIO, abs=0.03)


def test_registers_that_are_read_each_minute_have_no_coarse_edge(site: Site) -> None:
    site.charge(22, 26, minutes_ac=EACH_MINUTE)
    first, second = site.days()
    assert (first["coarse_edge"], second["coarse_edge"]) == (False, False)
    assert not any(row["coarse_edge"] for day in site.rows("hourly_vehicle_efficiency") for row in day)


def test_the_hours_of_an_hourly_register_are_coarse(site: Site) -> None:
    site.charge(8, 12)
    hours = site.rows("hourly_vehicle_efficiency")
    assert [row["coarse_edge"] for row in hours[0]] == [False] + [True] * 23  # the first reading begins nothing
    assert [row["coarse_edge"] for row in hours[1]] == [True] * 24


@pytest.mark.parametrize(("last_hour", "is_coarse"), [(17.9, True), (18.1, False)])
def test_a_day_after_six_silent_hours_is_coarse(
    connection: psycopg.Connection, site: Site, last_hour: float, is_coarse: bool
) -> None:
    """Nothing flowed meanwhile, but who knows."""
    for hour, kwh in ((last_hour, 100.0), (24.1, 100.0), (32, 110.0), (47.9, 110.0)):
        ts = iso(midnight(FIRST) + timedelta(hours=hour))
        readings = [meter_payload(meterId="m1", kwhConsumedAc=kwh, timestamp=ts)]
        readings.append(vehicle_payload(vehicleId="v1", kwhDeliveredDc=kwh / 2, timestamp=ts))
        post(connection, readings)
    site.run_days()
    second = site.days()[1]
    assert (second["status"], second["coarse_edge"]) == ("below_threshold", is_coarse)
    assert [len(rows) for rows in site.rows("low_efficiency_days")] == [0, int(not is_coarse)]


def test_an_hour_ends_with_its_last_reading(site: Site) -> None:
    """A charge until 22 h, when both were read, the meter once more at 23 h: nothing flowed after the vehicle's end."""
    ac_kwh = {hour: 100 + POWER_KW * min(max(hour - 18, 0), 4) for hour in range(24)}
    dc_kwh = {hour: 50 + 0.8 * (ac_kwh[hour] - 100) for hour in range(23)}
    site.read(ac_kwh, dc_kwh)
    edges = pl.read_parquet(newest_file(site.lake, "daily_vehicle_edges", FIRST)).to_dicts()
    day = pl.read_parquet(newest_file(site.lake, "daily_vehicle_efficiency", FIRST)).to_dicts()
    assert [row["ac_after_dc_kwh"] for row in edges] == [0]
    assert [(row["status"], row["coarse_edge"]) for row in day] == [("below_threshold", False)]
