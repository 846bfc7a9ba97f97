"""What is lost follows what ADAC measured, and the cold; no daily threshold tells a fault from a small charger."""

from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl
import pytest

from warehouse.simulation.fleet import Fleet
from warehouse.simulation.models import VEHICLE_MODELS, VehicleModel
from warehouse.simulation.sessions import sessions

ADAC_2022 = [
    ("Renault Zoe", 2.3, 0.242),
    ("Renault Zoe", 11, 0.097),
    ("VW ID.3", 2.3, 0.136),
    ("VW ID.3", 5.5, 0.092),
    ("VW ID.3", 11, 0.090),
    ("Tesla Model 3", 2.3, 0.152),
    ("Tesla Model 3", 11, 0.077),
    ("Fiat 500e", 2.3, 0.127),
    ("Fiat 500e", 11, 0.063),
]
"""Share of the AC energy that was lost, by car and AC power in kW."""


def model(name: str) -> VehicleModel:
    return next(each for each in VEHICLE_MODELS if each.name == name)


@cache
def autumn() -> pl.DataFrame:
    """Of a healthy fleet: what a session says that has enough energy to say something."""
    start = datetime(2026, 9, 15, tzinfo=UTC)
    table = sessions(Fleet(600, seed=5, fault_share=0.0), start, start + timedelta(days=90))
    return table.filter(pl.col.kind == "charge", pl.col.ac_kwh > 5)


@pytest.mark.parametrize(("name", "ac_kw", "lost"), ADAC_2022)
def test_losses_are_those_that_were_measured(name: str, ac_kw: float, lost: float) -> None:
    car = model(name)
    assert car.loss_ratio + car.fixed_loss_kw / ac_kw == pytest.approx(lost, abs=0.012)


@pytest.mark.parametrize(
    ("car", "charger", "ratio"),
    [
        ("Renault Zoe", "wallbox-3.7", 0.785),
        ("VW ID.3", "wallbox-3.7", 0.853),
        ("Renault Zoe", "wallbox-11", 0.882),
        ("Tesla Model 3", "wallbox-11", 0.907),
        ("Fiat 500e", "wallbox-11", 0.921),
    ],
)
def test_a_healthy_pair_in_autumn(car: str, charger: str, ratio: float) -> None:
    found = autumn().filter(pl.col.vehicle_model == car, pl.col.meter_model == charger)["efficiency_ratio"]
    assert len(found) > 500
    assert found.median() == pytest.approx(ratio, abs=0.012)


def test_the_cold_costs_more_where_the_charger_is_weak() -> None:
    fitted = autumn().filter(pl.col.vehicle_model == "Renault Zoe", pl.col.mean_battery_temp_celsius.is_not_null())
    cost = {}
    for charger in ("wallbox-3.7", "wallbox-22"):
        of_charger = fitted.filter(pl.col.meter_model == charger)
        cold = of_charger.filter(pl.col.mean_battery_temp_celsius < 7)["efficiency_ratio"].mean()
        warm = of_charger.filter(pl.col.mean_battery_temp_celsius > 14)["efficiency_ratio"].mean()
        assert isinstance(cold, float)
        assert isinstance(warm, float)
        cost[charger] = warm - cold
    assert 0.02 < cost["wallbox-3.7"] < 0.07
    assert cost["wallbox-22"] < 0.4 * cost["wallbox-3.7"]


def test_sessions_scatter_with_heavy_tails() -> None:
    warm = autumn().filter(pl.col.mean_battery_temp_celsius > 15, pl.col.meter_model == "wallbox-11")
    centred = warm.select(
        (pl.col.efficiency_ratio - pl.col.efficiency_ratio.median().over("vehicle_id")).alias("off"),
        pl.len().over("vehicle_id"),
    ).filter(pl.col.len >= 15)["off"]
    quartiles = centred.quantile(0.75), centred.quantile(0.25)
    assert quartiles[0] is not None
    assert quartiles[1] is not None
    sigma = (quartiles[0] - quartiles[1]) / 1.349
    assert 0.004 < sigma < 0.011
    beyond = (centred.abs() > 4 * sigma).mean()
    assert isinstance(beyond, float)
    assert 0.002 < beyond < 0.04  # of a normal distribution: 0.00006
