"""When readers see what was made of a day: all of one build at once, and never a part that failed a check."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date

import duckdb
import psycopg

from dbt_like_sql.catalog import Catalog
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.charging_step import copy_charging, copy_efficiency
from warehouse.lifecycle.day_checks import DayChecks
from warehouse.lifecycle.findings_step import tell_findings
from warehouse.lifecycle.lake_description import describe_lake
from warehouse.lifecycle.later_days import BOUNDARY_SAMPLES
from warehouse.lifecycle.pipeline_files import Made, current, working_on
from warehouse.lifecycle.release import DayRelease
from warehouse.lifecycle.restatement_words import rebuilt_words
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import (
    find_lake_file,
    find_outdated_file,
    list_unseen_files,
    oldest_releases,
)
from warehouse.postgres.ledger.restatements import NewestRelease, find_newest_release


@dataclass(frozen=True)
class DayReleases:
    """The releases of all days."""

    url: str
    engine: duckdb.DuckDBPyConnection
    lake: Lake
    catalog: Catalog
    checks: DayChecks

    def finish(self, day: date) -> bool:
        """Let readers see the day as it is built now, up to the request that was open when its energy was begun.

        False where another run of the day has begun meanwhile: what there is now is of two builds, and is left to it.
        """
        with working_on(self.url, day) as connection:
            if find_outdated_file(connection, day, self._inputs()):
                return False

            def confirm(transaction: psycopg.Connection) -> None:
                self._write_with_it(transaction, day)
                day_ledger.confirm_build(transaction, day)

            self._release(connection, day).make(confirm)
            describe_lake(connection, self.lake, self.catalog)
        return True

    def add(self, day: date, checked: Collection[str]) -> None:
        """Let readers see models that were made of a day by themselves, where nothing is left that must follow them.

        ``checked``: what was found right just now. Other models that readers do not see yet are checked again: they may
        be unseen because they failed. What a day's first build has made so far is no release, nor is what has no
        SELECT: ``finish`` makes it one when all of the day is there.

        Raises:
            CheckFailedError: one of the others is wrong.
        """
        with working_on(self.url, day) as connection:
            if not oldest_releases(connection, day) or find_outdated_file(connection, day, self._inputs()):
                return
            unseen = [file.dataset for file in list_unseen_files(connection, self.catalog.models, day)]
            if any(self.catalog.models[name].kind != "sql" for name in unseen):
                return
            for name in unseen:
                if name not in checked:
                    self.checks.require(name, day)
            if self._release(connection, day).make(lambda transaction: self._write_with_it(transaction, day)):
                describe_lake(connection, self.lake, self.catalog)

    def newest(self, day: date) -> NewestRelease:
        """The release of a day that readers see, and what it changed of what they saw before."""
        with connect(self.url) as connection:
            return find_newest_release(connection, day)

    def restatements(self, day: date) -> list[Made]:
        """What was written of the day's restatements when it was released; nothing where it never was."""
        model = self.catalog.release_log
        with connect(self.url) as connection:
            if model is None or find_lake_file(connection, model.name, day) is None:
                return []
            return [current(connection, self.lake, model.name, day)]

    def tell(self, day: date, before: NewestRelease, say: Callable[[str], None]) -> None:
        """Check what the release wrote, and tell of what it restated, where it is another one than before."""
        for made in self.restatements(day):
            self.checks.require(made.dataset, day)
        newest = self.newest(day)
        if newest.summary and newest.release != before.release:
            say(rebuilt_words(day, newest.release, newest.summary))

    def _write_with_it(self, transaction: psycopg.Connection, day: date) -> None:
        """What PostgreSQL has of a day for people and the API becomes true with the release."""
        tell_findings(transaction, self.lake, day)
        copy_charging(transaction, self.lake, day)
        copy_efficiency(transaction, self.lake, day)

    def _release(self, connection: psycopg.Connection, day: date) -> DayRelease:
        return DayRelease(connection, self.engine, self.lake, self.catalog, day)

    def _inputs(self) -> Iterator[tuple[str, str]]:
        """Which dataset is made of which, within a day."""
        last, boundary = BOUNDARY_SAMPLES
        yield boundary, last
        for model in self.catalog.in_order():
            if model.kind != "release":  # that is made when all others are of one build
                yield from ((model.name, name) for name in model.depends_on)
