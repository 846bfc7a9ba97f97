"""Fixed pairs: is the loss real, or is a register wrong? By size, cause, level of noise and number of sessions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from tests.benchmarks.findings.sampled import fleet_coefficients, pair_coefficients, sampled
from warehouse.losses.sample import regressors
from warehouse.losses.which_register import Cause, which_register
from warehouse.simulation.clock import EPOCH
from warehouse.simulation.faults import FaultKind, Planted
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.signals import CLEAN, PESSIMISTIC

NOISES = {"clean": CLEAN, "pessimistic": PESSIMISTIC}
KINDS = (
    (FaultKind.CHARGER_STEP, 1, Cause.CHARGER_OR_CAR),
    (FaultKind.METER_GAIN, 1, Cause.METER_HIGH),
    (FaultKind.DC_REGISTER_GAIN, -1, Cause.DC_REGISTER_LOW),
)
SIZES = (3.0, 5.0, 8.0)
"""Points of the AC energy, or percent of a register."""
ONSET_DAYS = (60, 260)
HISTORY_DAYS, FAULT_DAYS = 60, 45
ONSET_OFF = (-1, 0, 1)
"""By so many sessions the onset is told too early or too late."""
INTERVAL_S = 60.0


@dataclass(frozen=True)
class Told:
    """One pair with a fault, and what was said of it after so many sessions."""

    noise: str
    seed: int
    size: float
    after: int
    true: Cause
    told: Cause
    probability: float
    is_dc: bool
    why: str


def told(seeds: Sequence[int], pairs: int, after: Sequence[int] = (5, 10, 20)) -> Iterator[Told]:
    """Each pair of these fleets has one fault of the three kinds, as often as the others."""
    for seed in seeds:
        draws = np.random.default_rng(seed)
        onset = draws.integers(*ONSET_DAYS, pairs)
        kind, size = draws.integers(0, len(KINDS), pairs), draws.choice(SIZES, pairs)
        planted = [
            Planted(KINDS[which][0], number, int(onset[number]), KINDS[which][1] * float(size[number]))
            for number, which in enumerate(kind.tolist())
        ]
        fleet = Fleet(pairs, seed, fault_share=0.0, planted=planted)
        off = draws.choice(ONSET_OFF, pairs)
        for name, noise in NOISES.items():
            rows = sampled(fleet, EPOCH, EPOCH + timedelta(days=ONSET_DAYS[1] + FAULT_DAYS), noise)
            expected = fleet_coefficients(rows)
            for (vehicle,), own in rows.partition_by("vehicle_id", as_dict=True).items():
                number = int(vehicle) - 1
                since = fleet.world.faults(1)[number].since
                recent = own.filter(pl.col("ended_at") >= since - timedelta(days=HISTORY_DAYS))
                first = int((recent["started_at"] < since).sum())
                told_first = max(first + int(off[number]), 1)
                baseline = pair_coefficients(recent[:told_first], expected)[0]
                for count in after:
                    part = recent[: told_first + count]
                    if len(part) < told_first + count:
                        continue
                    said = which_register(part, part["ended_at"][told_first], INTERVAL_S, regressors(part) @ baseline)
                    plateau = part["ac_plateau_kw"].median()
                    is_dc = isinstance(plateau, float) and plateau > 25
                    yield Told(
                        name,
                        seed,
                        float(size[number]),
                        count,
                        KINDS[kind[number]][2],
                        said.cause,
                        said.probability,
                        is_dc,
                        str(said.why),
                    )


def measure(seeds: Sequence[int], pairs: int) -> list[dict[str, object]]:
    """Share decided and right of the decided, by noise, kind of charger, number of sessions and size."""
    cases = list(told(seeds, pairs))
    frame = pl.DataFrame([case.__dict__ for case in cases])
    is_decided = pl.col("told") != Cause.UNDECIDED
    groups = ["noise", "is_dc", "after", "size"]
    whole = frame.with_columns(size=pl.lit(0.0))
    return [
        {**row, "size": row["size"] or "all", "seeds": list(seeds)}
        for row in pl.concat([frame, whole])
        .with_columns(is_decided=is_decided, is_right=pl.col("told") == pl.col("true"))
        .group_by(groups)
        .agg(
            pairs=pl.len(),
            decided=pl.col("is_decided").mean().round(3),
            right_of_decided=(pl.col("is_right").sum() / pl.col("is_decided").sum()).round(3),
        )
        .with_columns(pl.col("right_of_decided").fill_nan(None))
        .sort(groups)
        .iter_rows(named=True)
    ]
