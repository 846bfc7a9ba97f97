"""Which readings count: the last word on each instant, and what was received where nobody said anything."""

from datetime import UTC, datetime, timedelta

from hypothesis import given

from tests.corrected_series import CorrectedSeries, corrected_series
from warehouse.contract.corrections import INSTANT, Action, Correction, corrected
from warehouse.contract.energy import DeviceSettings, Sample, increase_kwh

NOON = datetime(2026, 2, 8, 12, tzinfo=UTC)
SAMPLES = [Sample(NOON + timedelta(minutes=minute), 100.0 + minute) for minute in range(5)]


def of(first: int, last: int, action: Action, kwh: float | None = None) -> Correction:
    """Of the samples from one place to another, both included."""
    return Correction(SAMPLES[first].ts, SAMPLES[last].ts + INSTANT, action, kwh)


def test_a_void_reading_is_left_out() -> None:
    assert corrected(SAMPLES, [of(1, 2, Action.VOID)]) == [SAMPLES[0], *SAMPLES[3:]]


def test_a_replaced_reading_shows_another_value_at_its_instant() -> None:
    counting = corrected(SAMPLES, [of(2, 2, Action.REPLACE, 101.5)])
    assert counting == [*SAMPLES[:2], Sample(SAMPLES[2].ts, 101.5), *SAMPLES[3:]]


def test_a_reading_that_is_replaced_by_nothing_at_all_is_not_left_out() -> None:
    assert corrected(SAMPLES, [of(2, 2, Action.REPLACE, 0.0)])[2] == Sample(SAMPLES[2].ts, 0.0)


def test_the_last_word_on_an_instant_counts() -> None:
    said = [of(0, 4, Action.VOID), of(2, 2, Action.REPLACE, 7.0), of(3, 3, Action.RESTORE)]
    assert corrected(SAMPLES, said) == [Sample(SAMPLES[2].ts, 7.0), SAMPLES[3]]


def test_the_end_of_a_range_is_not_in_it() -> None:
    said = [Correction(SAMPLES[1].ts, SAMPLES[3].ts, Action.VOID)]
    assert corrected(SAMPLES, said) == [SAMPLES[0], *SAMPLES[3:]]


@given(drawn=corrected_series())
def test_what_is_taken_back_leaves_nothing_behind(drawn: CorrectedSeries) -> None:
    samples, settings, said = drawn
    undone = [*said, *(each._replace(action=Action.RESTORE, kwh=None) for each in said)]
    assert corrected(samples, undone) == samples
    assert increase_kwh(corrected(samples, undone), settings) == increase_kwh(samples, settings)


@given(drawn=corrected_series())
def test_to_say_the_same_again_at_once_changes_nothing(drawn: CorrectedSeries) -> None:
    samples, _, said = drawn
    assert corrected(samples, [*said, *said[-1:]]) == corrected(samples, said)


def test_the_energy_of_a_register_without_its_false_reading() -> None:
    """A corrupt last row before a long silence is no glitch to the rule: somebody has to say that it is false."""
    silent_since = [Sample(NOON, 5000.0), Sample(NOON + timedelta(minutes=1), 60.0)]
    goes_on = Sample(NOON + timedelta(days=1), 5010.0)
    void = [Correction(silent_since[1].ts, silent_since[1].ts + INSTANT, Action.VOID)]
    settings = DeviceSettings(max_power_kw=22.0)
    booked = increase_kwh([*silent_since, goes_on], settings)
    assert booked != 10.0
    assert increase_kwh(corrected([*silent_since, goes_on], void), settings) == 10.0
