"""The fleet's answer: the same numbers as of each vehicle alone, over the same whole hours, and how fresh they are."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingest_api.analytics import fleet_answers
from ingest_api.analytics.fleet_answers import DEFAULT_HOURS, REMEMBERED
from ingest_api.database import Connection, Row
from tests.conftest import MakeApi
from tests.factories import iso
from tests.integration.ingest_api.charging import DAY, Charging, even
from tests.integration.ingest_api.site import Site, assert_problem, new_id, until_someone_waits_for_a_lock
from warehouse.postgres.hours import device_hours
from warehouse.postgres.hours.device_hours import SETTLING, write_closed_hours

HOUR = timedelta(hours=1)
HOURS = 96
"""Begins before ``DAY``, so that nothing crosses the window's begin, and ends with the newest closed hour."""


class Fleet:
    """A database of its own, whose hours are written when a test says so."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def vehicle(self) -> Charging:
        return Charging(self.site)

    def write(self) -> int:
        """Write the closed hours; returns of how many devices older ones were put right."""
        return write_closed_hours(self.site.connection, lambda _: None).corrected_devices

    def ask(self, hours: int = HOURS, worst: int = 1000) -> dict[str, Any]:
        answer = self.site.client.get("/v1/analytics/fleet", params={"hours": hours, "worst": worst})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def one_by_one(self, fleet: dict[str, Any], vehicles: list[Charging]) -> list[dict[str, Any]]:
        """What the performance endpoint says of each vehicle over the same window."""
        end = datetime.fromisoformat(fleet["toTs"])
        return [vehicle.answer(end, fleet["windowHours"]) for vehicle in vehicles]

    def expect_the_same(self, vehicles: list[Charging]) -> dict[str, Any]:
        """The fleet's answer, once it is found to be what is said of these vehicles, which are all there are."""
        fleet = self.ask()
        alone = self.one_by_one(fleet, vehicles)
        listed = [
            {name: each[name] for name in fleet["worst"][0]} | {"flags": each["flags"]}
            for each in alone
            if each["efficiencyRatio"] is not None and "low_energy" not in each["flags"]
        ]
        assert fleet["worst"] == sorted(listed, key=lambda each: each["efficiencyRatio"])
        assert {status: n for status, n in fleet["statuses"].items() if n} == {
            status: sum(each["status"] == status for each in alone) for status in {each["status"] for each in alone}
        }
        counted = [each for each in alone if each["efficiencyRatio"] is not None]
        assert fleet["vehicles"] == len(alone)
        assert fleet["acKwh"] == pytest.approx(sum(each["acKwh"] for each in counted), abs=0.002)
        assert fleet["dcKwh"] == pytest.approx(sum(each["dcKwh"] for each in counted), abs=0.002)
        assert sum(each["vehicles"] for each in fleet["distribution"]) == len(listed)
        for side in ("ac", "dc"):
            mean = sum(each[f"{side}Coverage"] for each in alone) / len(alone)
            assert fleet[f"{side}Coverage"] == pytest.approx(mean, abs=0.002)
        return fleet


MakeFleet = Callable[[], Fleet]


@pytest.fixture(autouse=True)
def _few_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the hours that the product keeps are written, and all that these tests look at."""
    monkeypatch.setattr(device_hours, "KEPT", timedelta(days=4))


@pytest.fixture
def make_fleet(make_api: MakeApi, connection: psycopg.Connection, database_url: str) -> MakeFleet:
    """Start the API on this test's database, of which it says what it says of its whole fleet."""
    return lambda: Fleet(Site(make_api(), connection, database_url))


@pytest.fixture
def fleet(make_fleet: MakeFleet) -> Fleet:
    return make_fleet()


def test_before_anything_is_written_all_is_missing(fleet: Fleet) -> None:
    answer = fleet.ask(hours=3)
    assert (answer["hoursCovered"], len(answer["missingHours"]), answer["asOf"]) == (0, 3, None)
    assert [answer[name] for name in ("acKwh", "dcKwh", "efficiencyRatio", "meteredAcKwh", "acCoverage")] == [None] * 5
    assert (answer["vehicles"], set(answer["statuses"].values()), answer["worst"]) == (0, {0}, [])
    assert len(answer["distribution"]) == 22
    assert answer["grain"] == "hour"


