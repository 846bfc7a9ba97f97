"""R6, R5 and R4 on sessions and standby made by hand."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.data_faults.made import Made, at, ever, found_in, idle, open_rules, session

KWH = 12.0


def charges(first: int, last: int, ratio: float = 0.9, **others: Any) -> list[dict[str, object]]:
    return [session(1, 1, at(day, 18), KWH, ratio * KWH, **others) for day in range(first, last)]


def without_ac(day: int, **others: Any) -> dict[str, object]:
    return session(1, 1, at(day, 18), None, 0.9 * KWH, **{"dc_plateau_kw": 6.66, **others})


def test_a_meter_that_stands_still_twice_opens_and_its_sessions_are_no_dc_above_ac() -> None:
    made = Made(sessions=[*charges(0, 6), without_ac(6), *charges(7, 9), without_ac(9)])
    assert open_rules(made.at_once(9)) == []
    found = made.at_once(10)
    assert open_rules(found) == [("R6", "meter 1")]
    row = found.data_faults.row(0, named=True)
    assert (row["evidence_count"], row["session_count"], row["vehicle_id"]) == (2, 10, 1)
    assert row["onset_at"] == at(6, 18)
    assert row["onset_after"] < at(6, 18)


def test_a_register_that_counts_a_fifth_is_frozen_and_a_little_more_is_not() -> None:
    barely = charges(0, 3, ratio=1 / 0.19)
    assert found_in(barely, 4) == {("R6", "meter 1")}
    assert found_in(charges(0, 3, ratio=1 / 0.21), 4) == set()


@pytest.mark.parametrize(
    "others",
    [
        pytest.param({"mean_voltage_volts": 230.5}, id="the voltage did not sag"),
        pytest.param({"dc_plateau_kw": 45.0}, id="another power than usual"),
        pytest.param({"soc_end_percent": 39.0}, id="the state of charge fell"),
        pytest.param({"dc_coverage": 0.85}, id="readings are missing"),
        pytest.param({"meter_id": None}, id="no meter is mapped"),
    ],
)
def test_what_was_not_at_the_meter_does_not_accuse_it(others: dict[str, object]) -> None:
    away = [without_ac(day, **others) for day in range(6, 10)]
    assert found_in([*charges(0, 6), *away], 10) == set()


def test_a_meter_that_was_silent_is_not_frozen() -> None:
    gap = {"kind": "meter", "device_id": 1, "flag": "gap", "before_kwh": 0.0, "kwh": 0.0, "energy_kwh": 0.0}
    gaps = [{**gap, "before_ts": at(day, 17), "ts": at(day, 23)} for day in (6, 7)]
    made = Made(sessions=[*charges(0, 6), without_ac(6), without_ac(7)], gaps=gaps)
    assert ever(made.days(2, first=6, carried=Made(sessions=charges(0, 6)).at_once(6))) == set()
    assert found_in(made.sessions, 8) == {("R6", "meter 1")}


def test_a_meter_that_reads_no_voltage_is_not_accused() -> None:
    blind: dict[str, Any] = {"mean_voltage_volts": None, "voltage_before_volts": None}
    frozen = [without_ac(day, **blind) for day in (6, 7)]
    assert found_in([*charges(0, 6, **blind), *frozen], 8) == set()


def test_the_voltage_has_to_sag_by_half_of_what_is_usual_there() -> None:
    def sagging(volts: float) -> set[tuple[str, str]]:
        frozen = [without_ac(day, mean_voltage_volts=231 - volts) for day in (6, 7)]
        return found_in([*charges(0, 6, mean_voltage_volts=227.0), *frozen], 8)

    assert sagging(1.9) == set()
    assert sagging(2.1) == {("R6", "meter 1")}


def test_seven_sessions_with_more_dc_than_registers_err_open_and_six_do_not() -> None:
    def dead(count: int, ratio: float = 1.3) -> Made:
        return Made(sessions=charges(0, count, ratio=ratio, kind="implausible"))

    assert open_rules(dead(6).at_once(8)) == []
    found = dead(7).at_once(8)
    assert open_rules(found) == [("R5", "meter 1")]
    row = found.data_faults.row(0, named=True)
    assert row["observed"] == pytest.approx(7 * 0.3 * KWH)
    assert row["allowed"] == pytest.approx(3 * ((0.01 * 84) ** 2 + (0.02 * 109.2) ** 2 + 7 * 2e-4 / 6) ** 0.5)
    assert (row["ac_kwh"], row["dc_kwh"]) == (pytest.approx(84), pytest.approx(109.2))
    assert open_rules(dead(7, ratio=1.06).at_once(8)) == [], "within three sigma of both registers"
    assert open_rules(dead(7, ratio=1.08).at_once(8)) == [("R5", "meter 1")]


def test_coarse_registers_explain_small_surplus_of_small_sessions() -> None:
    small = [session(1, 1, at(day, 18), 0.5, 0.7) for day in range(8)]
    assert found_in(small, 8, resolution_kwh=0.001) == {("R5", "meter 1")}
    assert found_in(small, 8, resolution_kwh=0.5) == set()


def test_sessions_with_gaps_jumps_or_other_ends_count_for_nothing() -> None:
    late = timedelta(minutes=30)
    for others in ({"ac_coverage": 0.89}, {"dc_flags": "gap,jump"}, {"ac_flags": "rebase"}):
        assert found_in(charges(0, 9, ratio=1.3, **others), 9) == set()
    moved = [{**row, "ac_ended_at": row["ended_at"] + late} for row in charges(0, 9, ratio=1.3)]  # type: ignore[operator]
    assert found_in(moved, 9) == set()


def test_what_a_wrong_clock_parted_is_put_together_for_the_rules_below() -> None:
    """The clock is two hours off and the meter counts too little: both are said, each by its own rule."""
    rows = []
    for day in range(12):
        kwh = KWH + day % 5
        lasts = timedelta(hours=kwh / 7.4)
        start = at(day, 16 + day % 4)
        rows.append(session(1, 1, start, kwh, None, ac_ended_at=start + lasts))
        dc_start = start - timedelta(hours=2)
        edges: dict[str, Any] = {
            "dc_started_at": dc_start,
            "dc_ended_at": dc_start + lasts,
            "mean_voltage_volts": 231.0,
        }
        rows.append(session(1, 1, dc_start, None, 1.04 * kwh, **edges))
    assert found_in(rows, 12) == {("R8", "vehicle 1")}
    more = [{**row, "dc_kwh": None if row["dc_kwh"] is None else 1.2 * row["dc_kwh"]} for row in rows]  # type: ignore[operator]
    assert found_in(more, 12) == {("R8", "vehicle 1"), ("R5", "meter 1")}


def standby(watts: list[float], peers: int = 12, **others: Any) -> Made:
    """The first of some chargers, which all draw 5 W but for it."""
    pairs = tuple((number, number) for number in range(1, peers + 1))
    days = {
        day: [idle(1, of_first), *(idle(number, 5.0 + number / 10) for number in range(2, peers + 1))]
        for day, of_first in enumerate(watts)
    }
    sessions = [session(number, number, at(0, 1), 3, 2.7) for number in range(1, peers + 1)]
    return Made(pairs=pairs, standby=days, sessions=sessions, **others)


def test_a_leak_opens_on_the_third_day_of_four_and_closes() -> None:
    found = standby([5.0] * 8 + [26.0, 26.0, 5.0, 26.0, 26.0] + [5.0] * 4).days(17)
    opened = [day for day, each in enumerate(found) if ("R4", "meter 1") in open_rules(each)]
    assert opened == [11, 12], "three of the last four days"
    row = found[11].data_faults.row(0, named=True)
    assert (row["observed"], row["allowed"], row["evidence_count"]) == (pytest.approx(21), 15.0, 3)
    assert row["onset_at"] == at(8, 0)
    assert ever(found) == {("R4", "meter 1")}


def test_fifteen_watts_more_are_none_and_a_leak_from_the_first_day_shows_beside_its_peers() -> None:
    assert ever(standby([5.0] * 8 + [19.9] * 6).days(14)) == set()
    assert ever(standby([5.0] * 8 + [20.1] * 6).days(14)) == {("R4", "meter 1")}
    assert ever(standby([31.0] * 6).days(6)) == {("R4", "meter 1")}
    assert ever(standby([31.0] * 6, peers=8).days(6)) == set(), "too few peers, and it never drew less"


def test_a_large_charger_is_no_leak_among_small_ones() -> None:
    made = standby([60.0] * 8)
    made.sessions[0] = session(1, 1, at(0, 1), 30, 28, kw=50)
    assert ever(made.days(8)) == set()
    assert ever(standby([60.0] * 8, models={1: "fast-50"}).days(8)) == {("R4", "meter 1")}
    named = dict.fromkeys(range(1, 13), "fast")
    assert ever(standby([60.0] * 8, models=named).days(8)) == {("R4", "meter 1")}, "ten of its model draw 5 W"


def test_large_chargers_of_other_models_are_no_peers() -> None:
    """The electronics of 150 kW draw twice what those of 50 kW do."""
    made = standby([86.0] * 8, models={number: "fast-150" if number < 5 else "fast-50" for number in range(1, 13)})
    made.standby = {day: [idle(number, 86.0 if number < 5 else 48.0) for number in range(1, 13)] for day in range(8)}
    made.sessions = [session(number, number, at(0, 1), 30, 28, kw=50) for number in range(1, 13)]
    assert ever(made.days(8)) == set()


def test_ticks_of_a_coarse_register_are_no_leak() -> None:
    assert ever(standby([5.0] * 8 + [45.0] * 6, resolution_kwh=0.1).days(14)) == {("R4", "meter 1")}
    short = standby([5.0] * 8, resolution_kwh=0.1)
    short.standby |= {day: [idle(1, 45.0, hours=7.0)] for day in range(8, 14)}
    assert ever(short.days(14)) == set(), "u is 14 W in seven hours with two spans"
    few = standby([5.0] * 8)
    few.standby |= {day: [idle(1, 45.0, hours=5.9)] for day in range(8, 14)}
    assert ever(few.days(14)) == set()
