"""The energy rule, in its plain reference."""

from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given

from tests.energy_series import CONTRACT, Vector, dirty_series, read_vectors, vectors
from warehouse.contract.energy import DeviceSettings, EnergyKind, Flag, Sample, increase_kwh, steps

MIDNIGHT = datetime(2026, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_vector(vector: Vector) -> None:
    samples = vector.at(MIDNIGHT)
    assert increase_kwh(samples, vector.settings) == pytest.approx(vector.expected_kwh, abs=1e-6)
    flags = [(step.ts, str(flag)) for step in steps(samples, vector.settings) for flag in step.flags]
    assert sorted(flags) == [(MIDNIGHT + timedelta(seconds=at), flag) for at, flag in vector.expected_flags]


@given(dirty_series())
def test_each_day_alone_from_one_boundary_sample_books_what_the_whole_series_books(
    series: tuple[list[Sample], DeviceSettings],
) -> None:
    samples, settings = series
    total = 0.0
    boundary: list[Sample] = []
    for _, group in groupby(samples, key=lambda sample: sample.ts.date()):
        day = list(group)
        total += increase_kwh([*boundary, *day], settings)
        boundary = day[-1:]
    assert total == pytest.approx(increase_kwh(samples, settings), abs=1e-6)


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_no_step_of_a_vector_is_negative_but_a_dip(vector: Vector) -> None:
    negative = [step for step in steps(vector.at(MIDNIGHT), vector.settings) if step.kwh < 0]
    assert all(Flag.DIP in step.flags for step in negative), negative


@given(dirty_series())
def test_no_step_is_negative_but_a_dip_whatever_the_dirt(series: tuple[list[Sample], DeviceSettings]) -> None:
    negative = [step for step in steps(*series) if step.kwh < 0]
    assert all(Flag.DIP in step.flags for step in negative), negative


def test_an_interval_device_books_each_value_and_no_rule_applies() -> None:
    settings = DeviceSettings(energy_kind=EnergyKind.INTERVAL, max_power_kw=22, rollover_kwh=100)
    samples = [Sample(MIDNIGHT + timedelta(minutes=minute), kwh) for minute, kwh in enumerate([0.18, 500.0, 0.0])]
    assert increase_kwh(samples, settings) == pytest.approx(500.18)
    assert all(step.flags == () for step in steps(samples, settings))


def test_the_project_has_the_vectors_of_the_contract() -> None:
    if not CONTRACT.exists():
        pytest.skip(f"the contract is not beside this project: no {CONTRACT}")
    ours = {vector.name: vector for vector in vectors()}
    for vector in read_vectors(CONTRACT):
        assert ours[vector.name] == vector


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("corrupt_kwh", [0.0, 500.0, 9000.0])
def test_a_run_of_equal_rows_changes_nothing_but_flags(length: int, corrupt_kwh: float) -> None:
    device = DeviceSettings(max_power_kw=22)
    register = [1000 + minute * 0.1 for minute in range(20)]
    clean = [Sample(MIDNIGHT + timedelta(minutes=minute), kwh) for minute, kwh in enumerate(register)]
    for first in range(1, 20 - length):
        run = range(first, first + length)
        dirty = [Sample(ts, corrupt_kwh if minute in run else kwh) for minute, (ts, kwh) in enumerate(clean)]
        assert increase_kwh(dirty, device) == pytest.approx(increase_kwh(clean, device), abs=1e-6)
        flagged = {step.ts: step.flags for step in steps(dirty, device) if step.flags}
        good_behind = clean[first + length].ts
        assert flagged.keys() - {good_behind} == {clean[minute].ts for minute in run}
        assert set(flagged.values()) == {(Flag.GLITCH,)}


@pytest.mark.parametrize("length", [2, 3, 4])
def test_rows_that_differ_are_a_register_that_counts_on(length: int) -> None:
    register = [1000.0, *(9000 + place * 0.1 for place in range(length)), 1000.2]
    samples = [Sample(MIDNIGHT + timedelta(minutes=minute), kwh) for minute, kwh in enumerate(register)]
    flags = [step.flags for step in steps(samples, DeviceSettings(max_power_kw=22)) if step.flags]
    assert flags == [(Flag.JUMP,), (Flag.REBASE,)]
