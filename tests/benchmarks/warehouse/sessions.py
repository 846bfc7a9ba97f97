"""Sessions and standby of a full-size day: files of the lake in, files of the lake out, in a process of its own."""

from pathlib import Path
from statistics import median

import polars as pl

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.own_process import Work, run_alone
from tests.benchmarks.warehouse.session_files import SessionDay, write_session_day
from tests.benchmarks.warehouse.stand import WarehouseStand
from warehouse.lifecycle.session_step import SESSIONS
from warehouse.sessions.schemas import CLOCK_LAGS
from warehouse.sessions.session_files import write_sessions


def measure(stand: WarehouseStand) -> None:
    """Tell what the sessions of a day take."""
    folder = stand.home / "sessions"
    stand.report.say(f"  writing a day of {stand.scale.devices:,} pairs, and the evening before")
    day = write_session_day(folder, stand.scale.devices, stand.day)
    rounds = [run_alone(sessions, day, folder) for _ in range(stand.scale.rounds)]
    for ran in rounds:
        stand.report.say(f"  {ran.seconds:.2f} s, {ran.peak_mb:.0f} MB")
    stand.report.add(
        Figure("sessions_of_a_day", median(ran.seconds for ran in rounds), "s"),
        Figure("sessions_of_a_day_peak_memory", max(ran.peak_mb for ran in rounds), "MB"),
    )


def sessions(day: SessionDay, folder: Path) -> Work:
    """Find the sessions, and write all four results."""
    targets = {name: folder / f"{name}.parquet" for name in SESSIONS}
    lags = pl.DataFrame(schema=CLOCK_LAGS)
    return lambda: write_sessions(day.files, lags, day.day, {"open_islands": day.open_islands}, targets)
