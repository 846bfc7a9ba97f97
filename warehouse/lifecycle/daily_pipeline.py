"""The daily pipeline of one day: seal -> export -> energy -> models -> checks, each step safe to repeat and to kill.

Called by Dagster, asset by asset, and by the command line, all at once: the steps are the same.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl
import psycopg

from dbt_like_sql.catalog import Catalog
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import PartitionState, Stream
from warehouse.counted import counted
from warehouse.lake.energy_day import (
    DayInputs,
    changed_devices,
    write_boundary_samples,
    write_device_last,
    write_energy,
)
from warehouse.lake.export import TABLES, export_readings, export_table, figures_of_file
from warehouse.lake.late_readings import write_late_readings
from warehouse.lake.models import CheckResult, run_check
from warehouse.lake.publish import is_intact, verified_file, verified_or_queued
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lake.storage.patterns import readable
from warehouse.lake.views import add_views, another_session, start_engine
from warehouse.lifecycle.lake_description import describe_lake
from warehouse.lifecycle.later_days import LAST_SAMPLES, queue_later_days
from warehouse.lifecycle.model_step import ModelStep
from warehouse.lifecycle.pipeline_files import (
    Made,
    current,
    intact_location,
    published,
    require_only_copy,
    written_aside,
)
from warehouse.lifecycle.release import DayRelease
from warehouse.lifecycle.restatement_words import rebuilt_words
from warehouse.lifecycle.session_step import make_sessions
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import (
    days_with_files,
    find_lake_file,
    find_outdated_file,
    list_files_to_read,
    list_unseen_files,
    oldest_releases,
)
from warehouse.postgres.ledger.partition_figures import Figures
from warehouse.postgres.ledger.restatements import NewestRelease, find_newest_release

EXPORTS = (*Stream, *TABLES)
"""What comes out of PostgreSQL."""
BOUNDARY_SAMPLES = (LAST_SAMPLES, "carried_samples")
"""The samples at a day's boundaries, which let each day be computed alone."""
ENERGY = ("hourly_energy", "flagged_steps")
"""What the energy rule makes of a day, in one step."""


class CheckFailedError(FleetwattError):
    """A check of the day's data failed"""

    code = "check_failed"


Say = Callable[[str], None]


