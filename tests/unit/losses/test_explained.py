"""What the rules for wrong data explain is left out, or taken off."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from warehouse.losses.explained import unexplained

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")


def sessions() -> pl.DataFrame:
    """One a day of vehicle 1 at meter 2, and of vehicle 3 at meter 4: 4 hours, 11.6 kWh."""
    rows = [
        (f"{vehicle}-{day}", vehicle, vehicle + 1, NOON + timedelta(days=day, hours=-4), NOON + timedelta(days=day))
        for vehicle in (1, 3)
        for day in range(5)
    ]
    return pl.DataFrame(
        rows,
        {
            "session_id": pl.String,
            "vehicle_id": pl.Int32,
            "meter_id": pl.Int32,
            "started_at": INSTANT,
            "ended_at": INSTANT,
        },
        orient="row",
    ).with_columns(ac_kwh=11.6, ac_hours=4.0, clock_lag_s=pl.lit(None, pl.Int32))


def fault(rule: str, *, meter: int | None = None, vehicle: int | None = None, observed: float = 0.0) -> pl.DataFrame:
    """From after the first day's session to after the third's."""
    return pl.DataFrame(
        [(rule, meter, vehicle, NOON + timedelta(hours=1), NOON + timedelta(days=2, hours=1), observed)],
        {
            "rule": pl.String,
            "meter_id": pl.Int32,
            "vehicle_id": pl.Int32,
            "onset_at": INSTANT,
            "last_seen_at": INSTANT,
            "observed": pl.Float64,
        },
        orient="row",
    )


@pytest.mark.parametrize(
    "fault", [fault("R8", vehicle=1), fault("R7", vehicle=1), fault("R6", meter=2), fault("R5", meter=2, vehicle=1)]
)
def test_sessions_since_a_fault_of_the_data_began_are_left_out(fault: pl.DataFrame) -> None:
    left = unexplained(sessions(), fault)["session_id"].to_list()
    assert left == ["1-0", "1-3", "1-4", *(f"3-{day}" for day in range(5))]


@pytest.mark.parametrize(
    ("fault", "left_out"),
    [
        (fault("R8", meter=2, vehicle=1), "1-1"),
        (fault("R7", meter=2, vehicle=1), "1-1"),
        (fault("R6", meter=2, vehicle=1), "3-1"),
    ],
)
def test_who_only_met_the_device_of_a_fault_is_still_judged(fault: pl.DataFrame, left_out: str) -> None:
    """Vehicle 1 charges at meter 4 and vehicle 3 at meter 2."""
    swapped = sessions().with_columns(meter_id=6 - pl.col("meter_id"))
    left = unexplained(swapped, fault)["session_id"].to_list()
    assert set(swapped["session_id"]) - set(left) == {left_out, left_out.replace("-1", "-2")}


def test_a_session_that_the_lag_was_taken_off_of_is_judged_unless_another_fault_explains_it() -> None:
    of_second_day = pl.when(pl.col("session_id") == "1-1").then(3900).cast(pl.Int32)
    corrected = sessions().with_columns(clock_lag_s=of_second_day)
    left = unexplained(corrected, fault("R8", vehicle=1))["session_id"].to_list()
    assert left == ["1-0", "1-1", "1-3", "1-4", *(f"3-{day}" for day in range(5))]
    for other in (fault("R7", vehicle=1), fault("R5", meter=2), fault("R6", meter=2)):
        both = pl.concat([fault("R8", vehicle=1), other])
        assert unexplained(corrected, both).equals(unexplained(corrected, other))


def test_a_leak_is_taken_off_for_as_long_as_the_session_lasted() -> None:
    left = unexplained(sessions(), fault("R4", meter=2, observed=150.0))
    assert left["ac_kwh"].to_list() == pytest.approx([11.6, 11.0, 11.0, 11.6, 11.6, *[11.6] * 5])


def test_a_silence_says_nothing_of_the_sessions_that_there_are() -> None:
    assert unexplained(sessions(), fault("R9", meter=2)).equals(sessions())