def test_says_of_each_vehicle_what_its_own_answer_says(fleet: Fleet) -> None:
    """Plain and dirty registers, silent devices, a shared meter, and a mapping that changes at half past twelve."""
    plain, dirty, silent, no_dc, changed, unmapped_first = vehicles = [fleet.vehicle() for _ in range(6)]
    for each in vehicles[:4]:
        each.map()
    plain.ac(even(20))
    plain.dc(even(17), temperatures=[20.0, 30.5, None])
    dirty.ac({**even(12), 5: 0.0, 8: even(12)[8] - 1.5})
    dirty.dc({hour: kwh if hour < 12 else kwh - 100 for hour, kwh in even(11.5).items()})
    no_dc.ac(even(5))
    second = new_id("meter")
    changed.expect_hourly(f"meters/{second}")
    changed.map()
    changed.map(second, DAY + 12.5 * HOUR)
    changed.ac(even(23, [n / 4 for n in range(93)]))
    changed.ac(even(46, [n / 4 for n in range(93)]), second)
    changed.dc(even(23, [n / 4 for n in range(93)]))
    unmapped_first.map(valid_from=DAY + 6.25 * HOUR)
    unmapped_first.ac(even(23))
    unmapped_first.dc(even(20))
    sharing = fleet.vehicle()
    sharing.map(plain.meter, valid_from=DAY + 23.5 * HOUR)
    sharing.dc(even(1))
    fleet.write()
    answer = fleet.expect_the_same([*vehicles, sharing])
    assert answer["statuses"]["shared_meter"] == 1
    assert answer["missingHours"] == []
    assert answer["meteredAcKwh"] == pytest.approx(20 + 12 + 5 + 23 + 46 + 23, abs=0.01)
    assert silent.answer()["status"] == "no_readings"


def test_readings_that_come_later_are_in_the_next_answer(fleet: Fleet) -> None:
    first, second = vehicles = [fleet.vehicle() for _ in range(2)]
    for each in vehicles:
        each.map()
        each.ac({0: 100.0, 1: 105.0})
        each.dc({0: 100.0, 1: 104.0})
    fleet.write()
    fleet.expect_the_same(vehicles)
    first.ac({3: 112.0, 30: 130.0})  # the second one on the next day, with nothing in between
    first.dc({3: 110.0, 30: 125.0})
    assert fleet.write() == 2, "the devices that have more readings, and no others"
    fleet.expect_the_same(vehicles)
    first.ac({23: 115.0})  # the day's last reading: the step into the next day's is another one now
    assert fleet.write() == 1
    fleet.expect_the_same(vehicles)
    assert fleet.write() == 0
    assert second.answer()["acKwh"] == 5


def test_a_reading_that_comes_while_an_earlier_day_is_put_right_is_found_the_next_time(fleet: Fleet) -> None:
    vehicle = fleet.vehicle()
    vehicle.map()
    registers: dict[float, float] = {-23: 100.0, -22: 110.0, 1: 120.0, 25: 150.0}  # three days in a row
    vehicle.ac(registers)
    vehicle.dc(registers)
    fleet.write()
    vehicle.ac({-21: 112.0})
    with ThreadPoolExecutor(1) as worker:
        url = fleet.site.database_url
        with psycopg.connect(url) as holding, psycopg.connect(url, autocommit=True) as watching:
            holding.execute("LOCK TABLE device_hourly IN SHARE MODE")
            writing = worker.submit(fleet.write)
            until_someone_waits_for_a_lock(watching)
            vehicle.ac({20: 145.0})  # after the readings were counted, before the hours are written
        assert writing.result() == 1
    fleet.write()
    assert fleet.expect_the_same([vehicle])["acKwh"] == 50


def test_an_answer_is_remembered_until_something_is_written(fleet: Fleet) -> None:
    vehicle = fleet.vehicle()
    vehicle.map()
    vehicle.ac({0: 100.0, 1: 110.0})
    vehicle.dc({0: 100.0, 1: 109.0})
    fleet.write()
    with ThreadPoolExecutor(8) as several:
        answers = list(several.map(lambda _: fleet.ask(), range(40)))
    assert answers == [answers[0]] * 40
    fleet.site.rows(
        "UPDATE device_hourly SET energy_kwh = 2 * energy_kwh WHERE kind = 'meter' RETURNING 1"
    )  # behind everybody's back
    assert fleet.ask() == answers[0]
    assert fleet.ask(hours=HOURS - 1)["acKwh"] == 20
    vehicle.ac({2: 111.0})
    assert fleet.write() == 1
    assert fleet.expect_the_same([vehicle])["acKwh"] == 11
    second, third = fleet.vehicle(), fleet.vehicle()
    second.map()
    assert fleet.expect_the_same([vehicle, second])["vehicles"] == 2
    third.map()
    fleet.write()  # nobody asked meanwhile, and nothing had to be written for it
    assert fleet.expect_the_same([vehicle, second, third])["vehicles"] == 3


