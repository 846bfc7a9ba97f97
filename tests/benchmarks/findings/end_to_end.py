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
from typing import NamedTuple

import numpy as np
import polars as pl

from tests.benchmarks.data_faults.scoring import RULE_OF
from tests.benchmarks.findings.figures import Found, Trial, lines, trial_of_findings
from tests.benchmarks.findings.from_registers import kept_registers
from tests.benchmarks.findings.injected import Injected, Kind
from tests.benchmarks.findings.replayed import days_in_turn, ever_opened
from tests.benchmarks.findings.seasons import SEASONS, Season, as_in_the_lake
from warehouse.losses.sample import fleet_temperatures, sample
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
"""Of the season: enough sessions before,"""
FOLLOWED_DAYS = 60
"""and so many days after."""
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


class Tried(NamedTuple):
    """What came of one fleet."""

    readings: str
    trial: Trial
    withdrawn: int
    """Of the false findings: a fault of the data explained their sessions later."""


def measure(
    seeds: Sequence[int], seasons: Sequence[str], pairs: int, folder: Path | None
) -> Iterable[dict[str, object]]:
    """One line a size for each interval of readings, then where losses of three points are missed."""
    trials: dict[str, list[Tried]] = {}
    smallest: dict[tuple[str, str], list[Found]] = {}
    for seed in seeds:
        for season in (SEASONS[name] for name in seasons):
            afflicted = drawn(season, seed, pairs)
            for of_fleet in tried(afflicted, season, seed, folder):
                readings, trial, _ = of_fleet
                trials.setdefault(readings, []).append(of_fleet)
                for each in trial.found:
                    for part in parts(afflicted.fleet, each.loss) if each.loss.points == min(SIZES) else ():
                        smallest.setdefault((readings, part), []).append(each)
    for readings, of_readings in trials.items():
        for line in lines([each.trial for each in of_readings]):
            withdrawn = {"withdrawn": sum(each.withdrawn for each in of_readings)} if "false" in line else {}
            yield {"readings": readings, **line, **withdrawn, "seeds": list(seeds), "seasons": list(seasons)}
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
    until_loss = sum((min(each.since, end) - start) / timedelta(days=1) for each in judged)
    healthy_days = (pairs - len(judged) - len(not_judged)) * season.days + until_loss
    return Afflicted(
        fleet,
        [Injected(each.number + 1, Kind.STEP, each.size, each.since) for each in judged],
        not_judged,
        true_sessions(fleet, season),
        healthy_days / YEAR_DAYS,
    )


def true_sessions(fleet: Fleet, season: Season) -> pl.DataFrame:
    """As they truly were, with ``true_excess_kwh``: AC energy of each that a fault took."""
    start = datetime.combine(season.first, time_of_day(), UTC)
    truth = as_in_the_lake(sessions(fleet, start, start + timedelta(days=season.days)))
    taken = pl.col("lost_points") / 100
    excess = pl.col("ac_kwh") * taken / (pl.col("efficiency_ratio") + taken)
    return truth.with_columns(true_excess_kwh=excess.fill_nan(None).fill_null(0.0))


def _not_judged(wrong_data: Sequence[Fault], with_loss: set[int]) -> frozenset[int]:
    numbers = {each.number for each in wrong_data if each.kind in IN_PLACE_OF_WRONG_DATA}
    for each in wrong_data:
        swapped = {each.number, each.number - 1} if each.kind is FaultKind.SWAPPED_MAPPING else set[int]()
        if swapped & (with_loss | numbers):
            numbers |= swapped
    return frozenset(number + 1 for number in numbers)


def tried(afflicted: Afflicted, season: Season, seed: int, folder: Path | None) -> Iterator[Tried]:
    """R1 on the true sessions, and on those from registers that are read each minute and each five minutes."""

    def trial(readings: str, days: Iterable[pl.DataFrame]) -> Tried:
        each_day = list(days)
        told = ever_opened(each_day).filter(~pl.col("vehicle_id").is_in(list(afflicted.not_judged)))
        standing = told.filter(pl.col("finding_id").is_in(each_day[-1]["finding_id"].implode()))
        found, stands = (
            trial_of_findings(each, afflicted.truth, afflicted.losses, afflicted.healthy_years)
            for each in (told, standing)
        )
        missed = [each.loss for each in found.found if each.delay_days is None]
        sys.stderr.write(
            f"{season.name}, seed {seed}, {readings}: {len(found.found) - len(missed)} of {len(found.found)} found, "
            f"{found.false} false, {found.false - stands.false} of them withdrawn\n"
            + "".join(f"  not found: {each}\n" for each in missed)
        )
        return Tried(readings, found, found.false - stands.false)

    rows = sample(afflicted.truth, fleet_temperatures(afflicted.truth))
    yield trial("true sessions", (known.findings for known in days_in_turn(rows, season)))
    for minutes in INTERVALS_MINUTES:
        began = time.monotonic()
        known = kept_registers(afflicted.fleet, season, seed, minutes, folder)
        yield trial(f"each {minutes} min", known.findings_of_days(season))
        sys.stderr.write(f"{season.name}, seed {seed}, each {minutes} min: {time.monotonic() - began:.0f} s\n")


def parts(fleet: Fleet, loss: Injected) -> list[str]:
    """What may make a loss of this pair hard to see, and what it has not."""
    chargers, vehicles, number = fleet.world.chargers, fleet.world.vehicles, loss.vehicle_id - 1
    is_coarse = max(chargers.resolution_mwh[number], vehicles.resolution_mwh[number]) >= COARSE_MWH
    until = loss.since + timedelta(days=FOLLOWED_DAYS)
    is_wrong = any(
        each.number == number
        and each.kind in WRONG_DATA
        and each.since < until
        and (each.until is None or each.until > loss.since)
        for each in fleet.world.faults((until - EPOCH).days // YEAR_DAYS + 1)
    )
    named = {
        "wrong data besides": is_wrong,
        "a register of 0.1 kWh": is_coarse,
        "finer registers": not is_coarse,
        "a DC charger": chargers.is_dc[number],
        "no temperature sensor": not vehicles.has_temperature[number],
    }
    return [name for name, has in named.items() if has]
