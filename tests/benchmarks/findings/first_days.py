"""Chargers that were bad from the first day, beside their peers: found, and healthy ones taken for bad."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from tests.benchmarks.findings.sampled import fleet_coefficients, pair_coefficients, sampled
from warehouse.losses.first_day import FirstDay, first_day
from warehouse.losses.settings import SETTINGS
from warehouse.simulation.clock import EPOCH
from warehouse.simulation.faults import FaultKind, Planted
from warehouse.simulation.fleet import Fleet

BAD_SHARE = 0.05
SIZES = (3.0, 4.0, 5.0, 6.0, 8.0)
DAYS = 60


@dataclass(frozen=True)
class Asked:
    """One pair: its size of fault (0: healthy), and what was said."""

    seed: int
    size: float
    verdict: str


def asked(seeds: Sequence[int], pairs: int) -> Iterator[Asked]:
    """Every pair of these fleets, two months after the first session."""
    for seed in seeds:
        draws = np.random.default_rng(seed)
        bad = draws.permutation(pairs)[: round(BAD_SHARE * pairs)].tolist()
        size = {number: SIZES[place % len(SIZES)] for place, number in enumerate(bad)}
        planted = [Planted(FaultKind.BAD_FROM_FIRST_DAY, number, 0, each) for number, each in size.items()]
        fleet = Fleet(pairs, seed, fault_share=0.0, planted=planted)
        rows = sampled(fleet, EPOCH, EPOCH + timedelta(days=DAYS))
        models = {str(each.get("vehicleId", each.get("meterId"))): str(each["model"]) for each in fleet.devices()}
        for row in first_day(_pairs(rows, models)).iter_rows(named=True):
            yield Asked(seed, size.get(row["vehicle_id"] - 1, 0.0), row["verdict"])


def _pairs(rows: pl.DataFrame, models: dict[str, str]) -> pl.DataFrame:
    expected = fleet_coefficients(rows)
    found = []
    for (vehicle, meter), own in rows.partition_by("vehicle_id", "meter_id", as_dict=True).items():
        if len(own) < SETTINGS.least_older_sessions:
            continue
        intercept, fixed_kw, *_ = pair_coefficients(own, expected)[0].tolist()
        found.append(
            {
                "vehicle_id": vehicle,
                "meter_id": meter,
                "vehicle_model": models[f"veh-{vehicle:05d}"],
                "meter_model": models[f"meter-{meter:05d}"],
                "intercept": intercept,
                "fixed_kw": fixed_kw,
                "hours_per_kwh": own["hours_per_kwh"].median(),
            }
        )
    return pl.DataFrame(found)


def measure(seeds: Sequence[int], pairs: int) -> list[dict[str, object]]:
    """By size of the fault; 0 points are the healthy ones."""
    frame = pl.DataFrame([each.__dict__ for each in asked(seeds, pairs)])
    is_said = pl.col("verdict").is_in([FirstDay.BAD, FirstDay.USUAL])
    is_bad = pl.col("verdict") == FirstDay.BAD
    return list(
        frame.group_by(points="size")
        .agg(
            pairs=pl.len(),
            said=is_said.sum(),
            bad=is_bad.sum(),
            bad_of_said=(is_bad.sum() / is_said.sum()).fill_nan(None).round(3),
        )
        .with_columns(seeds=pl.lit(list(seeds)))
        .sort("points")
        .iter_rows(named=True)
    )
