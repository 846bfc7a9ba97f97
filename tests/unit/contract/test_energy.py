"""The energy rule, in its plain reference."""

from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given

from tests.energy_series import Vector, dirty_series, vectors
from warehouse.contract.energy import DeviceSettings, EnergyKind, Sample, increase_kwh, steps

MIDNIGHT = datetime(2026, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_vector(vector: Vector) -> None:
    samples = vector.at(MIDNIGHT)
    assert increase_kwh(samples, vector.settings) == pytest.approx(vector.expected_kwh, abs=1e-6)
    flags = [(step.ts, str(flag)) for step in steps(samples, vector.settings) for flag in step.flags]
    assert sorted(flags) == [(MIDNIGHT + timedelta(seconds=at), flag) for at, flag in vector.expected_flags]


@given(dirty_series())
def test_each_day_alone_from_one_carried_sample_books_what_the_whole_series_books(
    series: tuple[list[Sample], DeviceSettings],
) -> None:
    samples, settings = series
    total = 0.0
    carried: list[Sample] = []
    for _, group in groupby(samples, key=lambda sample: sample.ts.date()):
        day = list(group)
        total += increase_kwh([*carried, *day], settings)
        carried = day[-1:]
    assert total == pytest.approx(increase_kwh(samples, settings), abs=1e-6)


def test_an_interval_device_books_each_value_and_no_rule_applies() -> None:
    settings = DeviceSettings(energy_kind=EnergyKind.INTERVAL, max_power_kw=22)
    samples = [Sample(MIDNIGHT + timedelta(minutes=minute), kwh) for minute, kwh in enumerate([0.18, 500.0, 0.0])]
    assert increase_kwh(samples, settings) == pytest.approx(500.18)
    assert all(step.flags == () for step in steps(samples, settings))


def test_two_corrupt_rows_in_a_row_are_not_glitches() -> None:
    samples = [Sample(MIDNIGHT + timedelta(minutes=at), kwh) for at, kwh in enumerate([1000.0, 9000.0, 9000.0, 1000.2])]
    flags = [step.flags for step in steps(samples, DeviceSettings(max_power_kw=22)) if step.flags]
    assert [flag for (flag,) in flags] == ["jump", "rebase"]
