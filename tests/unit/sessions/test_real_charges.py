"""Real charges through the session rule. The files are public measurements; they are not part of this repository."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.unit.sessions.drawn import Drawn, Mapping, Register
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.session_table import is_implausible

DATA = Path(__file__).parents[4] / "shared" / "data"
FAR = datetime(2024, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real measurements are not at {DATA}")


def rows(name: str, device: str, kwh: str) -> pl.DataFrame:
    """The readings of a file: device (its id as sent), ts, kwh; rows that the API refuses are left out."""
    frame = pl.read_ndjson(gzip.decompress((DATA / name).read_bytes()), infer_schema_length=None)
    if device not in frame:
        return pl.DataFrame()
    return (
        frame.filter(pl.col(device).is_not_null(), pl.col(kwh) >= 0)
        .with_columns(ts=pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC"))
        .rename({device: "device", kwh: "kwh"})
    )


def readings(frame: pl.DataFrame, **measured: str) -> pl.DataFrame:
    numbers = frame["device"].unique().sort()
    known = {"voltage_volts": None, "soc_percent": None, "battery_temp_celsius": None}
    return frame.select(
        pl.col("device").replace_strict(numbers, range(1, len(numbers) + 1), return_dtype=pl.Int32).alias("device_id"),
        "ts",
        "kwh",
        **{
            name: pl.col(measured[name]).cast(pl.Float32) if name in measured else pl.lit(None, pl.Float32)
            for name in known
        },
    ).sort("device_id", "ts")


def test_chargers_that_report_when_a_charge_begins_and_ends_give_each_of_their_sessions() -> None:
    """Two fast chargers in a year: the next car often plugs in within minutes, and is a session of its own."""
    real = readings(rows("epfl_sessions_ac.ndjson.gz", "meterId", "kwhConsumedAc"))
    meters = {1: Register((), resolution_kwh=0.01), 2: Register((), resolution_kwh=0.01)}
    found = Drawn(meters, replaced={DeviceKind.METER: real}).found(FAR).charging_sessions
    assert found.height == 1878
    assert found["ac_kwh"].sum() == pytest.approx(60_441.9, abs=0.05)
    assert set(found["kind"]) == {"ac_only"}
    begins = real.filter(pl.int_range(pl.len()) % 2 == 0)["ts"]
    assert sorted(found["started_at"]) == sorted(begins), "each starts with the reading that said so"


def test_a_house_has_islands_that_add_up_with_its_standby() -> None:
    real = readings(rows("p1mon_min_ac.ndjson.gz", "meterId", "kwhConsumedAc"))
    ends = [datetime(2024, 2, 1, tzinfo=UTC) + timedelta(days=day) for day in range(1, 36)]
    found = Drawn({1: Register(())}, replaced={DeviceKind.METER: real}).by_parts(*ends)
    kinds = pl.concat(day.charging_sessions for day in found)["kind"]
    assert set(kinds) == {"ac_only"}
    told = pl.concat(day.daily_standby for day in found)
    energy = sum(told[name].sum() for name in ("session_kwh", "idle_kwh", "between_kwh"))
    assert found[-1].open_islands.is_empty()
    assert energy == pytest.approx(21_676.264 - 21_013.822, abs=1e-6)


def gueni(shift: timedelta = timedelta()) -> Drawn:
    """One charge at a DC charger, seen from both sides; the car's clock is set right by ``shift``."""
    name = "gueni_pair_20230516.ndjson.gz"
    charger = readings(rows(name, "meterId", "kwhConsumedAc"))
    sent = rows(name, "vehicleId", "kwhDeliveredDc")
    car = readings(sent, soc_percent="soc", battery_temp_celsius="batteryTemp").with_columns(pl.col("ts") + shift)
    register = Register((), interval_s=10)
    mappings = (Mapping(1, 1, valid_from=datetime(2023, 1, 1, tzinfo=UTC)),)
    return Drawn({1: register}, {1: register}, mappings, (), {DeviceKind.METER: charger, DeviceKind.VEHICLE: car})


def test_a_charge_seen_from_both_sides_with_a_clock_two_hours_off_is_two_islands_a_lag_apart() -> None:
    found = gueni().found(FAR).charging_sessions
    assert sorted(found["kind"]) == ["ac_only", "dc_only"]
    lag = found["ac_started_at"].drop_nulls()[0] - found["dc_started_at"].drop_nulls()[0]
    assert abs(lag - timedelta(seconds=7198)) <= timedelta(seconds=30)


def test_with_the_clock_set_right_it_is_one_session_of_a_plausible_ratio() -> None:
    session = gueni(timedelta(seconds=7198)).found(FAR).charging_sessions.row(0, named=True)
    assert session["kind"] == "charge", "its meter counts DC: what a charger in a car loses is no bound"
    assert session["ratio"] == pytest.approx(0.98, abs=0.005)
    assert (session["soc_start_percent"], session["soc_end_percent"]) == pytest.approx((86.7, 93.2), abs=0.1)
    assert 26.8 <= session["mean_battery_temp_celsius"] <= 27.8


def test_totals_of_real_charges_at_home_agree_but_for_those_that_cannot_be_true() -> None:
    charges = pl.read_csv(DATA / "leapmotor_sessions.csv", try_parse_dates=True).select(
        "car",
        "date",
        ac_kwh="ac_kwh_meter",
        dc_kwh="dc_kwh_battery",
        ac_resolution_kwh=pl.lit(0.1),
        dc_resolution_kwh=pl.lit(0.01),
        ac_mean_kw=pl.lit(None, pl.Float64),
    )
    judged = charges.with_columns(ratio=pl.col("dc_kwh") / pl.col("ac_kwh"), is_implausible=is_implausible())
    strange = judged.filter("is_implausible").select("car", "date").rows()
    assert [(car, f"{day:%m-%d}") for car, day in strange] == [("B10", "08-01"), ("B10", "07-07"), ("C10", "09-20")]
    july = judged.filter(~pl.col("is_implausible"), pl.col("date").dt.month() == 7)["ratio"]
    assert len(july) == 4
    assert july.max() - july.min() < 0.0015  # type: ignore[operator]
