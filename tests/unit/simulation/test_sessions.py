"""Both levels of the simulation agree: the sessions found in one-minute registers are the sessions that are drawn."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from tests.simulated_readings import device_ids, devices, mappings, readings
from warehouse.contract.tables import DeviceKind
from warehouse.lake.hourly_energy import FLAGGED
from warehouse.sessions.schemas import CLOCK_LAGS, OPEN_ISLANDS
from warehouse.sessions.session_day import SessionInputs, sessions_until
from warehouse.simulation.draws import Floats
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.sessions import sessions

START = datetime(2026, 2, 2, tzinfo=UTC)
DAYS = 12
DAY_MINUTES = 1440
REGAINED_BELOW_KW = 1.0
"""What some vehicles' registers count while they drive."""
A_REGISTER_LAGS = timedelta(seconds=240)
"""How late a charge shows at most: a register of 0.1 kWh at 2.3 kW takes 157 s for a tick, and is read each minute."""


@cache
def fleet() -> Fleet:
    """A depot and ten pairs in the cold: some preheat, some charge elsewhere, some are interrupted."""
    return Fleet(24, seed=11, depot_share=1.0, fault_share=0.0)


@cache
def drawn() -> pl.DataFrame:
    return sessions(fleet(), START, START + timedelta(days=DAYS))


def first_minute() -> int:
    return int(START.timestamp()) // 60


@cache
def found() -> pl.DataFrame:
    """What the session rule finds in the registers, which are read for a day more on either side."""
    minutes = first_minute() - DAY_MINUTES, (DAYS + 2) * DAY_MINUTES
    read = {kind: readings(fleet(), kind, *minutes, device_ids(fleet(), kind)) for kind in DeviceKind}
    end = START + timedelta(days=DAYS + 1)
    inputs = SessionInputs(
        readings={kind: frame.lazy() for kind, frame in read.items()},
        boundary={kind: frame.clear().select("device_id", "ts", "kwh") for kind, frame in read.items()},
        devices={kind: devices(fleet(), kind) for kind in DeviceKind},
        flagged_steps=pl.DataFrame(schema=FLAGGED),
        mappings=mappings(fleet(), START - timedelta(days=1), end),
        open_islands=pl.DataFrame(schema=OPEN_ISLANDS),
        clock_lags=pl.DataFrame(schema=CLOCK_LAGS),
    )
    return sessions_until(inputs, end).charging_sessions


def beside_each_other(kind: str) -> pl.DataFrame:
    """Drawn and found sessions of a kind that overlap, of the same devices: number, number_found, all figures."""
    device = pl.col("vehicle_id", "meter_id")
    of_drawn = drawn().with_columns(device.str.slice(-5).cast(pl.Int32)).with_row_index("number")
    on = {"charge": ["vehicle_id", "meter_id"], "dc_only": ["vehicle_id"], "ac_only": ["meter_id"]}[kind]
    return (
        of_drawn.filter(pl.col.kind == kind)
        .join(found().with_row_index("number").filter(pl.col.kind == kind), on=on, suffix="_found")
        .filter(
            pl.col.started_at < pl.col.ended_at_found + A_REGISTER_LAGS,
            pl.col.started_at_found < pl.col.ended_at + A_REGISTER_LAGS,
        )
    )


@pytest.mark.parametrize("kind", ["charge", "dc_only", "ac_only"])
def test_sessions_found_in_the_minutes_are_those_drawn(kind: str) -> None:
    """Of what is found besides, all is driving that the register counts: DC alone, at little power."""
    of_kind = drawn().filter(pl.col.kind == kind)
    pairs = beside_each_other(kind)
    assert pairs["number"].n_unique() >= 0.99 * len(of_kind) > 4
    is_inside = pl.col.ended_at.is_between(START, START + timedelta(days=DAYS), closed="left")
    is_found = pl.col.number.is_in(pairs["number_found"].implode())
    others = found().with_row_index("number").filter(pl.col.kind == kind, is_inside, ~is_found)
    is_driving = pl.col.kind.eq("dc_only") & (pl.col.dc_mean_kw < REGAINED_BELOW_KW)
    assert others.filter(~is_driving).is_empty()


def test_charges_found_in_the_minutes_have_the_energies_and_times_of_those_drawn() -> None:
    pairs = beside_each_other("charge")
    is_alone = pl.col.number.is_unique() & pl.col.number_found.is_unique()
    alone = pairs.filter(is_alone)
    # A pause about as long as the longest may join what is drawn as two, where the one register or the other is coarse.
    assert len(alone) >= 0.98 * len(pairs)
    for side in ("ac", "dc"):
        error_kwh = errors(alone, f"{side}_kwh")
        assert np.median(error_kwh) <= 0.001
        assert error_kwh.max() <= 0.05, "half of the coarsest register's tick"
    for edge in ("started_at", "ended_at"):
        error_s = errors(alone.with_columns(pl.col(edge, f"{edge}_found").dt.timestamp("us") / 1e6), edge)
        assert np.median(error_s) <= 60
        assert error_s.max() <= A_REGISTER_LAGS.total_seconds()
    assert np.median(errors(alone, "efficiency_ratio")) <= 0.001
    assert np.median(errors(alone, "soc_end_percent")) <= 0.5
    error_kelvin = errors(alone.filter(pl.col.hours > 1), "mean_battery_temp_celsius")
    assert np.median(error_kelvin) <= 0.1
    assert error_kelvin.max() <= 1.5


