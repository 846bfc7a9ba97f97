"""How long R1 takes for one day of a large fleet that has half a year behind it."""

import resource
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from tests.benchmarks.findings.seasons import VARIANTS, YEAR, healthy_sessions
from warehouse.losses.charger_scores import Known, charger_scores
from warehouse.losses.findings import findings_of_day
from warehouse.losses.fleet_fit import fleet_fit
from warehouse.losses.panel import Panel
from warehouse.losses.sample import SAMPLE, fleet_temperatures, sample
from warehouse.losses.schemas import ACCEPTED
from warehouse.losses.settings import SETTINGS

SIMULATED_PAIRS = 250


def measure(pairs: int, seed: int) -> Iterable[dict[str, object]]:
    """Seconds of each step, and the peak of the memory: sessions of 250 pairs, as often as it takes."""
    rows = sample_of(pairs, seed)
    day = YEAR.first + timedelta(days=SETTINGS.history_days - 1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sample.parquet"
        rows.write_parquet(file)
        del rows
        before_mb = _peak_mb()
        began = time.perf_counter()
        read = pl.read_parquet(file).cast(SAMPLE)
        was_read = time.perf_counter()
        fit = fleet_fit(Panel.of(read))
        was_fitted, cpu_began = time.perf_counter(), time.process_time()
        told = charger_scores(read, fit.coefficients, Known.nothing(), day)
        was_scored, cpu_s = time.perf_counter(), time.process_time() - cpu_began
        none = pl.DataFrame(schema=ACCEPTED)
        findings_of_day(told.scores, Known.nothing().findings, none, day)
        was_folded = time.perf_counter()
    yield {
        "pairs": pairs,
        "sessions": read.height,
        "scored_pairs": told.scores.height,
        "read_s": round(was_read - began, 2),
        "weekly_fit_s": round(was_fitted - was_read, 2),
        "scores_s": round(was_scored - was_fitted, 2),
        "scores_cpu_s": round(cpu_s, 2),
        "findings_s": round(was_folded - was_scored, 2),
        "peak_mb_above_start": round(_peak_mb() - before_mb),
    }


def sample_of(pairs: int, seed: int) -> pl.DataFrame:
    """The sample of half a year of a fleet."""
    simulated = min(pairs, SIMULATED_PAIRS)
    half_year = replace(YEAR, days=SETTINGS.history_days)
    sessions = healthy_sessions(half_year, seed, simulated, VARIANTS["as drawn"])
    rows = sample(sessions, fleet_temperatures(sessions))
    copies = [
        rows.with_columns(pl.col("vehicle_id", "meter_id") + number * simulated)
        for number in range(-(-pairs // simulated))
    ]
    return pl.concat(copies).filter(pl.col("vehicle_id") <= pairs)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
