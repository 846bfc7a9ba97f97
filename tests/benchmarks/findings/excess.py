"""R1, excess loss, on simulated sessions, beside the daily rule and seven sessions in a row below the floor."""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tests.benchmarks.findings import other_laws
from tests.benchmarks.findings.figures import Trial, lines, trial_of_alarms, trial_of_findings
from tests.benchmarks.findings.injected import Injected, drawn, with_losses
from tests.benchmarks.findings.replayed import days_below, replayed, sessions_below
from tests.benchmarks.findings.seasons import SEASONS, VARIANTS, YEAR, Season, Variant, healthy_sessions

TUNING_SEEDS = (11, 12, 13)
REPORTING_SEEDS = (201, 202, 203)
FAULTY_SHARE = 0.3
SINCE_DAYS = (35, 60)
"""Of the season: enough sessions before, and 60 days after."""


@dataclass(frozen=True)
class Scale:
    """How much is simulated."""

    seeds: Sequence[int] = REPORTING_SEEDS
    seasons: Sequence[str] = tuple(SEASONS)
    pairs: int = 300
    variants: Sequence[str] = tuple(VARIANTS)
    healthy_pairs: int = 500
    """For a year, of each seed."""
    register_pairs: int = 200
    """Of each fleet that is simulated reading by reading."""
    rebuilt_pairs: int = 1_000
    """Whose year is made again."""
    kept: Path | None = None
    """Where what was found in readings is kept."""
    other_seeds: Sequence[int] = other_laws.SEEDS
    """Of the fleets of other laws,"""
    other: other_laws.Asked = other_laws.EVERYTHING
    """and which of them, with which limits."""


def measure(scale: Scale) -> Iterable[dict[str, object]]:
    """One line a rule and size for each variant, then healthy fleets of a year."""
    for name in scale.variants:
        trials: list[Trial] = []
        for seed in scale.seeds:
            for season in scale.seasons:
                trials += faulty(SEASONS[season], seed, scale.pairs, VARIANTS[name])
        for line in lines(trials):
            yield {"fleet": name, **line, "seeds": list(scale.seeds), "seasons": list(scale.seasons)}
    if scale.healthy_pairs:
        trials = [
            trial for seed in scale.seeds for trial in healthy(YEAR, seed, scale.healthy_pairs, VARIANTS["as drawn"])
        ]
        for line in lines(trials):
            yield {"fleet": "healthy", **line, "seeds": list(scale.seeds), "seasons": [YEAR.name]}


def faulty(season: Season, seed: int, pairs: int, variant: Variant) -> list[Trial]:
    """All rules on one fleet of which some have a loss."""
    sound = healthy_sessions(season, seed, pairs, variant)
    ids = sound["vehicle_id"].unique().to_list()
    losses = drawn(ids, season, seed, FAULTY_SHARE, SINCE_DAYS)
    sessions = with_losses(sound, losses)
    until_loss = sum((each.since.date() - season.first).days for each in losses)
    years = ((len(ids) - len(losses)) * season.days + until_loss) / 365
    return _trials(sessions, season, losses, years, f"{variant.name}, {season.name}, seed {seed}")


def healthy(season: Season, seed: int, pairs: int, variant: Variant) -> list[Trial]:
    """All rules on one fleet without a loss."""
    sessions = with_losses(healthy_sessions(season, seed, pairs, variant), [])
    return _trials(sessions, season, [], pairs * season.days / 365, f"healthy, {season.name}, seed {seed}")


def _trials(sessions: pl.DataFrame, season: Season, losses: list[Injected], years: float, name: str) -> list[Trial]:
    began = time.monotonic()
    findings = replayed(sessions, season)
    trials = [
        trial_of_findings(findings, sessions, losses, years),
        trial_of_alarms("A0", days_below(sessions), sessions, losses, years),
        trial_of_alarms("7 below", sessions_below(sessions), sessions, losses, years),
    ]
    hit = sum(each.delay_days is not None for each in trials[0].found)
    sys.stderr.write(
        f"{name}: {hit} of {len(losses)} found, {trials[0].false} false, {time.monotonic() - began:.0f} s\n"
    )
    return trials
