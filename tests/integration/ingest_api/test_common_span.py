"""A side that reports seldom beside one that reports often: both are compared over the time that both speak of."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.ingest_api.charging import DAY, Charging, Samples
from tests.integration.ingest_api.site import Site

HOUR = timedelta(hours=1)
SECOND = 1 / 3600
TRUE_RATIO = 0.82
POWER_KW = 7.0


def drawn(hours: Mapping[float, float] | list[float], power_kw: float = POWER_KW) -> Samples:
    """A register of a constant power, read at these hours."""
    return {hour: 1000.0 + power_kw * hour for hour in hours}


def every(minutes: float, offset: float = 0.0, first: float = 0, end: float = 24) -> list[float]:
    """Hours from ``first`` to ``end``, one each ``minutes``."""
    return [first + offset + n * minutes / 60 for n in range(round((end - first) * 60 / minutes))]


@pytest.fixture
def charging(site: Site) -> Charging:
    """A meter that says each hour, and a vehicle that says each minute what it took."""
    charging = Charging(site)
    charging.map()
    expect(site, charging, vehicle=60)
    return charging


def expect(site: Site, charging: Charging, meter: int = 3600, vehicle: int = 3600, **settings: Any) -> None:
    for path, seconds in ((f"meters/{charging.meter}", meter), (f"vehicles/{charging.vehicle}", vehicle)):
        answer = site.client.patch(f"/v1/{path}", json={"expectedIntervalSeconds": seconds, **settings})
        assert answer.status_code == 200


def span(answer: dict[str, Any]) -> tuple[float, float]:
    """The common span, in hours since midnight."""
    first, last = (datetime.fromisoformat(answer[name]) for name in ("spanFrom", "spanTo"))
    return (first - DAY) / HOUR, (last - DAY) / HOUR


def test_each_hour_and_each_minute(charging: Charging) -> None:
    charging.ac(drawn(every(60)))
    charging.dc(drawn(every(1, 30 * SECOND), POWER_KW * TRUE_RATIO))
    day = charging.answer()
    assert day["efficiencyRatio"] == pytest.approx(TRUE_RATIO, abs=0.002)
    assert (day["status"], day["flags"]) == ("below_threshold", {"edge_mismatch": 1})
    assert span(day) == (1, 23)
    assert day["acKwh"] == pytest.approx(22 * POWER_KW)
    assert (day["acCoverage"], day["dcCoverage"]) == (1, 1)
    four = charging.answer(DAY + 12 * HOUR, hours=4)
    assert four["efficiencyRatio"] == pytest.approx(TRUE_RATIO, abs=0.01)
    assert four["flags"] == {"edge_mismatch": 1}
    two = charging.answer(DAY + 12 * HOUR, hours=2)
    assert two["efficiencyRatio"] == pytest.approx(1.6263, abs=0.0001)  # MAX - MIN, as it is
    assert (two["status"], two["flags"], two["spanFrom"], two["spanTo"]) == ("ok", {"edge_mismatch": 1}, None, None)


def test_the_other_way_round(charging: Charging, site: Site) -> None:
    expect(site, charging, meter=60, vehicle=3600)
    charging.ac(drawn(every(1, 30 * SECOND)))
    charging.dc(drawn(every(60), POWER_KW * TRUE_RATIO))
    day = charging.answer()
    assert day["efficiencyRatio"] == pytest.approx(TRUE_RATIO, abs=0.002)
    assert (span(day), day["flags"]) == ((1, 23), {"edge_mismatch": 1})


def test_a_handful_of_posts_stays_as_it_is(charging: Charging, site: Site) -> None:
    """Twenty-four readings a side, five minutes apart, at an interval of a minute: too few to cut, and rated."""
    expect(site, charging, meter=60, vehicle=60)
    charging.ac(drawn(every(60)))
    charging.dc(drawn(every(60, 5 / 60), POWER_KW * TRUE_RATIO))
    day = charging.answer()
    assert (day["efficiencyRatio"], day["spanFrom"]) == (TRUE_RATIO, None)
    assert day["status"] == "below_threshold"
    assert day["flags"].keys() == {"edge_mismatch", "low_coverage", "gap"}


def test_twice_the_shorter_interval_is_no_mismatch(charging: Charging, site: Site) -> None:
    expect(site, charging, meter=900, vehicle=900)
    charging.ac(drawn(every(15)))
    charging.dc(drawn(every(15, 0.5, end=23.5), POWER_KW * TRUE_RATIO))
    assert "edge_mismatch" not in charging.answer()["flags"]
    charging.ac(drawn([24 - SECOND]))
    charging.dc(drawn([24 - 2 * SECOND], POWER_KW * TRUE_RATIO))
    assert "edge_mismatch" not in charging.answer()["flags"]


def test_a_side_that_fell_silent(charging: Charging, site: Site) -> None:
    """Sixteen hours are compared with the same sixteen hours; eleven say too little of a day, and accuse nobody."""
    expect(site, charging, meter=60, vehicle=60)
    charging.ac(drawn(every(5, end=16)))
    charging.dc(drawn(every(5), POWER_KW * TRUE_RATIO))
    expect(site, charging, meter=300, vehicle=300)
    long = charging.answer()
    assert (long["efficiencyRatio"], long["status"]) == (TRUE_RATIO, "below_threshold")
    assert span(long) == pytest.approx((0, 16 - 5 / 60))
    other = Charging(site)
    other.map()
    expect(site, other, meter=300, vehicle=300)
    other.ac(drawn(every(5, end=11)))
    other.dc(drawn(every(5), POWER_KW * TRUE_RATIO))
    short = other.answer()
    assert short["efficiencyRatio"] > 1.5
    assert (short["status"], short["spanFrom"], short["flags"]["edge_mismatch"]) == ("ok", None, 1)


def test_sides_that_never_met(charging: Charging, site: Site) -> None:
    expect(site, charging, meter=300, vehicle=300)
    charging.ac(drawn(every(5, end=12)))
    charging.dc(drawn(every(5, first=12), POWER_KW * TRUE_RATIO))
    answer = charging.answer()
    assert (answer["status"], answer["spanFrom"], answer["flags"]["edge_mismatch"]) == ("ok", None, 1)


def test_the_first_value_of_an_interval_device_belongs_to_the_time_before_the_span(
    charging: Charging, site: Site
) -> None:
    assert site.client.patch(f"/v1/meters/{charging.meter}", json={"energyKind": "interval"}).status_code == 200
    charging.ac(dict.fromkeys(every(60), POWER_KW))
    charging.dc(drawn(every(1), POWER_KW * TRUE_RATIO))
    answer = charging.answer()
    assert (answer["acKwh"], answer["efficiencyRatio"]) == (23 * POWER_KW, TRUE_RATIO)
    assert span(answer) == (0, 23)


def test_the_whole_rule_holds_inside_the_span(charging: Charging) -> None:
    """The meter restarted at noon, and shows one corrupt row before the span and one in it."""
    charging.ac({hour: kwh if hour < 12 else kwh - 1000 - 12 * POWER_KW for hour, kwh in drawn(every(60)).items()})
    charging.dc({**drawn(every(1, 30 * SECOND), POWER_KW * TRUE_RATIO), 0.25: 0.0, 6.25: 0.0})
    answer = charging.answer()
    assert answer["flags"] == {"reset": 1, "glitch": 1, "edge_mismatch": 1}
    assert answer["efficiencyRatio"] == pytest.approx(TRUE_RATIO * 22 / 21, abs=0.002)  # the reset books 0 of an hour
    assert answer["avgBatteryTemp"] == 30


def test_a_meter_that_came_at_noon_is_compared_with_the_afternoon(site: Site) -> None:
    charging = Charging(site)
    expect(site, charging, meter=60, vehicle=60)
    charging.map(valid_from=DAY + 12 * HOUR)
    expect(site, charging, meter=300, vehicle=300)
    charging.ac(drawn(every(5, first=12)))
    charging.dc(drawn(every(5), POWER_KW * TRUE_RATIO))
    answer = charging.answer()
    assert "edge_mismatch" not in answer["flags"]
    assert answer["efficiencyRatio"] == pytest.approx(TRUE_RATIO, abs=0.01)


def test_a_mapping_that_changes_inside_the_span(site: Site) -> None:
    """Hourly meters, one until noon and one from then on; the span is cut over the whole window."""
    charging = Charging(site)
    charging.map()
    second = f"{charging.meter}-2"
    charging.expect_hourly(f"meters/{second}")
    expect(site, charging, vehicle=60)
    charging.map(second, DAY + 12 * HOUR)
    for meter in (charging.meter, second):
        charging.ac(drawn(every(60)), meter)
    charging.dc(drawn(every(1, 30 * SECOND), POWER_KW * TRUE_RATIO))
    answer = charging.answer()
    assert span(answer) == (1, 23)
    assert answer["acKwh"] == pytest.approx(22 * POWER_KW)
    assert answer["efficiencyRatio"] == pytest.approx(TRUE_RATIO, abs=0.002)


def test_one_reading_beside_many(charging: Charging) -> None:
    charging.ac({5: 100.0})
    charging.dc(drawn(every(1)))
    answer = charging.answer()
    assert (answer["acKwh"], answer["status"], answer["flags"]["edge_mismatch"]) == (0, "no_ac", 1)
