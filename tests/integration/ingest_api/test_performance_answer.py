"""The 24 h answer: its numbers, the status that applies first, and what is flagged beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import iso
from tests.integration.ingest_api.charging import DAY, Charging, even
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem

HOUR = timedelta(hours=1)


@pytest.fixture
def charging(site: Site) -> Charging:
    """A vehicle that has been on its meter since always."""
    charging = Charging(site)
    charging.map()
    return charging


@pytest.fixture(scope="module")
def silent(site: Site) -> Charging:
    """One that never sends anything, for all who ask only in which words."""
    silent = Charging(site)
    silent.map()
    return silent


def test_the_whole_answer(charging: Charging) -> None:
    charging.ac(even(12.1204))
    charging.dc(even(10.3303), temperatures=[33.0, 33.333, None])
    assert charging.answer() == {
        "vehicleId": charging.vehicle,
        "meterId": charging.meter,
        "windowHours": 24,
        "acKwh": 12.12,
        "dcKwh": 10.33,
        "efficiencyRatio": 0.8523,
        "avgBatteryTemp": 33.17,
        "fromTs": DAY.strftime("%Y-%m-%dT00:00:00.000Z"),
        "toTs": (DAY + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00.000Z"),
        "meterIds": [charging.meter],
        "acCoverage": 1.0,
        "dcCoverage": 1.0,
        "acEnergyKind": "counter",
        "dcEnergyKind": "counter",
        "spanFrom": None,
        "spanTo": None,
        "status": "ok",
        "flags": {},
        "findings": [],
    }


@pytest.mark.parametrize(
    ("ac_kwh", "dc_kwh", "ratio", "status"),
    [
        (20, 18, 0.9, "ok"),
        (20, 17, 0.85, "ok"),
        (20, 16.9992, 0.85, "ok"),
        (20, 16.998, 0.8499, "below_threshold"),
        (20, 0, 0.0, "below_threshold"),
        (20, -0.5, -0.025, "below_threshold"),
        (20, 20, 1.0, "ok"),
        (20, 20.0004, 1.0, "ok"),
        (20, 20.01, 1.0005, "dc_exceeds_ac"),
        (20, 30, 1.5, "dc_exceeds_ac"),
        (1, 1.5, 1.5, "dc_exceeds_ac"),
        (0.15, 0, 0.0, "low_energy"),
        (1.999, 1.5, 0.7504, "low_energy"),
        (1.999, 1.999, 1.0, "low_energy"),
        (1.999, -0.1, -0.05, "low_energy"),
        (2.0, 1.5, 0.75, "below_threshold"),
        (0, 10, None, "no_ac"),
        (-0.5, 10, None, "no_ac"),
        (0, 0, None, "no_ac"),
    ],
)
def test_the_shown_ratio_decides_the_status(
    charging: Charging, ac_kwh: float, dc_kwh: float, ratio: float | None, status: str
) -> None:
    charging.ac(even(ac_kwh))
    charging.dc(even(dc_kwh))
    answer = charging.answer()
    assert (answer["acKwh"], answer["dcKwh"]) == (ac_kwh, round(dc_kwh, 3))
    assert (answer["efficiencyRatio"], answer["status"]) == (ratio, status)


def test_two_sums_of_the_same_energy_are_no_fault(charging: Charging) -> None:
    """Summed step by step, 0.1 a step is not what it is in one step: the last bits differ."""
    charging.ac(even(2.3, first=0.0))
    charging.dc({0: 0.0, 23: 2.3})
    assert (charging.answer()["efficiencyRatio"], charging.answer()["status"]) == (1.0, "ok")


def test_the_threshold_is_a_setting(make_site: MakeSite) -> None:
    site = make_site(efficiency_threshold=0.9)
    for dc_kwh, status in ((18, "ok"), (17.998, "below_threshold")):
        charging = Charging(site)
        charging.map()
        charging.ac(even(20))
        charging.dc(even(dc_kwh))
        assert charging.answer()["status"] == status


class TestNoReadings:
    def test_of_a_mapped_and_silent_vehicle_all_is_null(self, charging: Charging) -> None:
        answer = charging.answer()
        missing = ("acKwh", "dcKwh", "efficiencyRatio", "avgBatteryTemp")
        assert [answer[name] for name in missing] == [None] * 4
        assert (answer["acCoverage"], answer["dcCoverage"]) == (0, 0)
        assert (answer["status"], answer["flags"]) == ("no_readings", {"low_coverage": 2})
        assert (answer["meterId"], answer["meterIds"]) == (charging.meter, [charging.meter])

    def test_of_one_side_leaves_the_other_its_numbers(self, charging: Charging, site: Site) -> None:
        charging.ac(even(12))
        answer = charging.answer()
        assert (answer["acKwh"], answer["dcKwh"], answer["efficiencyRatio"]) == (12, None, None)
        assert (answer["status"], answer["flags"]) == ("no_readings", {"low_coverage": 1})

        other = Charging(site)
        other.map()
        other.dc(even(10))
        answer = other.answer()
        assert (answer["acKwh"], answer["dcKwh"], answer["avgBatteryTemp"]) == (None, 10, 30)
        assert (answer["status"], answer["flags"]) == ("no_readings", {"low_coverage": 1})

    def test_a_single_reading_is_no_energy_which_is_not_the_same(self, charging: Charging) -> None:
        charging.ac({5: 100.0})
        charging.dc({5: 100.0})
        answer = charging.answer()
        assert (answer["acKwh"], answer["dcKwh"], answer["efficiencyRatio"]) == (0, 0, None)
        assert (answer["status"], answer["flags"]) == ("no_ac", {"low_coverage": 2, "low_energy": 1})


class TestFlags:
    def test_a_side_with_less_than_nine_tenths_of_its_readings(self, charging: Charging) -> None:
        charging.ac(even(20, range(10)))
        charging.dc(even(18, range(1, 10)))
        ten_hours = DAY + 10 * HOUR
        answer = charging.answer(ten_hours, hours=10)
        assert (answer["acCoverage"], answer["dcCoverage"], answer["flags"]) == (1.0, 0.9, {})
        answer = charging.answer(ten_hours + HOUR, hours=11)
        assert (answer["acCoverage"], answer["dcCoverage"]) == (0.909, 0.818)
        assert answer["flags"] == {"low_coverage": 1}
        answer = charging.answer()
        assert (answer["acCoverage"], answer["dcCoverage"]) == (0.417, 0.375)
        assert answer["flags"] == {"low_coverage": 2}
        assert (answer["efficiencyRatio"], answer["status"]) == (0.9, "ok")  # given all the same

    def test_more_readings_than_expected_are_full_coverage(self, charging: Charging) -> None:
        charging.ac(even(20, [n / 10 for n in range(240)]))
        charging.dc(even(18))
        assert (charging.answer()["acCoverage"], charging.answer()["flags"]) == (1.0, {})

    @pytest.mark.parametrize(
        ("hours", "ac_kwh", "dc_kwh", "is_low"),
        [
            (24, 1.999, 1.999, True),
            (24, 2.0, 1.0, False),
            (24, 1.999, 2.0, False),
            (23, 1.92, 1.5, False),
            (1, 0.199, 0.199, True),
            (2, 0.199, 0.1, True),
            (2, 0.2, 0.1, False),
            (168, 13.9, 13.9, True),
            (168, 14.0, 13.0, False),
            (24, 0, 0, True),
            (24, -0.1, 0.5, True),
        ],
    )
    def test_little_energy_is_measured_by_the_window(
        self, charging: Charging, hours: int, ac_kwh: float, dc_kwh: float, is_low: bool
    ) -> None:
        first = 24 - min(hours, 24)
        charging.ac({first: 100.0, 23.5: 100.0 + ac_kwh})
        charging.dc({first: 100.0, 23.5: 100.0 + dc_kwh})
        answer = charging.answer(hours=hours)
        assert (answer["flags"].get("low_energy"), answer["status"] == "low_energy") == (
            (1, ac_kwh > 0) if is_low else (None, False)
        )

    def test_what_the_energy_rule_found_doubtful_is_counted_over_both_sides(self, charging: Charging) -> None:
        charging.ac({**even(12), 5: 0.0, 8: even(12)[8] - 1.5})  # one corrupt row, one small step back
        charging.dc({hour: kwh if hour < 12 else kwh - 100 for hour, kwh in even(11.5).items()})  # starts over at 0
        answer = charging.answer()
        assert answer["flags"] == {"glitch": 1, "dip": 1, "reset": 1}
        assert answer["acKwh"] == 12


class TestWindow:
    def test_its_beginning_belongs_to_it_and_its_end_does_not(self, charging: Charging) -> None:
        charging.ac({5.9: 50.0, 6: 100.0, 7: 105.0, 8: 109.0, 8.5: 150.0})
        charging.dc({5.9: 50.0, 6: 100.0, 7: 104.0, 8: 108.0, 8.5: 150.0}, temperatures=[0.0, 20.0, 30.0, 90.0, 90.0])
        answer = charging.answer(DAY + 8 * HOUR, hours=2)
        assert (answer["acKwh"], answer["dcKwh"], answer["avgBatteryTemp"]) == (5, 4, 25)
        assert (answer["acCoverage"], answer["dcCoverage"]) == (1, 1)

    def test_ends_now_and_is_a_day_long_unless_asked(self, silent: Charging, site: Site) -> None:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        answer = site.client.get(f"/v1/analytics/performance/{silent.vehicle}").json()
        end = datetime.fromisoformat(answer["toTs"])
        assert before <= end <= datetime.now(UTC)
        assert end - datetime.fromisoformat(answer["fromTs"]) == timedelta(days=1)
        assert answer["windowHours"] == 24

    @pytest.mark.parametrize("hours", [1, 23, 168])
    def test_of_any_length_up_to_a_week(self, silent: Charging, hours: int) -> None:
        answer = silent.answer(hours=hours)
        assert answer["windowHours"] == hours
        length = datetime.fromisoformat(answer["toTs"]) - datetime.fromisoformat(answer["fromTs"])
        assert length == timedelta(hours=hours)

    def test_may_lie_anywhere_between_1970_and_now(self, silent: Charging, site: Site) -> None:
        for at in ("1970-01-01T00:00:00.001Z", iso(datetime.now(UTC) + timedelta(minutes=4))):
            answer = site.client.get(f"/v1/analytics/performance/{silent.vehicle}", params={"at": at, "hours": 168})
            assert (answer.status_code, answer.json()["status"]) == (200, "no_readings")

    def test_in_the_future_is_told_in_words(self, silent: Charging, site: Site) -> None:
        for at in (iso(datetime.now(UTC) + timedelta(minutes=6)), "2199-12-31T23:59:59Z", "2200-01-01T00:00:00+00:00"):
            answer = site.client.get(f"/v1/analytics/performance/{silent.vehicle}", params={"at": at})
            problem = assert_problem(answer, 422, "invalid_request")
            assert problem["detail"] == "at lies in the future; leave it out for the window that ends now"

    def test_beyond_what_is_asked_for_is_told_in_words(self, silent: Charging, site: Site) -> None:
        path = f"/v1/analytics/performance/{silent.vehicle}"
        for hours, bound in ((0, "greater than or equal to 1"), (169, "less than or equal to 168")):
            problem = assert_problem(site.client.get(path, params={"hours": hours}), 422, "invalid_request")
            assert problem["detail"] == f"/query/hours: Input should be {bound}"
        problem = assert_problem(site.client.get(f"{path}?at=2026-02-08"), 422, "invalid_request")
        assert problem["detail"].startswith("/query/at: expected RFC 3339 with an offset")

    @pytest.mark.parametrize("offset", ["+00:00", "+02:30", "%2B02:30", " 02:30", "%2002:30", "-03:00", "Z"])
    def test_with_a_plus_that_nobody_encoded(self, silent: Charging, site: Site, offset: str) -> None:
        written = offset.replace("%2B", "+").replace("%20", "+").replace(" ", "+")
        meant = datetime.fromisoformat(f"2026-02-08T04:00:00{written}").astimezone(UTC)
        answer = site.client.get(f"/v1/analytics/performance/{silent.vehicle}?at=2026-02-08T04:00:00.000{offset}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["toTs"] == f"{meant:%Y-%m-%dT%H:%M:%S}.000Z"

    @pytest.mark.parametrize(
        "asked",
        [
            "hours=0",
            "hours=169",
            "hours=-1",
            "hours=1.5",
            "hours=x",
            "hours=",
            "hours=99999999999999999999",
            "at=",
            "at=now",
            "at=5",
            "at=1770000000",
            "at=2026-02-08",
            "at=2026-02-08T04:00:00",
            "at=2026-02-08T04:00:60Z",
            "at=2026-02-08+04:00:00Z",  # + is a space in a query
            "at=2026-02-08T04:00:00++00:00",
            "at=2026-02-08T04:00:00+0000",
            "at=0001-01-01T00:00:00Z",
            "at=0001-01-01T00:00:00%2B23:59",
            "at=1969-12-31T23:59:59Z",
            "at=2200-01-01T00:00:01Z",
            "at=9999-12-31T23:59:59Z",
            "at=9999-12-31T23:59:59-23:59",
            "at=%00",
        ],
    )
    def test_that_makes_no_sense(self, silent: Charging, site: Site, asked: str) -> None:
        answer = site.client.get(f"/v1/analytics/performance/{silent.vehicle}?{asked}")
        problem = assert_problem(answer, 422, "invalid_request")
        assert [error["pointer"] for error in problem["errors"]] == [f"/query/{asked.partition('=')[0]}"]


def test_an_unknown_vehicle(site: Site, silent: Charging) -> None:
    assert_problem(site.client.get("/v1/analytics/performance/nobody"), 404, "vehicle_not_found")
    assert_problem(site.client.get(f"/v1/analytics/performance/{silent.meter}"), 404, "vehicle_not_found")


@pytest.mark.parametrize("name", ["-a", "a" * 65, "a%20b", "%00", "%ff"])
def test_an_id_that_is_none(site: Site, name: str) -> None:
    answer = site.client.get(f"/v1/analytics/performance/{name}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.fixture(params=["meter_readings", "vehicle_readings"])
def dropped(request: pytest.FixtureRequest, site: Site) -> Iterator[datetime]:
    """The midnight that ends a day which was dropped in one of the streams."""
    day = DAY.date() - timedelta(days=3)
    change = "UPDATE partition_ledger SET state = %s WHERE stream = %s AND day = %s"
    site.rows(f"{change} RETURNING 1", ["dropped", request.param, day])
    yield DAY - timedelta(days=2)
    site.rows(f"{change} RETURNING 1", ["open", request.param, day])


def test_a_window_that_touches_a_dropped_day_is_gone(silent: Charging, dropped: datetime) -> None:
    for at, hours in ((dropped, 1), (dropped + HOUR, 2), (dropped - 23.5 * HOUR, 24), (dropped + 3 * 24 * HOUR, 168)):
        problem = assert_problem(silent.ask(at, hours), 410, "window_not_retained")
        assert str((dropped - HOUR).date()) in problem["detail"]


def test_a_window_beside_a_dropped_day_is_answered(silent: Charging, dropped: datetime) -> None:
    assert silent.ask(dropped + HOUR, hours=1).status_code == 200
    assert silent.ask(dropped - 24 * HOUR, hours=24).status_code == 200


def test_an_unknown_vehicle_is_unknown_whatever_was_dropped(site: Site, dropped: datetime) -> None:
    at = iso(dropped)
    answer = site.client.get("/v1/analytics/performance/nobody", params={"at": at})
    assert_problem(answer, 404, "vehicle_not_found")
