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


def expect_of_a_meter_alone(sessions: pl.DataFrame) -> None:
    """What no mapping names gives sessions that belong to no vehicle, and are no ground for any statement on a loss."""
    assert sessions.height > 0
    assert set(sessions["kind"]) == {"ac_only"}
    assert sessions["vehicle_id"].is_null().all()
    assert sessions["dc_kwh"].is_null().all()
    assert sessions["efficiency_ratio"].is_null().all()
    assert not sessions["is_qualified"].any()


def test_an_inverter_that_reports_each_five_minutes_has_a_session_a_day_that_belongs_to_nobody() -> None:
    real = readings(rows("sma_5min_ac.ndjson.gz", "meterId", "kwhConsumedAc"), voltage_volts="voltage")
    found = Drawn({1: Register((), interval_s=300)}, replaced={DeviceKind.METER: real}).found(FAR.replace(year=2026))
    expect_of_a_meter_alone(found.charging_sessions)
    told = found.daily_standby.row(0, named=True)
    gained = real["kwh"].max() - real["kwh"].min()  # type: ignore[operator]
    assert told["session_kwh"] + told["idle_kwh"] + told["between_kwh"] == pytest.approx(gained, abs=1e-6)
    assert told["session_kwh"] == pytest.approx(found.charging_sessions["ac_kwh"].sum(), abs=1e-6)
    days = found.charging_sessions["ac_started_at"].dt.date()
    assert days.n_unique() == 14, "the sun rises each day"
    assert 200 <= found.charging_sessions["mean_voltage_volts"].drop_nulls().mean() <= 250  # type: ignore[operator]


@pytest.mark.long
def test_a_house_has_islands_that_add_up_with_its_standby() -> None:
    real = readings(rows("p1mon_min_ac.ndjson.gz", "meterId", "kwhConsumedAc"))
    ends = [datetime(2024, 2, 1, tzinfo=UTC) + timedelta(days=day) for day in range(1, 36)]
    found = Drawn({1: Register(())}, replaced={DeviceKind.METER: real}).by_parts(*ends)
    expect_of_a_meter_alone(pl.concat(day.charging_sessions for day in found))
    told = pl.concat(day.daily_standby for day in found)
    energy = sum(told[name].sum() for name in ("session_kwh", "idle_kwh", "between_kwh"))
    assert found[-1].open_islands.is_empty()
    assert energy == pytest.approx(21_676.264 - 21_013.822, abs=1e-6)


LAG = timedelta(seconds=7198)
"""How far the clock of the car is behind that of the charger."""


def gueni(shift: timedelta = timedelta(), days: int = 1) -> Drawn:
    """One charge at a DC charger, seen from both sides, on so many days; the car's clock is set right by ``shift``."""
    name = "gueni_pair_20230516.ndjson.gz"
    charger = readings(rows(name, "meterId", "kwhConsumedAc"))
    sent = rows(name, "vehicleId", "kwhDeliveredDc")
    car = readings(sent, soc_percent="soc", battery_temp_celsius="batteryTemp").with_columns(pl.col("ts") + shift)
    register = Register((), interval_s=10)
    mappings = (Mapping(1, 1, valid_from=datetime(2023, 1, 1, tzinfo=UTC)),)
    read = {kind: repeated(each, days) for kind, each in ((DeviceKind.METER, charger), (DeviceKind.VEHICLE, car))}
    return Drawn({1: register}, {1: register}, mappings, (), read)


def repeated(once: pl.DataFrame, days: int) -> pl.DataFrame:
    """The readings of one device on so many days; the register counts on."""
    gained = once["kwh"][-1] - once["kwh"][0]
    return pl.concat(
        once.with_columns(pl.col("ts") + timedelta(days=day), pl.col("kwh") + day * gained) for day in range(days)
    )


def test_a_charge_seen_from_both_sides_with_a_clock_two_hours_off_is_two_islands_a_lag_apart() -> None:
    found = gueni().found(FAR).charging_sessions
    assert sorted(found["kind"]) == ["ac_only", "dc_only"]
    lag = found["ac_started_at"].drop_nulls()[0] - found["dc_started_at"].drop_nulls()[0]
    assert abs(lag - LAG) <= timedelta(seconds=30)
    ends = found["ac_ended_at"].drop_nulls()[0] - found["dc_ended_at"].drop_nulls()[0]
    assert abs(ends - LAG) <= timedelta(seconds=30)
    assert found["efficiency_ratio"].is_null().all(), "neither an efficiency of 0 nor one of its own day"


def test_the_same_charge_on_six_days_is_a_lag_apart_on_each_and_six_sessions_with_the_clock_set_right() -> None:
    """The readings end with the charge: its end is known from those of the next day, or after 36 h of silence."""
    ends = [datetime(2023, 5, 17, tzinfo=UTC) + timedelta(days=day) for day in range(8)]
    found = pl.concat(day.charging_sessions for day in gueni(days=6).by_parts(*ends)).sort("ended_at")
    assert found["kind"].to_list() == ["dc_only", "ac_only"] * 6
    for edge in ("started_at", "ended_at"):
        for ac, dc in zip(found[f"ac_{edge}"].drop_nulls(), found[f"dc_{edge}"].drop_nulls(), strict=True):
            assert abs(ac - dc - LAG) <= timedelta(seconds=30)
    set_right = pl.concat(day.charging_sessions for day in gueni(LAG, days=6).by_parts(*ends))
    assert set_right["kind"].to_list() == ["charge"] * 6
    assert set_right["efficiency_ratio"].to_list() == pytest.approx([0.98] * 6, abs=0.005)
    assert set_right["is_qualified"].all()


def test_with_the_clock_set_right_it_is_one_session_of_a_plausible_ratio() -> None:
    session = gueni(LAG).found(FAR).charging_sessions.row(0, named=True)
    assert session["kind"] == "charge", "its meter counts DC: what a charger in a car loses is no bound"
    assert session["efficiency_ratio"] == pytest.approx(0.98, abs=0.005)
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
    judged = charges.with_columns(efficiency_ratio=pl.col("dc_kwh") / pl.col("ac_kwh"), is_implausible=is_implausible())
    strange = judged.filter("is_implausible").select("car", "date").rows()
    assert [(car, f"{day:%m-%d}") for car, day in strange] == [("B10", "08-01"), ("B10", "07-07"), ("C10", "09-20")]
    july = judged.filter(~pl.col("is_implausible"), pl.col("date").dt.month() == 7)["efficiency_ratio"]
    assert len(july) == 4
    assert july.max() - july.min() < 0.0015  # type: ignore[operator]
