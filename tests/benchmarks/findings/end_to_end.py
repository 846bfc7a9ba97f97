"""R1 from registers: fleets with losses and with wrong data, from their readings to findings.

Beside it the same fleets with their sessions as they truly were, so that what registers cost is seen.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

import numpy as np
import polars as pl

from tests.benchmarks.data_faults.scoring import RULE_OF
from tests.benchmarks.findings.figures import Found, Trial, lines, trial_of_findings
from tests.benchmarks.findings.from_registers import kept_registers
from tests.benchmarks.findings.injected import Injected, Kind
from tests.benchmarks.findings.replayed import findings_of_samples, replayed
from tests.benchmarks.findings.seasons import SEASONS, Season, as_in_the_lake
from warehouse.simulation.clock import EPOCH, YEAR_DAYS
from warehouse.simulation.faults import Fault, FaultKind, Planted
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.sessions import sessions

SIZES = (3.0, 5.0, 8.0)
LOSSES = (FaultKind.CHARGER_STEP, FaultKind.VEHICLE_LOSS)
WRONG_DATA = frozenset(RULE_OF) | {
    FaultKind.REGISTER_RESET,
    FaultKind.METER_REPLACED,
    FaultKind.METER_GLITCH,
    FaultKind.VEHICLE_GLITCH,
}
IN_PLACE_OF_WRONG_DATA = frozenset({FaultKind.METER_GAIN, FaultKind.VEHICLE_LOSS})
"""What comes where a charger has but one phase, or a vehicle no neighbour to be swapped with."""
FAULT_SHARE = 0.2
"""Of the pairs, in a year, of all kinds. Those of wrong data are half of it: twice what the simulator usually draws."""
FAULTY_SHARE = 0.3
SINCE_DAYS = (35, 60)
"""Of the season: enough sessions before, and 60 days after."""
INTERVALS_MINUTES = (1, 5)
COARSE_MWH = 100_000


@dataclass(frozen=True)
class Afflicted:
    """One fleet, and what is wrong with it."""

    fleet: Fleet
    losses: Sequence[Injected]
    not_judged: frozenset[int]
    """Vehicles of pairs whose loss was not planted, or of two swapped ones that do not say whose loss it is."""
    truth: pl.DataFrame
    """Sessions as they truly were, with ``true_excess_kwh``: AC energy of each that a fault took."""
    healthy_years: float


def measure(
    seeds: Sequence[int], seasons: Sequence[str], pairs: int, folder: Path | None
) -> Iterable[dict[str, object]]:
    """One line a size for each interval of readings, then where losses of three points are missed."""
    trials: dict[str, list[Trial]] = {}
    smallest: dict[tuple[str, str], list[Found]] = {}
    for seed in seeds:
        for season in (SEASONS[name] for name in seasons):
            afflicted = drawn(season, seed, pairs)
            for readings, trial in tried(afflicted, season, seed, folder):
                trials.setdefault(readings, []).append(trial)
                for each in trial.found:
                    for part in parts(afflicted.fleet, each.loss) if each.loss.points == min(SIZES) else ():
                        smallest.setdefault((readings, part), []).append(each)
    for readings, of_readings in trials.items():
        for line in lines(of_readings):
            yield {"readings": readings, **line, "seeds": list(seeds), "seasons": list(seasons)}
    for (readings, part), found in sorted(smallest.items()):
        hit = sum(each.delay_days is not None for each in found)
        recall = round(hit / len(found), 3)
        yield {"readings": readings, "loss": found[0].loss.name, "of": part, "known": len(found), "recall": recall}


def drawn(season: Season, seed: int, pairs: int) -> Afflicted:
    """A fleet of which some have a loss from a day of the season on, and others wrong data."""
    draws = np.random.default_rng([seed, 3, season.first.toordinal()])
    chosen = draws.permutation(pairs)[: round(FAULTY_SHARE * pairs)].tolist()
    first_day = (season.first - EPOCH.date()).days
    planted = [
        Planted(
            LOSSES[place // len(SIZES) % len(LOSSES)],
            number,
            first_day + int(draws.integers(*SINCE_DAYS)),
            SIZES[place % len(SIZES)],
        )
        for place, number in enumerate(chosen)
    ]
    fleet = Fleet(pairs, seed, fault_share=FAULT_SHARE, fault_kinds=WRONG_DATA, planted=planted)
    start = datetime.combine(season.first, time_of_day(), UTC)
    end = start + timedelta(days=season.days)
    faults = fleet.world.faults((end - EPOCH).days // YEAR_DAYS + 1)
    wrong_data, losses = faults[: -len(planted)], faults[-len(planted) :]
    not_judged = _not_judged([each for each in wrong_data if each.since < end], {each.number for each in losses})
    judged = [each for each in losses if each.number + 1 not in not_judged]
    truth = as_in_the_lake(sessions(fleet, start, end))
    taken = pl.col("lost_points") / 100
    excess = pl.col("ac_kwh") * taken / (pl.col("efficiency_ratio") + taken)
    until_loss = sum((min(each.since, end) - start) / timedelta(days=1) for each in judged)
    healthy_days = (pairs - len(judged) - len(not_judged)) * season.days + until_loss
    return Afflicted(
        fleet,
        [Injected(each.number + 1, Kind.STEP, each.size, each.since) for each in judged],
        not_judged,
        truth.with_columns(true_excess_kwh=excess.fill_nan(None).fill_null(0.0)),
        healthy_days / YEAR_DAYS,
    )


def _not_judged(wrong_data: Sequence[Fault], with_loss: set[int]) -> frozenset[int]:
    numbers = {each.number for each in wrong_data if each.kind in IN_PLACE_OF_WRONG_DATA}
    for each in wrong_data:
        swapped = {each.number, each.number - 1} if each.kind is FaultKind.SWAPPED_MAPPING else set[int]()
        if swapped & (with_loss | numbers):
            numbers |= swapped
    return frozenset(number + 1 for number in numbers)


def tried(afflicted: Afflicted, season: Season, seed: int, folder: Path | None) -> Iterator[tuple[str, Trial]]:
    """R1 on the true sessions, and on those from registers that are read each minute and each five minutes."""

    def trial(readings: str, findings: pl.DataFrame) -> tuple[str, Trial]:
        told = findings.filter(~pl.col("vehicle_id").is_in(list(afflicted.not_judged)))
        found = trial_of_findings(told, afflicted.truth, afflicted.losses, afflicted.healthy_years)
        missed = [each.loss for each in found.found if each.delay_days is None]
        sys.stderr.write(
            f"{season.name}, seed {seed}, {readings}: {len(found.found) - len(missed)} of {len(found.found)} found, "
            f"{found.false} false\n" + "".join(f"  not found: {each}\n" for each in missed)
        )
        return readings, found

    yield trial("true sessions", replayed(afflicted.truth, season))
    for minutes in INTERVALS_MINUTES:
        began = time.monotonic()
        known = kept_registers(afflicted.fleet, season, seed, minutes, folder)
        yield trial(f"each {minutes} min", findings_of_samples(known.sample_on, season))
        sys.stderr.write(f"{season.name}, seed {seed}, each {minutes} min: {time.monotonic() - began:.0f} s\n")


def parts(fleet: Fleet, loss: Injected) -> list[str]:
    """What may make a loss of this pair hard to see, and what it has not."""
    chargers, vehicles, number = fleet.world.chargers, fleet.world.vehicles, loss.vehicle_id - 1
    is_coarse = max(chargers.resolution_mwh[number], vehicles.resolution_mwh[number]) >= COARSE_MWH
    named = {
        "a register of 0.1 kWh": is_coarse,
        "finer registers": not is_coarse,
        "a DC charger": chargers.is_dc[number],
        "no temperature sensor": not vehicles.has_temperature[number],
    }
    return [name for name, has in named.items() if has]
