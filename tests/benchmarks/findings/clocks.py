"""R1 behind clocks that are off: losses of pairs whose sides are hours apart, and of the same pairs with right ones.

From readings each five minutes; the clocks are off from before the losses begin, until the end.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.findings.end_to_end import SIZES, true_sessions
from tests.benchmarks.findings.figures import Trial, lines, trial_of_findings
from tests.benchmarks.findings.from_registers import kept_registers
from tests.benchmarks.findings.injected import Injected, Kind
from tests.benchmarks.findings.replayed import ever_opened
from tests.benchmarks.findings.seasons import SEASONS
from warehouse.simulation.clock import EPOCH, YEAR_DAYS
from warehouse.simulation.faults import CLOCKS, FaultKind, Planted
from warehouse.simulation.fleet import Fleet

INTERVAL_MINUTES = 5
LAGS_S = (3_900, -10_800, 50_400, 7_198, -5_400)
OFF_SINCE_DAYS, LOST_SINCE_DAYS = (3, 15), (45, 60)
"""Of the season."""
SEASON = SEASONS["autumn"]


def measure(seeds: Sequence[int], pairs: int, folder: Path | None) -> Iterable[dict[str, object]]:
    """One line a size, and one for all, of fleets of which each pair has a loss."""
    for name, is_off in (("off", True), ("right", False)):
        trials = [_trial(seed, pairs, folder / name if folder else None, is_off=is_off) for seed in seeds]
        for line in lines(trials):
            yield {"clocks": name, **line, "seeds": list(seeds)}


def _trial(seed: int, pairs: int, folder: Path | None, *, is_off: bool) -> Trial:
    first_day = (SEASON.first - EPOCH.date()).days
    draws = np.random.default_rng([seed, 5])
    clocks = [
        Planted(sorted(CLOCKS)[number % 2], number, first_day + int(day), LAGS_S[number % len(LAGS_S)])
        for number, day in enumerate(draws.integers(*OFF_SINCE_DAYS, pairs))
    ]
    losses = [
        Planted(FaultKind.CHARGER_STEP, number, first_day + int(day), SIZES[number % len(SIZES)])
        for number, day in enumerate(draws.integers(*LOST_SINCE_DAYS, pairs))
    ]
    fleet = Fleet(pairs, seed, fault_share=0.0, planted=[*(clocks if is_off else ()), *losses])
    injected = [
        Injected(each.number + 1, Kind.STEP, each.size, each.since)
        for each in fleet.world.faults(1)
        if each.kind is FaultKind.CHARGER_STEP
    ]
    days = list(kept_registers(fleet, SEASON, seed, INTERVAL_MINUTES, folder).findings_of_days(SEASON))
    healthy_days = sum((each.since.date() - SEASON.first).days for each in injected)
    truth = true_sessions(fleet, SEASON)
    trial = trial_of_findings(ever_opened(days), truth, injected, healthy_days / YEAR_DAYS)
    missed = [str(each.loss) for each in trial.found if each.delay_days is None]
    sys.stderr.write(
        "".join(f"clocks {'off' if is_off else 'right'}, seed {seed}, missed: {each}\n" for each in missed)
    )
    return trial
