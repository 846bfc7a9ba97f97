"""A loss, a meter that reads high and a vehicle's register that reads low are told apart, or it is said why not."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.losses.made_sessions import Pair
from warehouse.losses.which_register import Cause, RegisterVerdict, Why, which_register

MINUTE_S = 60.0


def verdict(pair: Pair, interval_s: float = MINUTE_S) -> RegisterVerdict:
    return which_register(pair.sessions(), pair.onset, interval_s)


def with_fault(pair: Pair, name: str, d: float) -> Pair:
    return {
        "loss": replace(pair, loss=d),
        "meter": replace(pair, meter=d),
        "register": replace(pair, register=d),
    }[name]


@pytest.mark.parametrize("has_voltage", [True, False])
@pytest.mark.parametrize("d", [0.035, 0.08])
@pytest.mark.parametrize(
    ("name", "cause"),
    [("loss", Cause.CHARGER_OR_CAR), ("meter", Cause.METER_HIGH), ("register", Cause.DC_REGISTER_LOW)],
)
def test_each_cause_is_told_after_ten_sessions(name: str, cause: Cause, d: float, *, has_voltage: bool) -> None:
    for seed in range(10):
        found = verdict(with_fault(Pair(seed=seed, has_voltage=has_voltage), name, d))
        assert (found.cause, found.why) == (cause, None), seed
        assert found.probability == found.probabilities[cause] >= 0.9
        assert sum(found.probabilities.values()) <= 1
        assert found.session_count == (20, 10)
        shift, sigma = found.shifts["energy"]
        assert abs(shift - d) < 3 * sigma
        assert ("ac_power" in found.shifts) == has_voltage


@pytest.mark.parametrize(
    ("pair", "interval_s", "why"),
    [
        (Pair(loss=0.08, after=3), MINUTE_S, Why.FEW_SESSIONS),
        (Pair(loss=0.08, before=7), MINUTE_S, Why.FEW_SESSIONS),
        (Pair(loss=0.08), 15 * MINUTE_S, Why.RARE_READINGS),
        (Pair(loss=0.08, hours=0.6), MINUTE_S, Why.SHORT_PLATEAUS),
    ],
)
def test_nothing_is_told_where_it_cannot_be(pair: Pair, interval_s: float, why: Why) -> None:
    found = verdict(pair, interval_s)
    assert (found.cause, found.why, found.probability) == (Cause.UNDECIDED, why, 0.0)


def test_five_minutes_and_plateaus_of_twenty_minutes_are_enough() -> None:
    assert verdict(Pair(meter=0.06, hours=0.7), 5 * MINUTE_S).cause is Cause.METER_HIGH


def test_behind_a_dc_charger_only_the_vehicles_register_is_told() -> None:
    fast = Pair(charger_kw=50.0, hours=0.8, is_dc_charger=True)
    for name in ("loss", "meter"):
        found = verdict(with_fault(fast, name, 0.06))
        assert (found.cause, found.why) == (Cause.UNDECIDED, Why.DC_CHARGER)
        assert found.probabilities[Cause.CHARGER_OR_CAR] == pytest.approx(found.probabilities[Cause.METER_HIGH])
    assert verdict(replace(fast, register=0.06)).cause is Cause.DC_REGISTER_LOW


def test_where_the_set_point_was_changed_as_well_a_loss_is_not_taken_for_a_meter() -> None:
    for seed in range(10):
        found = verdict(Pair(loss=0.05, power_changed=-0.36, seed=seed))
        assert found.cause is Cause.UNDECIDED
        assert found.why is Why.UNCLEAR
        assert found.probabilities[Cause.DC_REGISTER_LOW] < 0.05


def test_what_the_weather_explains_is_no_shift() -> None:
    """In the cold the car takes more: expected losses take it out of energy and power."""
    pair = Pair(loss=0.06)
    expected = np.full(30, 1 / 0.89 - 1)
    expected[20:] = np.exp(0.06) / 0.89 - 1
    shifts = which_register(pair.sessions(), pair.onset, MINUTE_S, expected).shifts
    for name in ("energy", "dc_power"):
        shift, sigma = shifts[name]
        assert abs(shift) < 3 * sigma, name


def test_a_few_sessions_that_are_far_off_do_not_decide() -> None:
    pair = Pair(loss=0.05)
    sessions = pair.sessions()
    wrong = np.ones(30)
    wrong[[3, 11, 24]] = 0.6, 0.5, 0.55
    limited = sessions.with_columns(
        ac_plateau_kw=sessions["ac_plateau_kw"] * wrong, dc_plateau_kw=sessions["dc_plateau_kw"] * wrong
    )
    assert which_register(limited, pair.onset, MINUTE_S).cause is Cause.CHARGER_OR_CAR
