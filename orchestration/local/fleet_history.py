"""The past of the simulated fleet: whether it is still to be filled in, and the process that does it.

It happens once, at the first start, beside the rest of it. Files in HOME say how far it is, so a start that was
interrupted goes on with it.
"""

import sys
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from orchestration.processes.child_environment import of_a_job
from orchestration.processes.child_process import Child
from warehouse.contract.partitions import utc_day
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings
from warehouse.simulation.clock import EPOCH

FILE_NAME = "history.ndjson"
"""The readings, until they are imported."""
DUE_NAME = "history.due"
"""There until all is done."""
MANY_DAYS = 7
"""Of more than these it is told how far they are, and not of each."""
MARK = "history: "
"""How its lines begin that are told."""


class FleetHistory:
    """``days`` closed days of ``vehicles`` vehicles, and what lies between them and today."""

    def __init__(self, settings: FleetSettings, vehicles: int, days: int) -> None:
        self._settings = settings
        self._vehicles = vehicles
        self._days = days
        self._due = settings.home / DUE_NAME

    def prepare(self, url: str) -> date | None:
        """See whether it is to be filled in, before a live fleet registers its vehicles; the first day if it is."""
        is_unfinished = self._due.exists() or (self._settings.home / FILE_NAME).exists()
        if not is_unfinished and (not self._days or not _has_no_vehicles(url)):
            return None
        self._due.touch()
        return first_closed_day(datetime.now(UTC), self._settings.grace, self._days)

    def child(self, environment: Mapping[str, str], log: Path, *, makes_days: bool) -> Child:
        """The process that fills it in, and with ``makes_days`` runs the days; without anything to do it ends."""
        options = ["--vehicles", str(self._vehicles), "--days", str(self._days), "--began", f"{time.time():.0f}"]
        return Child(
            name="history",
            command=[
                *(sys.executable, "-P", "-m", "orchestration.local.history_filling"),
                *(options if not makes_days else [*options, "--make-days"]),
            ],
            log=log,
            environment=environment,
            inherits=of_a_job,
            ready=lambda: True,  # nobody waits for it
            essential=False,
            ends=True,
            told_mark=MARK,
        )

    def tells_of(self, day: date) -> bool:
        """Whether it tells how far it is, so that nobody else needs to tell of this day."""
        return self._days > MANY_DAYS and self._due.exists() and day < utc_day(datetime.now(UTC))


def first_closed_day(now: datetime, grace: timedelta, days: int) -> date:
    """The first of the latest ``days`` days whose grace has passed, whatever the hour; not before the fleet began."""
    last_closed = utc_day(now - grace) - timedelta(days=1)
    return max(last_closed - timedelta(days=days - 1), EPOCH.date())


def _has_no_vehicles(url: str) -> bool:
    with connect(url) as connection:
        return connection.execute("SELECT 1 FROM vehicles LIMIT 1").fetchone() is None
