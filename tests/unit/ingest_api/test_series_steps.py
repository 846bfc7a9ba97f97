"""Powers made of a register's steps."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_api.analytics.encoded_readings import microseconds
from ingest_api.series.grid import Grid
from ingest_api.series.steps import CLASSES, REGISTER, STEP, PowerSums, Steps, grown_steps, newest_of_each, ruled_steps
from warehouse.contract.energy import DeviceSettings, EnergyKind

START = datetime(2026, 2, 8, tzinfo=UTC)
ZERO = microseconds(START)
SETTINGS = DeviceSettings()


def grown(samples: Sequence[tuple[float, float]], settings: DeviceSettings = SETTINGS) -> Steps | None:
    """Of (seconds, kWh)."""
    return grown_steps(np.array([(ZERO + s * 1e6, kwh) for s, kwh in samples], REGISTER).tobytes(), settings)


def ruled(samples: Sequence[tuple[float, float, str]], settings: DeviceSettings = SETTINGS) -> Steps:
    """Of (seconds, booked kWh, class)."""
    rows = [(ZERO + s * 1e6, kwh, CLASSES.index(each) + 1) for s, kwh, each in samples]
    return ruled_steps(np.array(rows, STEP).tobytes(), settings)


def powers(steps: Steps | None, points: int, step_s: int = 60, until_s: float = 1e9) -> list[float | None]:
    assert steps is not None
    sums = PowerSums(Grid(START, step_s, points))
    sums.add(steps, ZERO, ZERO + int(until_s * 1e6))
    return [None if np.isnan(value) else round(float(value), 6) for value in sums.kw()]


def test_a_point_has_the_mean_power_over_its_time_whenever_the_device_reports() -> None:
    assert powers(grown([(0, 0.0), (60, 0.1), (120, 0.3)]), 3) == [6.0, 12.0, None]
    late = [(s * 60 + 7 * (s % 2), (s * 60 + 7 * (s % 2)) / 600) for s in range(6)]
    assert powers(grown(late), 4) == [6.0] * 4


def test_an_hourly_register_has_a_power_at_each_minute() -> None:
    hourly = SETTINGS._replace(expected_interval_s=3600)
    assert powers(grown([(0, 0.0), (3600, 7.2)], hourly), 60) == [7.2] * 60


def test_over_a_gap_there_is_none() -> None:
    assert powers(grown([(0, 0.0), (60, 0.1), (1020, 0.2), (1080, 0.3)]), 18) == [6.0, *[None] * 16, 6.0]
    assert powers(grown([(0, 0.0), (60, 0.1), (960, 0.2)]), 3)[1:] == [0.4, 0.4]


def test_nor_where_less_than_half_of_the_time_is_known() -> None:
    assert powers(grown([(29, 0.0), (60, 0.1)]), 2)[0] is not None
    assert powers(grown([(31, 0.0), (60, 0.1)]), 2) == [None, None]
    assert powers(grown([(7, 1.0)]), 2) == [None, None]
    assert powers(grown([]), 1) == [None]


def test_what_did_not_only_grow_takes_the_rule() -> None:
    assert grown([(0, 1.0), (60, 0.5)]) is None
    assert grown([(0, 1.0), (60, 500.0)]) is None
    assert grown([(0, 1.0)], SETTINGS._replace(energy_kind=EnergyKind.INTERVAL)) is None


def test_the_rules_steps_leave_out_what_nobody_knows_and_mark_what_a_person_should_see() -> None:
    steps = ruled(
        [
            (0, 0.0, "first"),
            (60, 0.1, "growth"),
            (120, 0.0, "glitch"),
            (180, 0.2, "growth"),
            (240, 0.0, "jump"),
            (300, 0.1, "reset"),
            (360, -0.01, "dip"),
        ]
    )
    assert powers(steps, 6) == [6.0, 6.0, 6.0, None, 6.0, -0.6]
    assert [((us - ZERO) // 1_000_000, flag) for us, flag in steps.marks] == [
        (120, "glitch"),
        (240, "jump"),
        (300, "reset"),
    ]


def test_one_device_counts_after_the_other() -> None:
    sums = PowerSums(Grid(START, 60, 4))
    first, second = grown([(0, 0.0), (240, 0.4)]), grown([(0, 0.0), (240, 0.8)])
    assert first
    assert second
    sums.add(first, ZERO, ZERO + 120_000_000)
    sums.add(second, ZERO + 120_000_000, ZERO + 240_000_000)
    assert sums.kw().tolist() == pytest.approx([6.0, 6.0, 12.0, 12.0])


@given(
    st.lists(st.tuples(st.integers(1, 900), st.floats(0, 1)), min_size=1, max_size=60), st.sampled_from([60, 300, 3600])
)
def test_energy_is_conserved_where_all_is_known(steps: list[tuple[int, float]], step_s: int) -> None:
    ends, registers = np.cumsum([s for s, _ in steps]), np.cumsum([kwh for _, kwh in steps])
    found = grown([(0.0, 0.0), *zip(ends.tolist(), registers.tolist(), strict=True)])
    assert found is not None
    points = -(-int(ends[-1]) // step_s)
    sums = PowerSums(Grid(START, step_s, points))
    sums.add(found, ZERO, ZERO + points * step_s * 1_000_000)
    assert sums._kwh.sum() == pytest.approx(registers[-1])


def test_of_each_point_the_newest_reading_is_found() -> None:
    us = ZERO + np.array([-1, 0, 59, 60, 180, 181, 240]) * 1_000_000
    points, newest = newest_of_each(Grid(START, 60, 4), us)
    assert points.tolist() == [0, 1, 3]
    assert ((newest - ZERO) // 1_000_000).tolist() == [59, 60, 181]
    nothing, _ = newest_of_each(Grid(START + timedelta(days=1), 60, 4), us)
    assert nothing.tolist() == []
