"""Fills in the past of the simulated fleet: readings as devices would have sent them, imported, then made day by day.

A process of its own, which ends when all of it is done. It does what a person would do with old data: writes a file,
imports it and runs its days, the oldest first, in one process, which takes half as long as runs of Dagster do.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.local.fleet_history import DUE_NAME, FILE_NAME, MARK, first_closed_day
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import midnight, utc_day
from warehouse.counted import counted
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings
from warehouse.simulation.demo import HISTORY_INTERVAL_S, demo_fleet
from warehouse.simulation.payloads import Body, bodies

if TYPE_CHECKING:
    from warehouse.lifecycle.readings_import import ImportReport

EACH_MINUTE_DAYS = 2
"""So many closed days are of readings each minute, as from today on."""
TELL_EVERY_S = 10.0
IMPORTED = "imported"
"""In the file that says what is due: only the days are."""
PROVISIONED_WITHIN_S = 120.0


@dataclass
class HistoryFilling:
    """One run of it. ``began_s``: when the platform began to start, since 1970."""

    settings: FleetSettings
    url: str
    vehicles: int
    days: int
    makes_days: bool
    began_s: float
    _told_at: float = field(default=float("-inf"))

    def run(self) -> None:
        """Do what is left of it.

        Raises:
            FleetwattError, OSError: it cannot be done now; started again it goes on.
        """
        due = self.settings.home / DUE_NAME
        if not due.exists():
            return
        from warehouse.postgres.ledger.day_locks import making_many_days

        with connect(self.url) as connection, making_many_days(connection):
            if due.read_text() != IMPORTED:
                self._import()
                due.write_text(IMPORTED)
            if self.makes_days:
                self._make_days()
        due.unlink()

    def _import(self) -> None:
        from warehouse.lifecycle.readings_import import import_file
        from warehouse.postgres.hours.device_hours import write_closed_hours

        file = self.settings.home / FILE_NAME
        if not file.exists():
            self._write(file)
        report = import_file(self.url, file, self.settings, self._tell_import)
        if report.failure:
            raise report.failure
        with connect(self.url) as connection:  # or yesterday's hours would be put right an hour from now
            write_closed_hours(connection, lambda _: None)
        file.unlink()
        say(f"{counted(report.accepted, 'reading')} of {counted(len(report.days), 'day')} imported{self._after()}")

    def _write(self, file: Path) -> None:
        """Write the days beside their final name, so that a file that is there is whole."""
        now = datetime.now(UTC)
        first, today = first_closed_day(now, self.settings.grace, self.days), utc_day(now)
        say(f"writing {first} to {today - timedelta(days=1)}")
        unfinished = Path(f"{file}.unfinished")
        with unfinished.open("wb") as target:
            for body in self._bodies(first, today):
                target.write(body.content)
        unfinished.rename(file)

    def _bodies(self, first: date, today: date) -> Iterator[Body]:
        """Older days of fewer readings, then the latest of all."""
        fleet = demo_fleet(self.vehicles)
        change = max(first, today - timedelta(days=EACH_MINUTE_DAYS))
        first_s, change_s, today_s = (int(midnight(day).timestamp()) for day in (first, change, today))
        yield from bodies(fleet, first_s, change_s, every_minutes=HISTORY_INTERVAL_S // 60)
        yield from bodies(fleet, change_s, today_s)

    def _make_days(self) -> None:
        """Run the days that wait, the oldest first. One that fails is left to Dagster, with those after it."""
        import polars as pl

        from dbt_like_sql.catalog import Catalog
        from orchestration.local.history_findings import DATASET, Findings
        from warehouse.lifecycle.daily_pipeline import DailyPipeline
        from warehouse.lifecycle.take_over import open_lake_folder
        from warehouse.postgres.ledger.day_ledger import days_to_run

        self._wait_until_provisioned()
        pipeline = DailyPipeline(self.url, open_lake_folder(self.url, self.settings.lake), Catalog.load())
        with connect(self.url) as connection:
            days = [each.day for each in days_to_run(connection)]
        findings = Findings()
        for made, day in enumerate(days, start=1):
            try:
                pipeline.run(day)
            except FleetwattError as error:
                say(f"{day} is left to Dagster: {error}")
                return
            new = findings.new(day, pl.read_parquet(pipeline.verified(DATASET, day), hive_partitioning=False))
            for line in new:
                say(f"{line}{self._after()}")
            if made in (1, len(days)) or new or self._is_time():
                self._told_at = time.monotonic()
                say(f"{made} of {counted(len(days), 'day')} in the lake; so far {findings.so_far}{self._after()}")

    def _wait_until_provisioned(self) -> None:
        """Settings that come later would have the days made again."""
        deadline = time.monotonic() + PROVISIONED_WITHIN_S
        of_both = "SELECT (SELECT count(model) FROM meters) + (SELECT count(model) FROM vehicles)"
        while time.monotonic() < deadline:
            with connect(self.url) as connection:
                (count,) = connection.execute(of_both).fetchone() or (0,)
            if count >= 2 * self.vehicles:
                return
            time.sleep(0.2)
        say("the simulated fleet has not told the settings of its devices; days are made without them")

    def _tell_import(self, _share: float, report: "ImportReport") -> None:
        if self._is_time():
            self._told_at = time.monotonic()
            say(f"{counted(report.lines, 'reading')} imported")

    def _is_time(self) -> bool:
        return time.monotonic() - self._told_at >= TELL_EVERY_S

    def _after(self) -> str:
        return f" ({time.time() - self.began_s:.0f} s after the start)"


def say(line: str) -> None:
    """A line that the platform tells."""
    sys.stdout.write(f"{MARK}{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Do it with the settings of the environment; exit 1 where it is to be started again."""
    parser = argparse.ArgumentParser(prog="history_filling")
    parser.add_argument("--vehicles", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--began", type=float, required=True)
    parser.add_argument("--make-days", action="store_true")
    given = parser.parse_args()
    settings = FleetSettings()
    try:
        url = str(settings.database_url)
        HistoryFilling(settings, url, given.vehicles, given.days, given.make_days, given.began).run()
    except (FleetwattError, OSError) as error:
        say(f"not filled in yet: {error}")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