@dataclass(frozen=True)
class DailyPipeline:
    """What it takes to run a day: the database, the lake, the models."""

    url: str
    lake: Lake
    catalog: Catalog

    def run(self, day: date, say: Say = lambda _message: None) -> None:
        """Run the whole day.

        Raises:
            DayNotClosedError, DayNotKnownError: it is not time yet, or there is nothing.
            CheckFailedError: a blocking check failed; what depends on its dataset was not built.
        """
        before = self.newest_release(day)
        if sealed := self.seal(day):
            say(f"{day}: sealed {', '.join(sealed)}")
        for stream in Stream:
            say(str(self.export(stream, day)))
            self.require_checks(stream, day, say)
        for table in TABLES:
            say(str(self.export_table(table, day)))
        made_of_exports = (
            self.late_readings(day),
            self.device_last(day),
            self.boundary_samples(day),
            *self.energy(day),
        )
        for made in made_of_exports:
            say(str(made))
            self.require_checks(made.dataset, day, say)
        for made in self.sessions(day):
            say(str(made))
            self.require_checks(made.dataset, day, say)
        for model in self.catalog.in_order():
            if model.kind == "sql":
                say(str(self.model(model.name, day)))
                self.require_checks(model.name, day, say)
        if self.finish(day):
            self._tell_release(day, before, say)
            say(f"{day}: done")
        else:
            say(f"{day}: another run of the day is under way, and ends what is left")

    def seal(self, day: date) -> list[Stream]:
        """Seal a closed day. Sealed already is fine."""
        with connect(self.url) as connection:
            return day_ledger.seal(connection, day)

    def export(self, stream: Stream, day: date) -> Made:
        """Export a sealed day, again if rows came in since or the file is not intact; else leave it."""
        with self._working(day) as connection:
            known = day_ledger.stream_day(connection, stream, day)
            if known.state == PartitionState.DROPPED:
                require_only_copy(connection, self.lake, stream, day)
                return current(connection, self.lake, stream, day)
            if not known.needs_export and is_intact(connection, self.lake, stream, day):
                return current(connection, self.lake, stream, day)
            with written_aside(self.lake, stream, day) as target:
                exported = export_readings(self.url, stream, day, target)

                def confirm(transaction: psycopg.Connection) -> None:
                    figures = asdict(exported.figures)
                    day_ledger.confirm_export(transaction, stream, day, figures, exported.late_row_count)
                    day_ledger.request_build(transaction, day, f"{stream} was exported")

                return published(connection, self.lake, stream, day, target, exported.figures.row_count, confirm)

    def export_table(self, table: str, day: date) -> Made:
        """Export devices or mappings as they are now, beside the readings of the day."""
        with self._working(day) as connection, written_aside(self.lake, table, day) as target:
            with another_session(self._engine) as engine:
                export_table(engine, self.url, table, target)
            return published(connection, self.lake, table, day, target, _parquet_rows(target))

    def late_readings(self, day: date) -> Made:
        """Make the list of when the day's late readings came in."""
        name = "late_readings"
        with self._working(day) as connection, written_aside(self.lake, name, day) as target:
            exported = {stream: verified_file(connection, self.lake, stream, day) for stream in Stream}
            in_postgres = set(Stream).difference(day_ledger.dropped_streams(connection, day))
            before = intact_location(connection, self.lake, name, day)
            rows = write_late_readings(connection, day, exported, sorted(in_postgres), before, target)
            return published(connection, self.lake, name, day, target, rows)

    def device_last(self, day: date) -> Made:
        """Make the day's last samples. A rebuild of later days that began from another one is queued."""
        name = LAST_SAMPLES
        with self._working(day) as connection, written_aside(self.lake, name, day) as target:
            meters, vehicles = (verified_file(connection, self.lake, stream, day) for stream in Stream)
            rows = write_device_last(meters, vehicles, target)
            changed = changed_devices(intact_location(connection, self.lake, name, day), target)

            def confirm(transaction: psycopg.Connection) -> None:
                queue_later_days(transaction, self.lake, day, changed)

            return published(connection, self.lake, name, day, target, rows, confirm)

    def boundary_samples(self, day: date) -> Made:
        """Make the samples that the day begins from: each device's last one before it."""
        last, name = BOUNDARY_SAMPLES
        with self._working(day) as connection, written_aside(self.lake, name, day) as target:
            day_ledger.begin_build(connection, day)
            earlier = [
                verified_or_queued(connection, self.lake, last, each)
                for each in days_with_files(connection, last)
                if each < day
            ]
            of_the_day = verified_file(connection, self.lake, last, day)
            rows = write_boundary_samples(earlier, of_the_day, target)
            return published(connection, self.lake, name, day, target, rows)

    def energy(self, day: date) -> tuple[Made, Made]:
        """Apply the energy rule to the day: ``hourly_energy`` and ``flagged_steps``."""
        hourly_name, flagged_name = ENERGY
        with (
            self._working(day) as connection,
            written_aside(self.lake, hourly_name, day) as hourly,
            written_aside(self.lake, flagged_name, day) as flagged,
        ):
            files = {name: verified_file(connection, self.lake, name, day) for name in DayInputs._fields}
            rows = write_energy(DayInputs(**files), day, hourly, flagged)
            return (
                published(connection, self.lake, hourly_name, day, hourly, rows.hourly_energy),
                published(connection, self.lake, flagged_name, day, flagged, rows.flagged_steps),
            )

    def sessions(self, day: date) -> tuple[Made, ...]:
        """Find the sessions that ended on the day, what devices drew between them, and what goes on (``SESSIONS``)."""
        with self._working(day) as connection:
            return make_sessions(connection, self.lake, day)

    def model(self, name: str, day: date) -> Made:
        """Build one SQL model of a day."""
        with self._working(day) as connection:
            return ModelStep(connection, self._engine, self.lake, self.catalog, self.catalog.models[name], day).make()

    def build_models(self, day: date, names: Iterable[str], say: Say = lambda _message: None) -> None:
        """Build these SQL models of a day that is built, and what is made from them; then readers see them.

        Raises:
            ModelFailedError, CheckFailedError: as when the day is run.
            MissingFileError, DamagedFileError: what they read is not there as it was published.
        """
        made = [name for name in self.catalog.with_downstream(names) if self.catalog.models[name].kind == "sql"]
        before = self.newest_release(day)
        for name in made:
            say(str(self.model(name, day)))
            self.require_checks(name, day, say)
        self.release(day, made)
        self._tell_release(day, before, say)

    def verified(self, dataset: str, day: date) -> str:
        """A published file of a day, its hash checked, for whoever tells of it.

        Raises:
            MissingFileError, DamagedFileError: it is not what was published; a rebuild of its day is queued.
        """
        with connect(self.url) as connection:
            return verified_or_queued(connection, self.lake, dataset, day)

    def figures(self, stream: Stream, location: str) -> Figures:
        """The figures of an exported file, as it is on disk."""
        with another_session(self._engine) as engine:
            return figures_of_file(engine, stream, location)

    def checks(self, dataset: str, day: date) -> list[CheckResult]:
        """Run the declared checks of one dataset on a day."""
        model = self.catalog.models[dataset]
        # A view costs a look into its file, so what the checks read is opened and no more.
        read = {name for check in model.checks for name in check.depends_on}
        with connect(self.url) as connection, another_session(self._engine) as session:
            files = list_files_to_read(connection, read, day, model.lookback_days)
            models = [self.catalog.models[name] for name in read]
            add_views(session, Snapshot.of(self.lake, files), models, day, model.lookback_days)
            return [run_check(session, check) for check in model.checks]

    def require_checks(self, dataset: str, day: date, say: Say = lambda _message: None) -> None:
        """Run the declared checks, say which warn, and stop the pipeline at one that failed.

        Raises:
            CheckFailedError: it says in plain words what is wrong.
        """
        results = self.checks(dataset, day)
        for result in results:
            if not result.passed and not result.stops:
                say(f"{day}: warning: {_in_words(result)}")
        if failed := [result for result in results if result.stops]:
            raise CheckFailedError(f"{dataset} of {day}: {'; '.join(map(_in_words, failed))}")

    def finish(self, day: date) -> bool:
        """Let readers see the day as it is built now, up to the request that was open when its energy was begun.

        False where another run of the day has begun meanwhile: what there is now is of two builds, and is left to it.
        """
        with self._working(day) as connection:
            if find_outdated_file(connection, day, self._inputs()):
                return False
            self._release(connection, day).make(lambda transaction: day_ledger.confirm_build(transaction, day))
            describe_lake(connection, self.lake, self.catalog)
        return True

    def release(self, day: date, checked: Collection[str]) -> None:
        """Let readers see models that were made of a day by themselves, where nothing is left that must follow them.

        ``checked``: what was found right just now. Other models that readers do not see yet are checked again: they may
        be unseen because they failed. What a day's first build has made so far is no release, nor is what has no
        SELECT: ``finish`` makes it one when all of the day is there.

        Raises:
            CheckFailedError: one of the others is wrong.
        """
        with self._working(day) as connection:
            if not oldest_releases(connection, day) or find_outdated_file(connection, day, self._inputs()):
                return
            unseen = [file.dataset for file in list_unseen_files(connection, self.catalog.models, day)]
            if any(self.catalog.models[name].kind != "sql" for name in unseen):
                return
            for name in unseen:
                if name not in checked:
                    self.require_checks(name, day)
            if self._release(connection, day).make():
                describe_lake(connection, self.lake, self.catalog)

    def newest_release(self, day: date) -> NewestRelease:
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

    def _release(self, connection: psycopg.Connection, day: date) -> DayRelease:
        return DayRelease(connection, self._engine, self.lake, self.catalog, day)

    def _inputs(self) -> Iterator[tuple[str, str]]:
        """Which dataset is made of which, within a day."""
        last, boundary = BOUNDARY_SAMPLES
        yield boundary, last
        for model in self.catalog.in_order():
            if model.kind != "release":  # that is made when all others are of one build
                yield from ((model.name, name) for name in model.depends_on)

    def _tell_release(self, day: date, before: NewestRelease, say: Say) -> None:
        """Check what the release wrote, and tell of what it restated, where it is another one than before."""
        for made in self.restatements(day):
            self.require_checks(made.dataset, day)
        newest = self.newest_release(day)
        if newest.summary and newest.release != before.release:
            say(rebuilt_words(day, newest.release, newest.summary))

    @contextmanager
    def _working(self, day: date) -> Iterator[psycopg.Connection]:
        with connect(self.url) as connection, day_ledger.day_held(connection, day):
            yield connection

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        return start_engine(self.lake.spill)


def _in_words(result: CheckResult) -> str:
    return f"{result.check.description} ({counted(result.failing_rows, 'row')})"


def _parquet_rows(path: Path) -> int:
    return int(pl.scan_parquet(readable(path)).select(pl.len()).collect().item())
