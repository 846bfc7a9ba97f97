"""R9, and what becomes of a fault from day to day."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from tests.unit.data_faults.made import Made, apart, at, idle, open_rules, session
from warehouse.data_faults.settings import SETTINGS

GAP = {"flag": "gap", "before_kwh": 0.0, "kwh": 0.0, "energy_kwh": 0.0}


def test_a_silence_opens_goes_on_over_days_and_closes() -> None:
    made = Made(
        gaps=[{**GAP, "kind": "meter", "device_id": 1, "before_ts": at(1, 20), "ts": at(3, 6)}],
        silent={("meter", 1, 2)},
    )
    # The first day's last reading is four hours before its end.
    made.last_at = {("meter", 1, 1): at(1, 20)}
    found = [each.data_faults for each in made.days(6)]
    rows = [frame.row(0, named=True) if frame.height else None for frame in found]
    assert [row and (row["rule"], row["subject"], row["state"], row["severity"]) for row in rows] == [
        None,
        ("R9", "meter 1", "opened", "warning"),
        ("R9", "meter 1", "open", "warning"),
        ("R9", "meter 1", "open", "info"),
        ("R9", "meter 1", "closed", "info"),
        ("R9", "meter 1", "closed", "info"),
    ]
    assert [row["observed"] for row in rows[1:4] if row] == pytest.approx([4, 28, 34])
    assert {row["onset_at"] for row in rows[1:] if row} == {at(1, 20)}
    assert [row["closed_on"] for row in rows[4:] if row] == [at(4, 0).date()] * 2


def test_devices_that_are_mapped_to_nothing_may_be_silent() -> None:
    gaps = [{**GAP, "kind": "meter", "device_id": 1, "before_ts": at(0, 1), "ts": at(0, 12)}]
    assert Made(gaps=gaps).days(1)[0].data_faults.height == 1
    unmapped = Made(gaps=gaps, mapped=False)
    assert unmapped.days(1)[0].data_faults.is_empty()


def test_what_comes_back_within_a_fortnight_is_the_same_fault() -> None:
    def leaking(gone_days: int) -> list[str]:
        watts = [5.0] * 4 + [40.0] * 3 + [5.0] * gone_days + [40.0] * 3
        pairs = tuple((number, number) for number in range(1, 3))
        made = Made(pairs=pairs, standby={day: [idle(1, each)] for day, each in enumerate(watts)})
        frames = [each.data_faults for each in made.days(len(watts))]
        assert {frame["opened_on"][0] for frame in frames if frame.height and frame["state"][0] == "reopened"} <= {
            at(6, 0).date()
        }
        return [frame["state"][0] if frame.height else "" for frame in frames][6:]

    assert leaking(4) == ["opened", "open", "closed", "closed", "closed", "closed", "closed", "reopened"]
    assert leaking(16)[-1] == "opened"


def unseen(rule: str) -> Made:
    """A device of which a rule finds something on the eighth day, the last one of which anything comes."""
    hours = [17.1, 18.4, 16.2, 19.3, 17.7, 18.9, 16.8, 17.4]
    starts = [at(day, hour) for day, hour in enumerate(hours)]
    if rule == "R4":
        return Made(standby={day: [idle(1, 5.0 if day < 4 else 40.0)] for day in range(8)})
    if rule == "R8":
        rows = [apart(1, 1, start, 12.0, 10.8, timedelta(hours=2)) for start in starts]
        return Made(sessions=[row for of_day in rows for row in of_day])
    if rule == "R7":
        crossed = []
        for day, start in enumerate(starts):
            for vehicle, meter, begin in ((1, 2, start), (2, 1, at(day, 8 + (day * 7 % 5) / 2))):
                there = session(meter, meter, begin, 12.0, None)
                away: dict[str, Any] = {"dc_ended_at": there["ac_ended_at"], "mean_voltage_volts": 231.0}
                crossed += [there, session(vehicle, vehicle, begin, None, 10.8, **away)]
        return Made(pairs=((1, 1), (2, 2)), sessions=crossed)
    still = [session(1, 1, start, 12.0 if rule == "R5" else None, 15.6, dc_plateau_kw=6.66) for start in starts[5:]]
    usual = [session(1, 1, start, 12.0, 15.6 if rule == "R5" else 10.8) for start in starts[:5]]
    return Made(sessions=[*usual, *still])


@pytest.mark.parametrize(
    ("rule", "subject", "days"),
    [
        ("R8", "vehicle 1", SETTINGS.kept_days),
        ("R7", "vehicle 1", SETTINGS.kept_days),
        ("R6", "meter 1", SETTINGS.kept_days),
        ("R5", "meter 1", SETTINGS.kept_days),
        ("R4", "meter 1", SETTINGS.forgotten_after_days),
    ],
)
def test_what_is_wrong_with_a_device_that_never_reports_again_closes_and_is_forgotten(
    rule: str, subject: str, days: int
) -> None:
    made = unseen(rule)
    last_day = 7
    found = made.days(last_day + 1)[-1]
    assert (rule, subject) in open_rules(found)
    (closed,) = made.days(1, found, first=last_day + days)
    row = closed.data_faults.row(by_predicate=(pl.col("rule") == rule) & (pl.col("subject") == subject), named=True)
    assert (row["state"], row["closed_on"]) == ("closed", at(last_day + days, 0).date())
    assert row["last_seen_at"] <= at(last_day + 1, 0), "it says when it was last seen"
    (forgotten,) = made.days(1, closed, first=last_day + days + SETTINGS.forgotten_after_days)
    assert forgotten.data_faults.filter(pl.col("rule") == rule).is_empty()
