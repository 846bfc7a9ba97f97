"""Registers that are read each hour beside ones that are read each minute: what belongs to which day cannot be told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from tests.conftest import fresh_database
from tests.factories import iso, meter_payload, vehicle_payload
from tests.fewer_models import catalog_of
from tests.integration.lake.stored import post
from tests.lake_folder import newest_file
from warehouse.contract.partitions import midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect

FIRST = datetime.now(UTC).date() - timedelta(days=5)
SECOND = FIRST + timedelta(days=1)
POWER_KW = 7.0
RATIO = 0.85
HOURLY, EACH_MINUTE = 60, 1
LATE_S = 13
"""Hourly registers are read so many seconds after the hour."""

Register = dict[timedelta, float]
"""What it shows, by the time since the first midnight."""
Registers = tuple[Register, Register]
"""AC and DC."""


def charge(begin: float, end: float, minutes_ac: int = HOURLY) -> Registers:
    """Two days with one charge, in hours since the first midnight. A car at rest takes 20 W from the grid."""

    def charged(at: timedelta) -> float:
        return POWER_KW * (min(max(at / timedelta(hours=1), begin), end) - begin)

    def instants(minutes: int) -> list[timedelta]:
        late = timedelta(seconds=LATE_S) if minutes == HOURLY else timedelta()
        return [timedelta(minutes=minute) + late for minute in range(0, 48 * 60, minutes)]

    ac = {at: 1000 + charged(at) + 0.02 * (at / timedelta(hours=1)) for at in instants(minutes_ac)}
    return ac, {at: 1000 + RATIO * charged(at) for at in instants(EACH_MINUTE)}


def silence_from(last_hour: float) -> Registers:
    """Nothing is read from that hour until after midnight; nothing flowed meanwhile, but who knows."""
    shown = ((last_hour, 100.0), (24.1, 100.0), (32, 110.0), (47.9, 110.0))
    ac = {timedelta(hours=hour): kwh for hour, kwh in shown}
    return ac, {at: kwh / 2 for at, kwh in ac.items()}


def vehicle_that_ends_first() -> Registers:
    """A charge until 22 h, when both were read, the meter once more at 23 h."""
    ac = {timedelta(hours=hour): 100 + POWER_KW * min(max(hour - 18, 0), 4) for hour in range(24)}
    return ac, {at: 50 + 0.8 * (kwh - 100) for at, kwh in ac.items() if at < timedelta(hours=23)}


COARSE_TWICE = "a charge before midnight"
SITUATIONS = {
    COARSE_TWICE: charge(23, 24),
    "a charge at noon": charge(8, 12),
    "a charge over all midnights": charge(0, 48),
    "read each minute": charge(22, 26, minutes_ac=EACH_MINUTE),
    "silent for more than six hours": silence_from(17.9),
    "silent for less": silence_from(18.1),
    "a vehicle that ends first": vehicle_that_ends_first(),
}
"""Of one vehicle on one meter each."""


class Site:
    """All situations side by side, over two days that are run once."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def rows(self, dataset: str, situation: str) -> list[list[dict[str, Any]]]:
        """Of one vehicle on both days."""
        vehicle_id = list(SITUATIONS).index(situation) + 1
        return [
            frame.filter(pl.col("vehicle_id") == vehicle_id).drop("vehicle_id").to_dicts()
            for frame in self.frames(dataset)
        ]

    def days(self, situation: str) -> list[dict[str, Any]]:
        """The vehicle on both days."""
        return [row for (row,) in self.rows("daily_vehicle_efficiency", situation)]

    def frames(self, dataset: str) -> list[pl.DataFrame]:
        """Everybody's, on both days."""
        return [pl.read_parquet(newest_file(self._lake, dataset, day)) for day in (FIRST, SECOND)]


