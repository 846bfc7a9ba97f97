"""The hourly step is the energy rule: the vectors, the reference on dirty series, and energy that is conserved."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from tests.energy_series import Vector, dirty_series, vectors
from warehouse.contract.energy import DeviceSettings, EnergyKind, Flag, Sample, increase_kwh, steps
from warehouse.lake.hourly_energy import (
    SAMPLES,
    changes_of_the_day,
    classified_steps,
    cut_at_changes,
    device_last,
    flagged_steps,
    hourly_energy,
    with_segment,
)
from warehouse.lake.plain_growth import hours_of_growth

MIDNIGHT = datetime(2026, 2, 8, tzinfo=UTC)


def frame(samples: Iterable[Sample], device_id: int = 1) -> pl.LazyFrame:
    rows = [(device_id, sample.ts, sample.kwh, None) for sample in sorted(set(samples))]
    return pl.LazyFrame(rows, schema=SAMPLES, orient="row")


def devices(settings_of: DeviceSettings, device_id: int = 1) -> pl.LazyFrame:
    return pl.LazyFrame(
        {
            "device_id": [device_id],
            "energy_kind": [str(settings_of.energy_kind)],
            "max_power_kw": [settings_of.max_power_kw],
            "rollover_kwh": [settings_of.rollover_kwh],
            "max_reset_kwh": [settings_of.max_reset_kwh],
            "expected_interval_s": [settings_of.expected_interval_s],
        },
        schema={
            "device_id": pl.Int32,
            "energy_kind": pl.String,
            "max_power_kw": pl.Float64,
            "rollover_kwh": pl.Float64,
            "max_reset_kwh": pl.Float64,
            "expected_interval_s": pl.Int32,
        },
    )


def hours_of(
    day: Sequence[Sample],
    boundary: Iterable[Sample],
    device: DeviceSettings,
    mapping_changes: Sequence[datetime] = (),
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The hourly sums and the flagged steps of one device's day."""
    cuts = pl.DataFrame(
        {"device_id": [1] * len(mapping_changes), "ts": list(mapping_changes)},
        schema={"device_id": pl.Int32, "ts": pl.Datetime("us", "UTC")},
    )
    before = frame(boundary).select("device_id", "ts", "kwh")
    settings_of_all = with_segment(devices(device), cuts, day[0].ts.date())
    classified = cut_at_changes(
        classified_steps(frame(day), before, settings_of_all), changes_of_the_day(cuts, day[0].ts.date())
    )
    hours, flagged, fast = pl.collect_all(
        [
            hourly_energy(classified, "meter").sort("hour", "segment_from"),
            flagged_steps(classified, "meter").sort("ts", "flag"),
            hours_of_growth(frame(day), before, settings_of_all, "meter"),
        ]
    )
    _expect_the_same_by_the_fast_path(fast, hours)
    return hours, flagged


def _expect_the_same_by_the_fast_path(fast: pl.DataFrame, by_rule: pl.DataFrame) -> None:
    """A device is plain only where the rule finds nothing, and then its hours are the rule's."""
    plain = fast.filter("is_plain").sort("hour")
    if plain.is_empty():
        return
    assert plain.height == fast.height
    assert by_rule.select(f"{flag}_count" for flag in Flag).sum().row(0) == (0,) * len(Flag)
    if by_rule["segment_from"].n_unique() == 1:
        assert_frame_equal(plain.drop("is_plain"), by_rule, abs_tol=1e-6)


def by_days(samples: Iterable[Sample]) -> list[list[Sample]]:
    return [list(group) for _, group in groupby(sorted(set(samples)), key=lambda sample: sample.ts.date())]


def day_by_day(samples: Iterable[Sample], device: DeviceSettings) -> tuple[float, Counter[tuple[datetime, str]]]:
    """Each day alone, from its own samples and one boundary sample."""
    total, flags = 0.0, Counter[tuple[datetime, str]]()
    boundary: list[Sample] = []
    for day in by_days(samples):
        hours, flagged = hours_of(day, boundary, device)
        assert hours["reading_count"].sum() == len(day)
        assert set(flagged.filter(pl.col("energy_kwh") < 0)["flag"]) <= {"dip", "gap"}
        assert hours.filter(pl.col("energy_kwh") < 0, pl.col("dip_count") == 0).is_empty()
        total += float(hours["energy_kwh"].sum())
        flags.update(zip(flagged["ts"], flagged["flag"], strict=True))
        boundary = day[-1:]
    return total, flags


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_vector(vector: Vector) -> None:
    total, flags = day_by_day(vector.at(MIDNIGHT), vector.settings)
    assert total == pytest.approx(vector.expected_kwh, abs=1e-6)
    assert flags == Counter((MIDNIGHT + timedelta(seconds=at), flag) for at, flag in vector.expected_flags)


@settings(max_examples=12)
@given(dirty_series())
def test_hours_add_up_to_the_increase_of_the_whole_series_whatever_the_dirt(
    series: tuple[list[Sample], DeviceSettings],
) -> None:
    samples, device = series
    total, flags = day_by_day(samples, device)
    assert total == pytest.approx(increase_kwh(samples, device), abs=1e-6)
    assert flags == Counter((step.ts, str(flag)) for step in steps(samples, device) for flag in step.flags)


