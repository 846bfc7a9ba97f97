"""The fast path of a window takes only what the energy rule would book, and books the same."""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_api.analytics.window_growth import Segment, sum_growth
from tests.energy_series import dirty_series
from warehouse.contract.energy import DeviceSettings, EnergyKind, Flag, Sample, steps

START = datetime(2026, 2, 8, tzinfo=UTC)
END = START + timedelta(days=7)
MINUTE = timedelta(minutes=1)


def encoded(samples: Iterable[Sample], temperature: float = float("nan")) -> bytes:
    """As PostgreSQL sends them: microseconds since 2000, kWh, Celsius."""
    since_2000 = [(sample.ts - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for sample in samples]
    return b"".join(
        struct.pack(">qdf", us, sample.kwh, temperature) for us, sample in zip(since_2000, samples, strict=True)
    )


def segment(
    device: DeviceSettings, counts_from: datetime = START, counts_to: datetime = END, side: str = "dc"
) -> Segment:
    return Segment(side=side, device_id=1, settings=device, counts_from=counts_from, counts_to=counts_to)


def growing(*kwh: float) -> list[Sample]:
    return [Sample(START + number * MINUTE, each) for number, each in enumerate(kwh)]


@given(
    series=dirty_series(START),
    bounds=st.tuples(*[st.integers(0, 7 * 1440)] * 2).map(sorted),
)
def test_what_it_takes_is_what_the_rule_books(
    series: tuple[list[Sample], DeviceSettings], bounds: tuple[int, int]
) -> None:
    samples, device = series
    samples = [sample for sample in samples if sample.ts < END]
    begin, end = (START + minutes * MINUTE for minutes in bounds)
    sides = sum_growth([segment(device, begin, end)], {("dc", 1): encoded(samples) or None})
    booked = steps(samples, device)
    only_grew = all(step.kwh >= 0 and set(step.flags) <= {Flag.GAP} for step in booked)
    if sides is None:
        assert not only_grew
        return
    assert only_grew
    counted = [sample for sample in samples if begin <= sample.ts < end]
    inside = [step for step in booked if begin <= step.ts < end]
    if not counted:
        assert sides == {}
        return
    assert sides["dc"]["energy_kwh"] == pytest.approx(sum(step.kwh for step in inside), abs=1e-6)
    assert sides["dc"]["covered_seconds"] == len(counted) * device.expected_interval_s
    assert sides["dc"]["gap"] == sum(len(step.flags) for step in inside)


def test_segments_of_a_side_add_up_and_each_step_is_in_one() -> None:
    device = DeviceSettings()
    noon = START + 2 * MINUTE
    segments = [segment(device, START, noon), segment(device, noon, END), segment(device, side="ac")]
    sides = sum_growth(
        segments, {("dc", 1): encoded(growing(1, 1.25, 1.75, 2), temperature=20.5), ("ac", 1): encoded(growing(1, 3))}
    )
    assert sides == {
        "dc": {"energy_kwh": 1.0, "covered_seconds": 240.0, "avg_battery_temp_celsius": 20.5, "gap": 0},
        "ac": {"energy_kwh": 2.0, "covered_seconds": 120.0, "avg_battery_temp_celsius": None, "gap": 0},
    }


def test_a_missing_temperature_is_left_out_of_the_mean() -> None:
    readings = encoded(growing(1), temperature=20) + encoded(growing(1, 1)[1:]) + encoded(growing(1, 1, 1)[2:], 30)
    sides = sum_growth([segment(DeviceSettings())], {("dc", 1): readings})
    assert sides is not None
    assert sides["dc"]["avg_battery_temp_celsius"] == 25.0


@pytest.mark.parametrize(
    ("samples", "device"),
    [
        (growing(2, 1.999), DeviceSettings()),
        (growing(2, 100), DeviceSettings(max_power_kw=22)),
        (growing(2, 3), DeviceSettings(energy_kind=EnergyKind.INTERVAL)),
    ],
    ids=["a step back", "more than the device can", "no counter"],
)
def test_the_rest_is_left_to_the_rule(samples: list[Sample], device: DeviceSettings) -> None:
    assert sum_growth([segment(device)], {("dc", 1): encoded(samples)}) is None


def test_without_readings_a_side_is_missing() -> None:
    assert sum_growth([segment(DeviceSettings())], {("dc", 1): None}) == {}
