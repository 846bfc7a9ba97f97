"""A loss, a meter and a vehicle's register leave marks of their own on power and state of charge, by physics alone."""

from datetime import timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from warehouse.simulation.clock import EPOCH
from warehouse.simulation.faults import FaultKind, Planted
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.sessions import sessions
from warehouse.simulation.signals import CLEAN, PESSIMISTIC, SignalNoise

PAIRS = 60
SINCE_DAY = 130
START, END = EPOCH + timedelta(days=SINCE_DAY + 1), EPOCH + timedelta(days=SINCE_DAY + 61)


def drawn(planted: tuple[Planted, ...], noise: SignalNoise = CLEAN) -> pl.DataFrame:
    """Long charges at chargers in cars, with what they tell."""
    table = sessions(Fleet(PAIRS, seed=4, fault_share=0.0, planted=planted), START, END, noise)
    return table.filter(
        pl.col.kind == "charge", pl.col.dc_kwh > 4, pl.col.ac_plateau_kw < 25, pl.col.voltage_share > 0.8
    ).with_columns(
        lost=(pl.col.ac_kwh / pl.col.dc_kwh).log(),
        ac=(pl.col.ac_plateau_kw / pl.col.mean_voltage_volts).log(),
        dc=pl.col.dc_plateau_kw.log(),
        soc=(pl.col.dc_kwh / (pl.col.soc_end_percent - pl.col.soc_start_percent)).log(),
    )


@cache
def sound(noise: SignalNoise = CLEAN) -> pl.DataFrame:
    return drawn((), noise)


def median(table: pl.DataFrame, name: str) -> float:
    return float(np.median(table[name].to_numpy()))


def everywhere(kind: FaultKind, size: float) -> tuple[Planted, ...]:
    return tuple(Planted(kind, number, SINCE_DAY, size) for number in range(PAIRS))


@pytest.mark.parametrize(
    ("kind", "size", "marks"),
    [
        (FaultKind.CHARGER_STEP, 5.0, (0.0, -1.0, 0.0)),
        (FaultKind.VEHICLE_LOSS, 8.0, (0.0, -1.0, 0.0)),
        (FaultKind.METER_GAIN, 6.0, (1.0, 0.0, 0.0)),
        (FaultKind.DC_REGISTER_GAIN, -6.0, (0.0, -1.0, -1.0)),
    ],
)
def test_each_fault_leaves_its_own_marks(kind: FaultKind, size: float, marks: tuple[float, float, float]) -> None:
    """Each shifts the loss by the same d = log(E_ac / E_dc); the powers and the state of charge say what it is."""
    faulty = drawn(everywhere(kind, size))
    d = median(faulty, "lost") - median(sound(), "lost")
    assert d > 0.04
    shifts = [median(faulty, name) - median(sound(), name) for name in ("ac", "dc", "soc")]
    assert shifts == pytest.approx([mark * d for mark in marks], abs=0.008)


def test_noise_of_signals_touches_neither_energies_nor_times() -> None:
    clean, pessimistic = sound(), sound(PESSIMISTIC)
    same = ["vehicle_id", "started_at", "ended_at", "ac_kwh", "dc_kwh", "mean_battery_temp_celsius", "voltage_share"]
    assert clean.select(same).equals(pessimistic.select(same))
    assert not clean["ac_plateau_kw"].equals(pessimistic["ac_plateau_kw"])


@pytest.mark.parametrize(
    ("noise", "name", "least", "most"),
    [
        (CLEAN, "ac", 0.002, 0.008),
        (PESSIMISTIC, "ac", 0.010, 0.025),
        (CLEAN, "soc", 0.004, 0.025),
        (PESSIMISTIC, "soc", 0.020, 0.060),
    ],
)
def test_how_far_the_signals_of_a_pair_scatter(noise: SignalNoise, name: str, least: float, most: float) -> None:
    off = sound(noise).select((pl.col(name) - pl.col(name).median().over("vehicle_id")).abs())[name]
    assert least < 1.4826 * float(np.median(off.to_numpy())) < most


def test_faults_that_are_planted_are_known_and_end() -> None:
    planted = (
        Planted(FaultKind.CHARGER_STEP, 3, 50, 5.0, until_day=60),
        Planted(FaultKind.VEHICLE_LOSS, 2, 40, 3.0),
    )
    fleet = Fleet(10, seed=2, fault_share=0.0, planted=planted)
    known = fleet.faults()
    assert [(each.kind, each.device_id, each.size) for each in known] == [
        ("vehicle_loss", "veh-00003", 3.0),
        ("charger_step", "meter-00004", 5.0),
    ]
    assert known[1].until is not None
    assert known[1].until - known[1].since == timedelta(days=10)
    assert known[0].until is None
    found = sessions(fleet, EPOCH, EPOCH + timedelta(days=100)).filter(pl.col.lost_points > 0)
    of_charger = found.filter(pl.col.vehicle_id == "veh-00004")
    assert of_charger["started_at"].is_between(known[1].since, known[1].until).all()
    assert set(found["vehicle_id"]) == {"veh-00003", "veh-00004"}


@pytest.mark.parametrize("home_share", [0.5, 0.9])
def test_a_depot_s_vehicles_are_at_home_as_often_as_asked_for(home_share: float) -> None:
    fleet = Fleet(140, seed=3, depot_share=1.0, fault_share=0.0, home_shares=(home_share,))
    table = sessions(fleet, EPOCH, EPOCH + timedelta(days=40)).filter(pl.col.kind == "charge")
    home = {each["vehicleId"]: each["meterId"] for each in fleet.mappings()}
    is_home = table["meter_id"] == table["vehicle_id"].replace_strict(home)
    assert is_home.to_numpy().mean() == pytest.approx(home_share, abs=0.05)
