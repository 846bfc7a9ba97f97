"""How long it takes to make the losses of a whole year again, day after day, from files to files."""

import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from tests.benchmarks.findings.injected import drawn, with_losses
from tests.benchmarks.findings.seasons import VARIANTS, YEAR, healthy_sessions
from tests.benchmarks.findings.speed import SESSIONS, SIMULATED_PAIRS, copied, write_devices
from warehouse.data_faults.schemas import DATA_FAULTS
from warehouse.lifecycle.loss_step import LOSSES
from warehouse.losses.loss_day import lookback_days
from warehouse.losses.loss_files import FAULTS, MODES, SAMPLES, LossFiles, Source, write_losses
from warehouse.sessions.schemas import CHARGING_SESSIONS

FAULTY_SHARE = 0.05
SINCE_DAYS = (35, 330)
CARRIED = ("fleet_fits", "first_day_verdicts", "loss_findings")
TOLD_EACH_DAYS = 30
"""How often progress is told."""


def measure(pairs: int, seed: int, days: int = YEAR.days) -> Iterable[dict[str, object]]:
    """Minutes of all days, and of which most: sessions of 250 simulated pairs, as often as it takes."""
    simulated = min(pairs, SIMULATED_PAIRS)
    copies = range(-(-pairs // simulated))
    sessions = _sessions(simulated, seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_devices(folder, len(copies) * simulated)
        files = LossFiles(*(folder / f"{each}.parquet" for each in LossFiles._fields))
        no_faults = folder / "no_faults.parquet"
        pl.DataFrame(schema=DATA_FAULTS).write_parquet(no_faults)
        made: dict[date, Mapping[str, Path]] = {}
        took: list[float] = []
        cpu_began = time.process_time()
        for day in (YEAR.first + timedelta(days=number) for number in range(days)):
            copied(sessions[day], copies, simulated).write_parquet(folder / f"{SESSIONS}.parquet")
            began = time.perf_counter()
            targets = {each: folder / f"{each}-{day}.parquet" for each in LOSSES}
            carried = {each: made[day - timedelta(days=1)][each] for each in CARRIED} if made else {}
            write_losses(files, _sources(made, day, no_faults), day, carried, targets)
            made[day] = targets
            took.append(time.perf_counter() - began)
            if len(took) % TOLD_EACH_DAYS == 0:
                sys.stderr.write(f"rebuild: {len(took)} of {days} days, {sum(took):.0f} s\n")
        last = pl.read_parquet(made[YEAR.first + timedelta(days=days - 1)]["loss_findings"])
        yield {
            "pairs": len(copies) * simulated,
            "days": days,
            "open_at_the_end": last.filter(pl.col("state") == "open").height,
            "minutes": round(sum(took) / 60, 1),
            "cpu_minutes": round((time.process_time() - cpu_began) / 60, 1),
            "longest_day_s": round(max(took), 2),
        }


def _sessions(pairs: int, seed: int) -> Mapping[date, pl.DataFrame]:
    """``charging_sessions`` of each day of the year, of a fleet some of whose pairs have a loss."""
    healthy = healthy_sessions(YEAR, seed, pairs, VARIANTS["as drawn"])
    losses = drawn(healthy["vehicle_id"].unique().to_list(), YEAR, seed, FAULTY_SHARE, SINCE_DAYS)
    sessions = with_losses(healthy, losses)
    missing = {name: dtype for name, dtype in CHARGING_SESSIONS.items() if name not in sessions.columns}
    whole = sessions.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in missing.items())
    whole = whole.select(*CHARGING_SESSIONS.names(), "day")
    return {day: of_day.drop("day") for (day,), of_day in whole.partition_by("day", as_dict=True).items()}


def _sources(made: Mapping[date, Mapping[str, Path]], day: date, no_faults: Path) -> Iterable[Source]:
    earlier = [each for each in made if each >= day - timedelta(days=lookback_days())]
    for dataset in (SAMPLES, MODES):
        yield from (Source(dataset, each, "", made[each][dataset]) for each in earlier)
    yield from (Source(FAULTS, each, "", no_faults) for each in (*earlier, day))