@pytest.fixture(scope="module")
def site(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with fresh_database(server_url, template) as url:
        catalog = catalog_of("daily_fleet_efficiency", "dc_exceeds_ac", "low_efficiency_days")
        pipeline = DailyPipeline(url, Lake(tmp_path_factory.mktemp("site") / "lake"), catalog)
        with connect(url) as connection:
            for number, (ac, dc) in enumerate(SITUATIONS.values(), start=1):
                meter, vehicle = f"m{number}", f"v{number}"
                connection.execute("INSERT INTO meters (external_id, expected_interval_s) VALUES (%s, 3600)", [meter])
                connection.execute("INSERT INTO vehicles (external_id) VALUES (%s)", [vehicle])
                connection.execute(
                    "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (%s, %s, '1970-01-01Z')",
                    [number, number],
                )
                readings = [meter_payload(meterId=meter, kwhConsumedAc=ac[at], timestamp=clock(at)) for at in ac]
                readings += [
                    vehicle_payload(vehicleId=vehicle, kwhDeliveredDc=dc[at], timestamp=clock(at)) for at in dc
                ]
                post(connection, readings)
        pipeline.run(FIRST)
        pipeline.run(SECOND)
        yield Site(pipeline.lake)


def clock(at: timedelta) -> str:
    return iso(midnight(FIRST) + at)


def test_a_charge_before_midnight_accuses_neither_day(site: Site) -> None:
    """AC of the last hour is booked on the second day, its DC on the first."""
    first, second = site.days(COARSE_TWICE)
    assert first["dc_kwh"] > 3 * first["ac_kwh"] > 0
    assert second["ac_kwh"] > 6 and second["dc_kwh"] < 1
    assert (first["coarse_edge"], second["coarse_edge"]) == (True, True)
    assert (first["status"], second["status"]) == ("dc_exceeds_ac", "below_threshold")
    assert second["lost_against_threshold_kwh"] is None
    for dataset in ("dc_exceeds_ac", "low_efficiency_days"):
        assert site.rows(dataset, COARSE_TWICE) == [[], []]


def test_the_fleet_counts_coarse_days_and_loses_nothing_on_them(site: Site) -> None:
    fleet = pl.concat(site.frames("daily_fleet_efficiency"))
    assert fleet["coarse_edge_count"].to_list() == [1, 2]
    for place, coarse in enumerate([{COARSE_TWICE}, {COARSE_TWICE, "silent for more than six hours"}]):
        days = {situation: site.days(situation)[place] for situation in SITUATIONS}
        assert {situation for situation, day in days.items() if day["coarse_edge"]} == coarse
        lost_kwh = [day["lost_against_threshold_kwh"] for situation, day in days.items() if situation not in coarse]
        assert fleet["lost_against_threshold_kwh"][place] == pytest.approx(sum(kwh or 0 for kwh in lost_kwh))


@pytest.mark.parametrize(("situation", "place"), [("a charge at noon", 0), ("a charge over all midnights", 1)])
def test_a_day_whose_edges_say_little_is_rated(site: Site, situation: str, place: int) -> None:
    day = site.days(situation)[place]
    assert not day["coarse_edge"]
    assert day["efficiency_ratio"] == pytest.approx(RATIO, abs=0.03)


def test_registers_that_are_read_each_minute_have_no_coarse_edge(site: Site) -> None:
    first, second = site.days("read each minute")
    assert (first["coarse_edge"], second["coarse_edge"]) == (False, False)
    hours = site.rows("hourly_vehicle_efficiency", "read each minute")
    assert [[row["coarse_edge"] for row in day] for day in hours] == [[False] * 24] * 2


def test_the_hours_of_an_hourly_register_are_coarse(site: Site) -> None:
    hours = site.rows("hourly_vehicle_efficiency", "a charge at noon")
    assert [row["coarse_edge"] for row in hours[0]] == [False] + [True] * 23  # the first reading begins nothing
    assert [row["coarse_edge"] for row in hours[1]] == [True] * 24


@pytest.mark.parametrize(
    ("situation", "is_coarse"), [("silent for more than six hours", True), ("silent for less", False)]
)
def test_a_day_after_six_silent_hours_is_coarse(site: Site, situation: str, is_coarse: bool) -> None:
    second = site.days(situation)[1]
    assert (second["status"], second["coarse_edge"]) == ("below_threshold", is_coarse)
    assert [len(rows) for rows in site.rows("low_efficiency_days", situation)] == [0, int(not is_coarse)]


def test_an_hour_ends_with_its_last_reading(site: Site) -> None:
    """Nothing flowed after the vehicle's end."""
    edges, _ = site.rows("daily_vehicle_edges", "a vehicle that ends first")
    day = site.days("a vehicle that ends first")[0]
    assert [row["ac_after_dc_kwh"] for row in edges] == [0]
    assert (day["status"], day["coarse_edge"]) == ("below_threshold", False)
