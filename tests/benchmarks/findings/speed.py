"""How long the losses of one day of a large fleet take, from files to files, with half a year behind it."""

import hashlib
import resource
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from tests.benchmarks.findings.seasons import VARIANTS, YEAR, healthy_sessions
from warehouse.data_faults.schemas import DATA_FAULTS
from warehouse.lifecycle.loss_step import LOSSES
from warehouse.losses.loss_files import FAULTS, SAMPLES, LossFiles, Source, write_losses
from warehouse.losses.sample import fleet_temperatures, sample
from warehouse.losses.schemas import ACCEPTED
from warehouse.losses.settings import SETTINGS
from warehouse.sessions.schemas import CHARGING_SESSIONS

SIMULATED_PAIRS = 250
SESSIONS = "charging_sessions"


def measure(pairs: int, seed: int) -> Iterable[dict[str, object]]:
    """Seconds of a day on which the week's fit is made, and of one that has it, and the peak of the memory."""
    day = YEAR.first + timedelta(days=SETTINGS.history_days - 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = write_history(folder, pairs, seed, day)
        files = LossFiles(*(folder / f"{each}.parquet" for each in LossFiles._fields))
        targets = {each: folder / f"{each}-of-{day}.parquet" for each in LOSSES}
        before_mb = _peak_mb()
        for carried in ({}, {name: targets[name] for name in ("fleet_fits", "first_day_verdicts")}):
            began, cpu_began = time.perf_counter(), time.process_time()
            for source in sources:
                hashlib.sha256(Path(str(source.location)).read_bytes())
            were_read = time.perf_counter()
            rows = write_losses(files, sources, day, carried, targets)
            yield {
                "pairs": pairs,
                "fit": "carried" if carried else "made",
                "scored_pairs": rows["charger_scores"],
                "hashes_s": round(were_read - began, 2),
                "losses_s": round(time.perf_counter() - were_read, 2),
                "cpu_s": round(time.process_time() - cpu_began, 2),
                "peak_mb_above_start": round(_peak_mb() - before_mb),
            }


def write_history(folder: Path, pairs: int, seed: int, day: date) -> list[Source]:
    """Write samples of the half year before a day, and what the losses of the day are made from besides.

    Sessions are those of 250 simulated pairs, as often as it takes.
    """
    simulated = min(pairs, SIMULATED_PAIRS)
    half_year = replace(YEAR, days=SETTINGS.history_days)
    sessions = healthy_sessions(half_year, seed, simulated, VARIANTS["as drawn"])
    rows = sample(sessions, fleet_temperatures(sessions))
    copies = range(-(-pairs // simulated))
    sources = []
    for (each,), of_day in rows.partition_by("day", as_dict=True).items():
        if each < day:
            sources.append(_written(folder, SAMPLES, each, copied(of_day.drop("day"), copies, simulated)))
            sources.append(_written(folder, FAULTS, each, pl.DataFrame(schema=DATA_FAULTS)))
    missing = {name: dtype for name, dtype in CHARGING_SESSIONS.items() if name not in sessions.columns}
    whole = sessions.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in missing.items())
    last = whole.filter(pl.col("day") == day).select(CHARGING_SESSIONS.names())
    copied(last, copies, simulated).write_parquet(folder / f"{SESSIONS}.parquet")
    write_devices(folder, len(copies) * simulated)
    return sorted(sources, key=lambda source: (source.dataset, source.day))


def write_devices(folder: Path, count: int) -> None:
    """Write meters and vehicles of these numbers, from 1, of which nobody accepted a loss."""
    pl.DataFrame(schema=ACCEPTED).write_parquet(folder / "accepted_losses.parquet")
    ids = pl.Series(range(1, count + 1), dtype=pl.Int32)
    for kind in ("meter", "vehicle"):
        devices = pl.DataFrame({f"{kind}_id": ids}).with_columns(
            resolution_kwh=0.001, expected_interval_s=pl.lit(60, pl.Int32), model=pl.lit(None, pl.String)
        )
        devices.write_parquet(folder / f"{kind}s.parquet")


def copied(rows: pl.DataFrame, copies: range, simulated: int) -> pl.DataFrame:
    """The rows of as many pairs, over and over under other ids."""
    return pl.concat(
        rows.with_columns(pl.col("vehicle_id", "meter_id") + number * simulated, pl.col("session_id") + f"-{number}")
        for number in copies
    )


def _written(folder: Path, dataset: str, day: date, rows: pl.DataFrame) -> Source:
    file = folder / f"{dataset}-{day}.parquet"
    rows.write_parquet(file)
    return Source(dataset, day, "", file)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