def test_plateaus_found_in_the_minutes_are_those_drawn() -> None:
    """Of charges of half an hour: within the steps of the registers, whose ticks decide on the power of a short one."""
    of_length = beside_each_other("charge").filter(pl.col.hours >= 0.5)
    alone = of_length.filter(pl.col.number.is_unique() & pl.col.number_found.is_unique())
    for side in ("ac", "dc"):
        error = errors(alone, f"{side}_plateau_kw") / alone[f"{side}_plateau_kw"].to_numpy()
        tick = (alone[f"{side}_resolution_kwh"] / (alone[f"{side}_kwh"] / 2)).to_numpy()
        assert np.median(error) < 0.003
        # Else the power was limited for about half of the time, and the one or the other is the median.
        assert (error < 0.01 + 2 * tick).mean() > 0.9


def errors(pairs: pl.DataFrame, name: str) -> Floats:
    """How far what is found is from what is drawn."""
    differences: Floats = np.abs((pairs[f"{name}_found"] - pairs[name]).drop_nulls().to_numpy())
    return differences


def test_energies_of_sessions_and_idle_time_are_what_the_registers_gained() -> None:
    table = drawn().filter(pl.col.kind != "dc_only")
    start, minutes = first_minute(), DAYS * DAY_MINUTES
    meters = fleet().meters(start, minutes + 1).kwh
    standby_kwh = (
        meters[-1]
        - meters[0]
        - np.array([table.filter(pl.col.meter_id == name)["ac_kwh"].sum() for name in fleet().meter_ids])
    )
    idle_w = 1000 * standby_kwh / (24 * DAYS)
    # A session that lasts over either edge belongs to the other side of it: 40 kWh at most.
    assert np.median(idle_w) == pytest.approx(4.5, abs=4)
    assert (np.abs(idle_w) < 200).all()


def test_the_state_of_charge_and_the_register_tell_of_the_same_energy() -> None:
    table = drawn().filter(pl.col.kind == "charge", pl.col.dc_kwh > 8)
    kwh_a_point = table["dc_kwh"] / (table["soc_end_percent"] - table["soc_start_percent"])
    capacity = table["vehicle_model"].replace_strict(
        {"Renault Zoe": 0.52, "VW ID.3": 0.58, "Tesla Model 3": 0.575, "Fiat 500e": 0.373}
    )
    assert (kwh_a_point / capacity).median() == pytest.approx(1.0, abs=0.02)


def test_at_the_end_the_battery_is_full_and_no_session_is_empty() -> None:
    table = drawn().filter(pl.col.kind == "charge")
    assert (table["soc_end_percent"] > 20).all()
    assert table["soc_end_percent"].is_in([80.0, 90.0, 100.0]).sum() > 0.8 * len(table)
    assert (table["ended_at"] > table["started_at"]).all()
    assert table["efficiency_ratio"].is_between(0.6, 1.0).all()


def test_a_table_of_two_spans_is_that_of_the_whole() -> None:
    middle, end = START + timedelta(days=4, hours=7), START + timedelta(days=DAYS)
    parts = pl.concat([sessions(fleet(), START, middle), sessions(fleet(), middle, end)])
    assert parts.equals(drawn())


def test_the_mean_temperature_is_that_of_the_readings() -> None:
    table = drawn().filter(pl.col.kind == "charge", pl.col.mean_battery_temp_celsius.is_not_null(), pl.col.hours > 1)
    vehicles = fleet().vehicles(first_minute(), DAYS * DAY_MINUTES)
    differences = []
    for row in table.iter_rows(named=True):
        number = fleet().vehicle_ids.index(row["vehicle_id"])
        instants_s = vehicles.instants_s[:, number]
        charging = (row["started_at"].timestamp() <= instants_s) & (instants_s <= row["ended_at"].timestamp())
        if charging.any():
            differences.append(vehicles.battery_celsius[charging, number].mean() - row["mean_battery_temp_celsius"])
    assert len(differences) > 30
    assert np.abs(differences).max() < 1.5


def test_vehicles_of_a_depot_share_its_chargers_and_never_one_at_a_time() -> None:
    table = drawn().filter(pl.col.kind == "charge", pl.col.vehicle_id <= "veh-00014")
    assert table["meter_id"].n_unique() == 10
    assert (table.group_by("vehicle_id").agg(pl.col.meter_id.n_unique())["meter_id"] >= 3).any()
    in_order = table.sort("meter_id", "started_at")
    gap = in_order["started_at"].shift(-1) - in_order["ended_at"]
    same = in_order["meter_id"].shift(-1) == in_order["meter_id"]
    assert (gap.filter(same) > timedelta(0)).all()


def test_of_a_pair_every_session_is_at_its_own_charger() -> None:
    pairs = drawn().filter(pl.col.kind != "dc_only", pl.col.vehicle_id > "veh-00014")
    numbers = pairs.select(pl.col("meter_id", "vehicle_id").str.slice(-5).cast(pl.Int64))
    assert (numbers["vehicle_id"] - numbers["meter_id"] == 4).all()
