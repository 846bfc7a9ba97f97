"""R1 on fleets of other laws than it was tuned on, with several limits: how often it is wrong, and what it finds."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import polars as pl

from tests.benchmarks.findings.figures import Trial, lines, trial_of_findings
from tests.benchmarks.findings.injected import Injected, drawn, with_losses
from tests.benchmarks.findings.laws import Law
from tests.benchmarks.findings.other_sessions import other_sessions
from tests.benchmarks.findings.replayed import replayed
from tests.benchmarks.findings.seasons import SEASONS, YEAR, Season
from warehouse.losses.settings import SETTINGS, Thresholds

SEEDS = (301, 302, 303)
"""Of the figures that are told; nothing was looked at with them before."""
TUNING_SEEDS = (311, 312)
YEARS = (YEAR, Season("year from autumn", date(2026, 9, 1), 365))
FAULTY_SHARE = 0.3
SINCE_DAYS = (35, 60)
"""Of the season, as in ``excess``."""
PLAIN = "none"
ALL = "all"
FLEETS = {PLAIN: frozenset[Law](), **{law.value: frozenset({law}) for law in Law}, ALL: frozenset(Law)}
WITHOUT_HEATERS = replace(
    SETTINGS,
    pair_deviation=(*SETTINGS.pair_deviation[:-1], 1e-6),
    fleet_start_deviation=(*SETTINGS.fleet_start_deviation[:-1], 1e-6),
    window_sessions=1e9,
)
"""No pair has a heater, and a window scatters as its pair does."""
LOWER = Thresholds(suspected_z=3.2, open_z=3.6, notify_z=4.0)
LIMITS = {
    "present": SETTINGS,
    "z > 3.6, no heaters": replace(WITHOUT_HEATERS, thresholds=LOWER),
    "z > 5, no heaters": replace(WITHOUT_HEATERS, tail_sessions=1.0),
}
"""Besides the present settings those of before; the oldest doubt short windows less."""


class Asked(NamedTuple):
    """What is to be measured."""

    laws: Sequence[str] = tuple(FLEETS)
    limits: Sequence[str] = tuple(LIMITS)


EVERYTHING = Asked()


def measure(
    seeds: Sequence[int], seasons: Sequence[str], pairs: int, healthy_pairs: int, asked: Asked
) -> Iterable[dict[str, object]]:
    """One line for each law and limit of healthy fleets, then one a size of loss where all laws hold.

    ``healthy_pairs``: of each seed where all laws hold, half of them from January on, half from September on; a law
    alone has half as many, from September on with the first seed. 0: none.
    """
    for name in asked.laws if healthy_pairs else ():
        laws = FLEETS[name]
        many, years = (seeds, YEARS) if name == ALL else (seeds[:1], YEARS[1:])
        trials: dict[str, list[Trial]] = {}
        for seed in many:
            for year in years:
                of_year = healthy_pairs // 2
                sessions = with_losses(other_sessions(year, seed, of_year, laws), [])
                told = f"{name}, {year.name}, seed {seed}"
                for limits, trial in _tried(sessions, year, [], of_year * year.days / 365, told, asked):
                    trials.setdefault(limits, []).append(trial)
        yield from _lines(trials, {"laws": name, "seeds": list(many), "seasons": [each.name for each in years]})
    if ALL in asked.laws:
        trials = faulty(seeds, [SEASONS[name] for name in seasons], pairs, asked)
        yield from _lines(trials, {"laws": f"{ALL}, losses", "seeds": list(seeds), "seasons": list(seasons)})


def faulty(
    seeds: Sequence[int], seasons: Sequence[Season], pairs: int, asked: Asked = EVERYTHING
) -> dict[str, list[Trial]]:
    """Fleets of all laws of which some have a loss."""
    trials: dict[str, list[Trial]] = {}
    for seed in seeds:
        for season in seasons:
            losses = drawn(list(range(1, pairs + 1)), season, seed, FAULTY_SHARE, SINCE_DAYS)
            sessions = with_losses(other_sessions(season, seed, pairs, FLEETS[ALL]), losses)
            until_loss = sum((each.since.date() - season.first).days for each in losses)
            years = ((pairs - len(losses)) * season.days + until_loss) / 365
            for limits, trial in _tried(sessions, season, losses, years, f"losses, {season.name}, seed {seed}", asked):
                trials.setdefault(limits, []).append(trial)
    return trials


def _tried(
    sessions: pl.DataFrame, season: Season, losses: list[Injected], years: float, name: str, asked: Asked
) -> Iterator[tuple[str, Trial]]:
    for limits in asked.limits:
        settings = LIMITS[limits]
        began = time.monotonic()
        findings = replayed(sessions, season, settings)
        trial = trial_of_findings(findings, sessions, losses, years)
        hit = sum(each.delay_days is not None for each in trial.found)
        sys.stderr.write(
            f"{name}, {limits}: {hit} of {len(losses)} found, {trial.false} false in {years:.0f} years, "
            f"{time.monotonic() - began:.0f} s\n"
        )
        yield limits, trial


def _lines(trials: dict[str, list[Trial]], said: dict[str, object]) -> Iterator[dict[str, object]]:
    for limits, of_limits in trials.items():
        for line in lines(of_limits):
            yield {"limits": limits, "laws": said["laws"], **line, **said}
