"""Both levels of the simulation agree: the sessions found in one-minute registers are the sessions that are drawn."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from tests.unit.simulation.islands import Island, islands
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.sessions import sessions

START = datetime(2026, 2, 2, tzinfo=UTC)
DAYS = 12
DAY_MINUTES = 1440
REGAINED_BELOW_KW = 1.0
"""What some vehicles' registers count while they drive."""


@cache
def fleet() -> Fleet:
    """A depot and ten pairs in the cold: some preheat, some charge elsewhere, some are interrupted."""
    return Fleet(24, seed=11, depot_share=1.0, fault_share=0.0)


@cache
def drawn() -> pl.DataFrame:
    return sessions(fleet(), START, START + timedelta(days=DAYS))


def first_minute() -> int:
    return int(START.timestamp()) // 60


def matched(found: list[Island], table: pl.DataFrame, energy: str, resolution: str) -> tuple[int, int]:
    """How many of the drawn sessions are found, and how many islands are none of them."""
    unexplained = list(found)
    seen = 0
    for row in table.iter_rows(named=True):
        begin_s, end_s = row["started_at"].timestamp(), row["ended_at"].timestamp()
        same = [island for island in unexplained if island.begin_s < end_s + 200 and island.end_s > begin_s - 200]
        # A pause about as long as the longest may join what is drawn as two, and part it where a register is coarse.
        if same and abs(sum(island.kwh for island in same) - row[energy]) <= 2 * row[resolution] + 0.03:
            seen += 1
        unexplained = [island for island in unexplained if island not in same]
    return seen, sum(island.kwh * 3600 >= REGAINED_BELOW_KW * (island.end_s - island.begin_s) for island in unexplained)


@pytest.mark.parametrize("side", ["ac", "dc"])
def test_sessions_found_in_the_minutes_are_those_drawn(side: str) -> None:
    on_meters = side == "ac"
    minutes = (first_minute() - 600, (DAYS * DAY_MINUTES) + 600)
    columns = fleet().meters(*minutes) if on_meters else fleet().vehicles(*minutes)
    ids = fleet().meter_ids if on_meters else fleet().vehicle_ids
    total = seen = unexplained = 0
    for number, name in enumerate(ids):
        of_device = drawn().filter(
            pl.col("meter_id" if on_meters else "vehicle_id") == name, pl.col(f"{side}_kwh") >= 0.3
        )
        resolution_kwh = of_device[f"{side}_resolution_kwh"][0]
        found = islands(columns.instants_s[:, number], columns.kwh[:, number], resolution_kwh)
        inside = [each for each in found if START.timestamp() + 200 <= each.end_s]
        right, others = matched(inside, of_device, f"{side}_kwh", f"{side}_resolution_kwh")
        total, seen, unexplained = total + len(of_device), seen + right, unexplained + others
    assert total > 100
    assert seen >= 0.97 * total
    assert unexplained <= 0.03 * total


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
    assert table["ratio"].is_between(0.6, 1.0).all()


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
