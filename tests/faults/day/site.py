"""A database, a lake, and the product's own commands on them: one round's alone."""

import os
import signal
import sys
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

from dbt_like_sql.catalog import Catalog
from orchestration.cli.main import main
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.readings_import import import_file
from warehouse.lifecycle.retention import Retention
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import days_to_run
from warehouse.settings import FleetSettings

CATALOG = Catalog.load()
ENDS_WITHIN_S = 120.0
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(["__main__", __name__])
"""A command that was imported before it is started: most of what it takes the time for otherwise."""


class Command:
    """A command of Fleetwatt in a process of its own."""

    def __init__(
        self, words: tuple[str, ...], environment: dict[str, str], folder: Path, *, is_alone: bool = False
    ) -> None:
        """``folder``: where it works, and where what it says is kept. ``is_alone``: as the installed command, which
        root may have begin again as another account.
        """
        self._log = folder / f"{words[0]}.log"
        self._process = _PROCESSES.Process(target=_run, args=(words, environment, self._log, is_alone), daemon=True)
        self._process.start()

    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return not self._process.is_alive()

    def has_ended_within(self, seconds: float) -> bool:
        """The same, waiting so long for it."""
        self._process.join(seconds)
        return self.has_ended()

    def kill(self) -> bool:
        """SIGKILL; False where it had ended by itself."""
        self._process.kill()
        self._process.join()
        return self._process.exitcode == -signal.SIGKILL

    def ended(self, within_s: float = ENDS_WITHIN_S) -> int:
        """Its exit code, once it has ended; a killed process's where that takes too long."""
        self._process.join(within_s)
        if not self.has_ended():
            self.kill()
        return self._process.exitcode or 0

    @property
    def said(self) -> str:
        """The end of what it has said."""
        return self._log.read_text(errors="replace")[-500:]


def _run(words: tuple[str, ...], environment: dict[str, str], log: Path, is_alone: bool) -> None:
    """What the installed ``fleetwatt`` does; unless alone here and by this account."""
    for name in [name for name in os.environ if name.startswith("FLEET_")]:
        del os.environ[name]
    os.environ.update(environment)
    os.chdir(log.parent)  # no .env of a developer's is read
    with log.open("ab") as said:
        for stream in (1, 2):
            os.dup2(said.fileno(), stream)
    sys.argv = ["fleetwatt", *words]
    main(in_its_own_process=is_alone)


@dataclass
class Site:
    """``home`` holds the lake; the database is that of ``url``."""

    url: str
    home: Path
    commands: list[Command] = field(default_factory=list)

    @property
    def lake(self) -> Lake:
        """The lake that every command of this site works on."""
        return Lake(self.home / "lake")

    @cached_property
    def settings(self) -> FleetSettings:
        """What the commands find in their environment."""
        return FleetSettings(_env_file=None, database_url=self.url, home=self.home)

    def start(self, *words: str) -> Command:
        """Start ``fleetwatt`` with these words."""
        environment = {"FLEET_DATABASE_URL": self.url, "FLEET_HOME": str(self.home)}
        self.commands.append(Command(words, environment, self.home))
        return self.commands[-1]

    def end_commands(self) -> None:
        """Kill what still runs."""
        for command in self.commands:
            command.kill()

    def run_days(self) -> None:
        """Run every day that the ledger lists, as the sensor would."""
        pipeline = DailyPipeline(self.url, self.lake, CATALOG)
        with connect(self.url) as connection:
            while days := days_to_run(connection):
                pipeline.run(days[0].day)

    def retain(self) -> None:
        """Drop the old days."""
        list(Retention(self.url, self.lake, self.settings.retention).drop_old())

    def import_and_run(self, file: Path) -> None:
        """Import a file, and run the days that it concerns."""
        report = import_file(self.url, file, self.settings)
        if report.failure:
            raise report.failure
        self.run_days()