def test_an_answer_is_found_again_before_anybody_asks(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    async def counted(connection: Connection, hours: int) -> Row:
        looks.append(hours)
        return await state(connection, hours)

    def have_looked_at_all(times: int = 2) -> bool:
        """So many times from now on, at whatever is remembered."""
        enough, deadline = len(looks) + times * (REMEMBERED + 1), time.monotonic() + 60
        while len(looks) < enough and time.monotonic() < deadline:
            time.sleep(0.02)
        return len(looks) >= enough

    state = fleet_answers._state
    monkeypatch.setattr(fleet_answers, "_state", counted)
    monkeypatch.setattr(fleet_answers, "LOOK_EVERY_S", 0.05)
    fleet = make_fleet()
    vehicle = fleet.vehicle()
    vehicle.map()
    vehicle.ac({0: 100.0, 1: 110.0})
    vehicle.dc({0: 100.0, 1: 109.0})
    fleet.write()
    assert fleet.expect_the_same([vehicle])["acKwh"] == 10
    vehicle.ac({2: 111.0})
    with ThreadPoolExecutor(1) as worker:
        url = fleet.site.database_url
        with psycopg.connect(url) as holding, psycopg.connect(url, autocommit=True) as watching:
            fleet.write()
            holding.execute("LOCK TABLE device_hourly IN ACCESS EXCLUSIVE MODE")
            fleet.site.rows("UPDATE hourly_ledger SET written_at = now() RETURNING 1")
            until_someone_waits_for_a_lock(watching)
            asked = worker.submit(fleet.ask)  # the same sum serves who asks meanwhile
        assert asked.result()["acKwh"] == 11


def test_nothing_is_summed_while_nothing_changes(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    async def counted(connection: Connection, hours: int) -> Row:
        looks.append(hours)
        return await state(connection, hours)

    def have_looked_at_all(times: int = 2) -> bool:
        """So many times from now on, at whatever is remembered."""
        enough, deadline = len(looks) + times * (REMEMBERED + 1), time.monotonic() + 60
        while len(looks) < enough and time.monotonic() < deadline:
            time.sleep(0.02)
        return len(looks) >= enough

    state = fleet_answers._state
    monkeypatch.setattr(fleet_answers, "_state", counted)
    monkeypatch.setattr(fleet_answers, "LOOK_EVERY_S", 0.05)
    fleet = make_fleet()
    fleet.write()
    windows = range(DEFAULT_HOURS, DEFAULT_HOURS + 2 * REMEMBERED)
    for hours in windows:
        fleet.ask(hours)
    assert have_looked_at_all()  # also at what was forgotten while it was summed
    url = fleet.site.database_url
    with psycopg.connect(url) as holding, psycopg.connect(url, autocommit=True) as watching:
        holding.execute("LOCK TABLE device_hourly IN ACCESS EXCLUSIVE MODE")
        assert have_looked_at_all(), "a sum would wait for the lock"
        assert watching.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,)
        for hours in (DEFAULT_HOURS, *windows[-REMEMBERED:]):
            assert fleet.ask(hours)["windowHours"] == hours, "remembered"


def test_the_list_is_as_long_as_it_is_asked_for(fleet: Fleet) -> None:
    vehicles = [fleet.vehicle() for _ in range(3)]
    for number, each in enumerate(vehicles):
        each.map()
        each.ac({0: 100.0, 1: 110.0})
        each.dc({0: 100.0, 1: 109.0 - number})
    fleet.write()
    everyone = fleet.expect_the_same(vehicles)
    for length in (0, 2, 3, 1):
        assert fleet.ask(worst=length) == {**everyone, "worst": everyone["worst"][:length]}


def test_vehicles_are_grouped_by_their_charger_site_and_tags(fleet: Fleet) -> None:
    vehicles = [fleet.vehicle() for _ in range(4)]
    for number, each in enumerate(vehicles):
        if number < 3:
            each.map()
            each.ac({0: 100.0, 1: 110.0})
            each.dc({0: 100.0, 1: 109.0 - number})
    north, van = {"site": "North"}, {"tags": ["van"]}
    for path, labels in (
        (f"meters/{vehicles[0].meter}", {"model": "Box", **north, **van}),
        (f"meters/{vehicles[1].meter}", {"model": "Box"}),
        (f"vehicles/{vehicles[0].vehicle}", {"site": "South", "tags": ["van", "night"]}),
        (f"vehicles/{vehicles[1].vehicle}", {**north, **van}),
        (f"vehicles/{vehicles[3].vehicle}", north),
    ):
        assert fleet.site.client.patch(f"/v1/{path}", json=labels).status_code == 200
    fleet.write()

    def groups(group: str) -> list[tuple[object, ...]]:
        answer = fleet.site.client.get("/v1/analytics/fleet", params={"hours": HOURS, "group": group}).json()
        names = ("name", "vehicles", "belowThreshold", "acKwh", "dcKwh", "efficiencyRatio")
        return [tuple(each[name] for name in names) for each in answer["groups"]]

    unlabelled = (None, 1, 1, 10.0, 7.0, 0.7)
    assert groups("model") == [("Box", 2, 1, 20.0, 17.0, 0.85), unlabelled]
    assert groups("site") == [("North", 2, 1, 20.0, 17.0, 0.85), unlabelled]
    assert groups("tag") == [("van", 2, 1, 20.0, 17.0, 0.85), ("night", 1, 0, 10.0, 9.0, 0.9)]
    assert fleet.ask()["groups"] == []
    assert fleet.site.client.get("/v1/analytics/fleet", params={"group": "colour"}).status_code == 422


def test_a_mapping_changed_in_the_past_is_honoured(fleet: Fleet) -> None:
    vehicle, second = fleet.vehicle(), new_id("meter")
    vehicle.expect_hourly(f"meters/{second}")
    vehicle.map()
    quarters = [n / 4 for n in range(93)]
    for samples, meter in ((even(23, quarters), None), (even(46, quarters), second)):
        vehicle.ac(samples, meter)
    vehicle.dc(even(23, quarters))
    fleet.write()
    fleet.expect_the_same([vehicle])
    vehicle.map(second, DAY + 12.5 * HOUR)
    fleet.write()
    answer = fleet.expect_the_same([vehicle])
    assert answer["acKwh"] == 49 * 0.25 + 43 * 0.5


def test_settings_changed_in_the_past_are_honoured(fleet: Fleet) -> None:
    vehicle = fleet.vehicle()
    vehicle.map()
    vehicle.ac(even(20))
    vehicle.dc(even(18))
    fleet.write()
    assert fleet.expect_the_same([vehicle])["acKwh"] == 20
    assert fleet.site.client.patch(f"/v1/meters/{vehicle.meter}", json={"energyKind": "interval"}).status_code == 200
    fleet.write()
    assert fleet.expect_the_same([vehicle])["acKwh"] > 100


def test_the_step_into_the_window_is_what_differs(fleet: Fleet) -> None:
    """An hour owns the step into its first reading; a window speaks of the readings inside it alone."""
    vehicle = fleet.vehicle()
    vehicle.map()
    fleet.write()
    end = datetime.fromisoformat(fleet.ask()["toTs"])
    hours = (end - DAY) / HOUR
    registers = {hours - 2.5: 100.0, hours - 1.5: 110.0, hours - 0.5: 130.0}
    vehicle.ac(registers)
    vehicle.dc(registers)
    fleet.write()
    answer = fleet.ask(hours=2)
    assert answer["acKwh"] == 30
    assert vehicle.answer(end, 2)["acKwh"] == 20


def test_the_window_ends_with_the_newest_hour_that_is_written(fleet: Fleet) -> None:
    before = datetime.now(UTC)
    fleet.write()
    answer = fleet.ask(hours=24)
    end = datetime.fromisoformat(answer["toTs"])
    assert before - SETTLING - HOUR < end <= datetime.now(UTC) - SETTLING
    assert datetime.fromisoformat(answer["fromTs"]) == end - 24 * HOUR
    assert (answer["windowHours"], answer["hoursCovered"], answer["missingHours"]) == (24, 24, [])
    fleet.site.rows("DELETE FROM hourly_ledger WHERE hour = %s RETURNING 1", [end - 3 * HOUR])
    answer = fleet.ask(hours=24)
    assert (answer["hoursCovered"], answer["missingHours"]) == (
        23,
        [iso(end - 3 * HOUR).replace("Z", ".000Z")],
    )


def test_numbers_at_the_edge_of_what_a_float_holds_harm_nobody(fleet: Fleet) -> None:
    """PostgreSQL refuses to compute what would be too small or too large for one."""
    vehicles = [fleet.vehicle() for _ in range(4)]
    registers: tuple[dict[float, float], ...] = (
        {0: 0.0, 1: 5e-324},
        {0: 0.0, 1: 1e-300},
        {0: 0.0, 1: 1e-9},
        {0: 0.0, 1: 1e9},
    )
    for vehicle, ac, dc in zip(vehicles, registers, reversed(registers), strict=True):
        vehicle.map()
        vehicle.ac(ac)
        vehicle.dc(dc)
        for device in (f"vehicles/{vehicle.vehicle}", f"meters/{vehicle.meter}"):
            tiny = {"maxPowerKw": 5e-324}
            assert fleet.site.client.patch(f"/v1/{device}", json=tiny).status_code == 422
            assert fleet.site.client.patch(f"/v1/{device}", json={"maxPowerKw": 1e-9}).status_code == 200
    fleet.write()
    assert fleet.ask()["vehicles"] == 4
    assert {vehicle.answer()["windowHours"] for vehicle in vehicles} == {24}


def test_ratios_are_binned_as_they_are_shown(fleet: Fleet) -> None:
    ratios = {0.85: (0.85, 0.9), 0.849951: (0.85, 0.9), 0.84994: (0.8, 0.85), 1.2: (1.0, None), -0.01: (None, 0.0)}
    for ratio in ratios:
        vehicle = fleet.vehicle()
        vehicle.map()
        vehicle.ac({0: 1000.0, 1: 1100.0})
        vehicle.dc({0: 1000.0, 1: 1000.0 + 100 * ratio})
    fleet.write()
    found = {(each["fromRatio"], each["toRatio"]): each["vehicles"] for each in fleet.ask()["distribution"]}
    expected = {edges: list(ratios.values()).count(edges) for edges in ratios.values()}
    assert {edges: vehicles for edges, vehicles in found.items() if vehicles} == expected
    assert fleet.ask()["statuses"] == {
        "no_readings": 0,
        "no_ac": 0,
        "shared_meter": 0,
        "dc_exceeds_ac": 1,
        "low_energy": 0,
        "below_threshold": 2,
        "ok": 2,
    }
    assert [each["efficiencyRatio"] for each in fleet.ask(worst=2)["worst"]] == [-0.01, 0.8499]


def test_who_only_stood_by_is_counted_apart_and_accused_of_nothing(fleet: Fleet) -> None:
    limit = 2.0 * HOURS / 24
    registers = {"standby": (0.15, 0.0), "nearly": (limit - 0.01, 1.0), "charged": (limit, 1.0), "faulty": (0.5, 1.0)}
    for ac_kwh, dc_kwh in registers.values():
        vehicle = fleet.vehicle()
        vehicle.map()
        vehicle.ac({0: 1000.0, 1: 1000.0 + ac_kwh})
        vehicle.dc({0: 1000.0, 1: 1000.0 + dc_kwh})
    fleet.write()
    answer = fleet.ask()
    assert {status: count for status, count in answer["statuses"].items() if count} == {
        "low_energy": 2,
        "below_threshold": 1,
        "dc_exceeds_ac": 1,
    }
    assert [(each["acKwh"], each["status"]) for each in answer["worst"]] == [(limit, "below_threshold")]
    assert [each["acKwh"] for each in answer["distribution"] if each["vehicles"]] == [limit], "nor spread as faulty"
    assert answer["standbyKwh"] == pytest.approx(0.15 + limit - 0.01 - 1.0)


def test_a_window_shorter_than_four_intervals_accuses_nobody(fleet: Fleet) -> None:
    """The step into the window began before it: what it books says nothing about the window."""
    vehicle = fleet.vehicle()
    vehicle.map()
    fleet.write()
    last_hour = datetime.fromisoformat(fleet.ask()["toTs"]) - HOUR
    hours = {(last_hour - DAY) / HOUR + hour: float(number) for number, hour in enumerate(range(-5, 1))}
    vehicle.ac({hour: 1000.0 + 10 * number for hour, number in hours.items()})
    vehicle.dc({hour: 1000.0 + 5 * number for hour, number in hours.items()})
    fleet.write()
    assert fleet.ask(hours=4)["statuses"]["below_threshold"] == 1
    short = fleet.ask(hours=3)
    assert (short["statuses"]["below_threshold"], short["worst"]) == (0, [])
    assert short["efficiencyRatio"] == 0.5


@pytest.mark.parametrize("asked", ["hours=0", "hours=169", "hours=x", "worst=-1", "worst=1001"])
def test_what_makes_no_sense(site: Site, asked: str) -> None:
    problem = assert_problem(site.client.get(f"/v1/analytics/fleet?{asked}"), 422, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == [f"/query/{asked.partition('=')[0]}"]
