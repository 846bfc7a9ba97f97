"""The past of the simulated fleet: closed days, written to a file as devices would have sent them, and imported.

It happens once, at the first start, in the background. The file lies in HOME until it is imported, so a start that was
interrupted goes on with it.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.local.simulated_fleet import fleet_shown
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import utc_day
from warehouse.counted import counted
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings
from warehouse.simulation.clock import EPOCH
from warehouse.simulation.payloads import bodies

if TYPE_CHECKING:
    from warehouse.lifecycle.readings_import import ImportReport

FILE_NAME = "history.ndjson"
TELL_EVERY_S = 5.0


class FleetHistory:
    """``days`` closed days of ``vehicles`` vehicles, and what lies between them and today.

    Whether it is still to be filled in is decided when this is made: before a live fleet registers its vehicles.
    """

    def __init__(self, settings: FleetSettings, url: str, vehicles: int, days: int, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._vehicles = vehicles
        self._days = days
        self._say = say
        self._file = settings.home / FILE_NAME
        self._told_at = 0.0
        self._is_missing = self._file.exists() or (days > 0 and _has_no_vehicles(url))

    @property
    def first_day(self) -> date | None:
        """The first day that is going to be filled in; None where nothing is."""
        return first_closed_day(datetime.now(UTC), self._settings.grace, self._days) if self._is_missing else None

    def begin(self, url: str) -> None:
        """Begin to fill it in where that was never done, in a thread that ends with the process."""
        if self._is_missing:
            threading.Thread(target=self._fill, args=[url], name="fleet-history", daemon=True).start()

    def _fill(self, url: str) -> None:
        from warehouse.lifecycle.readings_import import import_file
        from warehouse.postgres.hours.device_hours import write_closed_hours  # what only a first start needs

        try:
            if not self._file.exists():
                self._write()
            report = import_file(url, self._file, self._settings, self._tell)
            if report.failure:
                raise report.failure
            with connect(url) as connection:  # or yesterday's hours would be put right an hour from now
                write_closed_hours(connection, lambda _: None)
            self._file.unlink()
        except (FleetwattError, OSError) as error:
            self._say(f"history: not filled in: {error}; the next start tries again")
            return
        self._say(f"history: {counted(report.accepted, 'reading')} of {counted(len(report.days), 'day')} imported")

    def _write(self) -> None:
        """Write the days beside their final name, so that a file that is there is whole."""
        now = datetime.now(UTC)
        first, today = first_closed_day(now, self._settings.grace, self._days), utc_day(now)
        self._say(f"history: writing {first} to {today - timedelta(days=1)}")
        start_s, end_s = (int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in (first, today))
        unfinished = Path(f"{self._file}.unfinished")
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            for body in bodies(fleet_shown(self._vehicles), start_s, end_s):
                file.write(body.content)
        unfinished.rename(self._file)

    def _tell(self, _share: float, report: "ImportReport") -> None:
        if time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            self._say(f"history: {counted(report.lines, 'reading')} imported")


def first_closed_day(now: datetime, grace: timedelta, days: int) -> date:
    """The first of the latest ``days`` days whose grace has passed, whatever the hour; not before the fleet began."""
    last_closed = utc_day(now - grace) - timedelta(days=1)
    return max(last_closed - timedelta(days=days - 1), EPOCH.date())


def _has_no_vehicles(url: str) -> bool:
    with connect(url) as connection:
        return connection.execute("SELECT 1 FROM vehicles LIMIT 1").fetchone() is None
