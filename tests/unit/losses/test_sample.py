"""The sample of losses, held to values computed by hand."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from warehouse.losses.sample import (
    FLEET_TEMPERATURES,
    fleet_temperatures,
    regressors,
    sample,
    temperatures_of_sample,
)
from warehouse.sessions.schemas import CHARGING_SESSIONS

NONE_KNOWN = pl.DataFrame(schema=FLEET_TEMPERATURES)


def sessions(*rows: dict[str, Any]) -> pl.DataFrame:
    """11.6 kWh in 4 hours for 10 kWh in the battery at 12 C, but for what is said."""
    usual = {
        "kind": "charge",
        "vehicle_id": 1,
        "meter_id": 2,
        "started_at": datetime(2026, 3, 9, 20, tzinfo=UTC),
        "ended_at": datetime(2026, 3, 10, 0, tzinfo=UTC),
        "ac_kwh": 11.6,
        "dc_kwh": 10.0,
        "ac_hours": 4.0,
        "mean_battery_temp_celsius": 12.0,
        "is_qualified": True,
        "ac_resolution_kwh": 0.001,
        "dc_resolution_kwh": 0.1,
    }
    schema = {**CHARGING_SESSIONS, "ac_resolution_kwh": pl.Float64(), "dc_resolution_kwh": pl.Float64()}
    return pl.DataFrame(
        [{"session_id": f"meter-2-{number}", **usual, **row} for number, row in enumerate(rows)], schema=schema
    ).with_columns(day=pl.col("ended_at").dt.date())


def on(day: int, **row: Any) -> dict[str, Any]:
    return {"ended_at": datetime(2026, 3, day, 12, tzinfo=UTC), **row}


def test_a_session_tells_its_loss_and_what_it_depends_on() -> None:
    row = sample(sessions({}), NONE_KNOWN).row(0, named=True)
    assert row["loss_ratio"] == pytest.approx(0.16)
    assert row["hours_per_kwh"] == pytest.approx(0.4)
    assert row["battery_celsius"] == 12.0
    assert row["temperature_source"] == "own"


def test_the_variance_is_that_of_both_registers_steps() -> None:
    variance = sample(sessions({}), NONE_KNOWN)["variance"][0]
    assert variance == pytest.approx((0.001**2 + 1.16**2 * 0.1**2) / (6 * 10**2))


def test_the_cold_counts_from_each_knee_on() -> None:
    rows = sample(
        sessions(on(1), on(2, mean_battery_temp_celsius=3.0), on(3, mean_battery_temp_celsius=20.0)), NONE_KNOWN
    )
    np.testing.assert_allclose(
        regressors(rows), [[1, 0.4, 0.4 * 6, 0, 0], [1, 0.4, 0.4 * 15, 0.4 * 5, 0], [1, 0.4, 0, 0, 0]], rtol=1e-12
    )


def test_a_heater_counts_by_how_cold_the_fleets_batteries_are_and_not_by_the_own_one() -> None:
    known = pl.DataFrame([(date(2026, 3, 1), 3.0), (date(2026, 3, 2), 9.0)], FLEET_TEMPERATURES, orient="row")
    rows = sample(sessions(on(1, mean_battery_temp_celsius=20.0), on(2, mean_battery_temp_celsius=20.0)), known)
    assert rows["weather_celsius"].to_list() == [3.0, 9.0]
    np.testing.assert_allclose(regressors(rows), [[1, 0.4, 0, 0, 5 / 10], [1, 0.4, 0, 0, 0]])


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "ac_only", "is_qualified": False},
        {"is_qualified": False},
        {"kind": "implausible", "is_qualified": False},
        {"meter_id": None},
    ],
)
def test_what_tells_nothing_of_a_pairs_loss_is_left_out(row: dict[str, Any]) -> None:
    assert sample(sessions(row), NONE_KNOWN).height == 0


def test_the_fleets_temperature_is_the_median_of_the_day() -> None:
    told = sessions(
        *(on(1, mean_battery_temp_celsius=celsius) for celsius in (2.0, 4.0, 9.0)),
        on(2, mean_battery_temp_celsius=None),
        on(3, mean_battery_temp_celsius=11.0),
    )
    assert fleet_temperatures(told).rows() == [(date(2026, 3, 1), 4.0), (date(2026, 3, 3), 11.0)]


def test_the_temperatures_of_a_sample_are_those_that_its_sessions_told_and_not_what_was_borrowed() -> None:
    told = sessions(*(on(day, mean_battery_temp_celsius=celsius) for day, celsius in ((1, 4.0), (1, None), (2, 9.0))))
    temperatures = fleet_temperatures(told)
    rows = sample(told, temperatures)
    assert rows["temperature_source"].to_list() == ["own", "fleet", "own"]
    assert temperatures_of_sample(rows).equals(temperatures)


def test_a_vehicle_without_a_sensor_borrows_the_fleets_temperature_and_is_less_sure() -> None:
    known = pl.DataFrame([(date(2026, 3, 9), 1.0), (date(2026, 3, 10), 5.0)], FLEET_TEMPERATURES, orient="row")
    row = sample(sessions({"mean_battery_temp_celsius": None, "dc_resolution_kwh": 0.001}), known).row(0, named=True)
    assert (row["battery_celsius"], row["temperature_source"]) == (5.0, "fleet")
    assert row["variance"] == pytest.approx((0.06 * 0.4) ** 2 + (1 + 1.16**2) * 0.001**2 / 600)


def test_a_day_without_any_sensor_borrows_from_the_seven_days_before() -> None:
    days = [(date(2026, 3, 2), -20.0), (date(2026, 3, 3), 1.0), (date(2026, 3, 8), 2.0), (date(2026, 3, 9), 7.0)]
    known = pl.DataFrame([*days, (date(2026, 3, 11), 30.0)], FLEET_TEMPERATURES, orient="row")
    rows = sample(sessions({"mean_battery_temp_celsius": None}), known)
    assert rows["battery_celsius"].to_list() == [2.0]


def test_without_any_temperature_the_cold_is_left_out_and_the_loss_less_sure() -> None:
    rows = sample(sessions({"mean_battery_temp_celsius": None, "dc_resolution_kwh": 0.001}), NONE_KNOWN)
    assert rows["battery_celsius"].to_list() == [None]
    assert rows["temperature_source"].to_list() == ["none"]
    assert rows["variance"][0] == pytest.approx(0.02**2 + (1 + 1.16**2) * 0.001**2 / 600)
    np.testing.assert_allclose(regressors(rows), [[1, 0.4, 0, 0, 0]])


def test_rows_are_ordered_by_pair_and_time_however_they_come() -> None:
    told = sessions(on(3), on(1), on(2, vehicle_id=0))
    rows = sample(told, NONE_KNOWN)
    assert rows.select("vehicle_id", pl.col("day").dt.day()).rows() == [(0, 2), (1, 1), (1, 3)]
    assert rows.equals(sample(told.reverse(), NONE_KNOWN))