@settings(max_examples=6)
@given(dirty_series())
def test_each_hour_books_the_steps_that_end_in_it(series: tuple[list[Sample], DeviceSettings]) -> None:
    samples, device = series
    for day in by_days(samples)[:1]:
        hours, _ = hours_of(day, [], device)
        booked: Counter[datetime] = Counter()
        for step in steps(day, device):
            booked[step.ts.replace(minute=0, second=0, microsecond=0)] += step.kwh  # type: ignore[assignment]
        for hour, energy_kwh in zip(hours["hour"], hours["energy_kwh"], strict=True):
            assert energy_kwh == pytest.approx(booked[hour], abs=1e-6)


def test_a_mapping_change_at_half_past_twelve_cuts_the_hour_and_conserves_the_energy() -> None:
    day = [Sample(MIDNIGHT + timedelta(hours=12, minutes=minute), 100 + minute * 0.1) for minute in range(60)]
    change = MIDNIGHT + timedelta(hours=12, minutes=30)
    hours, _ = hours_of(day, [], DeviceSettings(), [change])
    assert hours["segment_from"].to_list() == [datetime(1970, 1, 1, tzinfo=UTC), change]
    # The step 12:29 -> 12:30 belongs to the mapping that holds at its later sample.
    assert hours["energy_kwh"].to_list() == pytest.approx([2.9, 3.0])
    assert hours["energy_kwh"].sum() == pytest.approx(increase_kwh(day, DeviceSettings()))


def test_a_silent_night_is_booked_on_the_day_it_ends() -> None:
    boundary = [Sample(MIDNIGHT - timedelta(days=3), 100.0)]
    hours, flagged = hours_of([Sample(MIDNIGHT + timedelta(hours=7), 130.0)], boundary, DeviceSettings())
    assert (hours["hour"].to_list(), hours["energy_kwh"].to_list()) == ([MIDNIGHT + timedelta(hours=7)], [30.0])
    assert flagged.select("before_ts", "before_kwh", "flag").rows() == [(boundary[0].ts, 100.0, "gap")]


@pytest.mark.parametrize(
    ("device", "register", "is_plain"),
    [
        (DeviceSettings(max_power_kw=22), [10.0, 10.0, 10.3], True),
        (DeviceSettings(max_power_kw=None), [10.0, 9e8], True),
        (DeviceSettings(max_power_kw=22), [10.0, 9.99], False),  # a dip
        (DeviceSettings(max_power_kw=22), [10.0, 90.0], False),  # a jump
        (DeviceSettings(expected_interval_s=3), [10.0, 10.1], False),  # a gap
        (DeviceSettings(energy_kind=EnergyKind.INTERVAL), [0.1, 0.1], False),
    ],
)
def test_only_a_register_that_just_grew_is_plain(device: DeviceSettings, register: list[float], is_plain: bool) -> None:
    day = [Sample(MIDNIGHT + timedelta(minutes=minute), kwh) for minute, kwh in enumerate(register)]
    of_device = with_segment(devices(device), boundaries_of_nobody(), MIDNIGHT.date())
    nobody = frame([]).select("device_id", "ts", "kwh")
    assert hours_of_growth(frame(day), nobody, of_device, "meter").collect()["is_plain"].to_list() == [is_plain]
    # The step from the day before counts as any other.
    boundary = frame(day[:1]).select("device_id", "ts", "kwh")
    into_the_day = hours_of_growth(frame(day[1:]), boundary, of_device, "meter").collect()
    assert into_the_day["is_plain"].to_list()[0] is is_plain


def test_an_interval_device_books_each_value() -> None:
    day = [Sample(MIDNIGHT + timedelta(minutes=minute), kwh) for minute, kwh in enumerate([0.18, 500.0, 0.0])]
    interval = DeviceSettings(energy_kind=EnergyKind.INTERVAL, max_power_kw=22, rollover_kwh=100)
    hours, flagged = hours_of(day, [], interval)
    assert (hours["energy_kwh"].to_list(), flagged.height) == ([500.18], 0)


def test_devices_do_not_touch_each_other() -> None:
    first = frame([Sample(MIDNIGHT + timedelta(minutes=minute), 100.0 + minute) for minute in range(3)])
    second = frame([Sample(MIDNIGHT + timedelta(minutes=minute), 5.0 + minute) for minute in range(3)], device_id=2)
    both = pl.concat([devices(DeviceSettings()), devices(DeviceSettings(), device_id=2)])
    nobody = frame([]).select("device_id", "ts", "kwh")
    samples = pl.concat([first, second])
    both = with_segment(both, boundaries_of_nobody(), MIDNIGHT.date())
    hours = hourly_energy(classified_steps(samples, nobody, both), "meter").sort("device_id").collect()
    assert_frame_equal(hours_of_growth(samples, nobody, both, "meter").collect().drop("is_plain"), hours)
    assert hours.select("device_id", "energy_kwh").rows() == [(1, 2.0), (2, 2.0)]


def boundaries_of_nobody() -> pl.DataFrame:
    return pl.DataFrame(schema={"device_id": pl.Int32, "ts": pl.Datetime("us", "UTC")})


def test_the_last_sample_of_each_device() -> None:
    samples = pl.concat(
        [
            frame([Sample(MIDNIGHT, 1.0), Sample(MIDNIGHT + timedelta(hours=1), 2.0)]),
            frame([Sample(MIDNIGHT, 7.0)], device_id=2),
        ]
    )
    last = device_last(samples, "meter").collect()
    assert last.rows() == [("meter", 1, MIDNIGHT + timedelta(hours=1), 2.0), ("meter", 2, MIDNIGHT, 7.0)]
