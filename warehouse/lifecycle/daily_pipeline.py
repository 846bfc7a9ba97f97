"""The daily pipeline of one day: seal -> export -> energy -> models -> checks, each step safe to repeat and to kill.

Called by Dagster, asset by asset, and by the command line, all at once: the steps are the same.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

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
from warehouse.lake.export import TABLES, export_readings, export_table
from warehouse.lake.lake_readme import explain_lake
from warehouse.lake.models import CheckResult, build_model, run_check
from warehouse.lake.paths import Lake
from warehouse.lake.publish import (
    ONLY_COPY,
    is_intact,
    is_settled,
    publish,
    verified_file,
    verified_or_queued,
)
from warehouse.lake.views import add_views, another_session, start_engine
from warehouse.lifecycle.restatement import LAST_SAMPLES, queue_later_days
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import find_lake_file
from warehouse.postgres.ledger.lake_overview import published_datasets

EXPORTS = (*Stream, *TABLES)
"""What comes out of PostgreSQL."""
BOUNDARY_SAMPLES = (LAST_SAMPLES, "carried_samples")
"""The samples at a day's boundaries, which let each day be computed alone."""
ENERGY = ("hourly_energy", "flagged_steps")
"""What the energy rule makes of a day, in one step."""


class LakeFullError(FleetwattError):
    """The lake cannot be written"""

    code = "lake_full"


class OnlyCopyDamagedError(FleetwattError):
    """The file of a dropped day is lost or damaged"""

    code = "only_copy_damaged"


class CheckFailedError(FleetwattError):
    """A check of the day's data failed"""

    code = "check_failed"


class Made(NamedTuple):
    """A published file of the lake."""

    dataset: str
    day: date
    rows: int
    size_bytes: int
    version: int
    is_new: bool
    """False where the file was there already, as it should be."""


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
        if sealed := self.seal(day):
            say(f"{day}: sealed {', '.join(sealed)}")
        for stream in Stream:
            say(_line(self.export(stream, day)))
            self.require_checks(stream, day)
        for table in TABLES:
            say(_line(self.export_table(table, day)))
        for made in (self.device_last(day), self.boundary_samples(day), *self.energy(day)):
            say(_line(made))
            self.require_checks(made.dataset, day)
        for model in self.catalog.in_order():
            if model.kind == "sql":
                say(_line(self.model(model.name, day)))
                self.require_checks(model.name, day)
        self.finish(day)
        say(f"{day}: done")

    def seal(self, day: date) -> list[Stream]:
        """Seal a closed day. Sealed already is fine."""
        with connect(self.url) as connection:
            return day_ledger.seal(connection, day)

    def export(self, stream: Stream, day: date) -> Made:
        """Export a sealed day, again if rows came in since or the file is not intact; else leave it."""
        with self._working(day) as connection:
            known = day_ledger.stream_day(connection, stream, day)
            if known.state == PartitionState.DROPPED:
                self._require_only_copy(connection, stream, day)
                return self._current(connection, stream, day)
            # What a killed publisher left unconfirmed is good to read, and yet it is exported again and confirmed.
            if not known.needs_export and is_settled(connection, self.lake, stream, day):
                return self._current(connection, stream, day)
            with self._aside(stream, day) as target:
                exported = export_readings(self.url, stream, day, target)

                def confirm(transaction: psycopg.Connection) -> None:
                    figures = asdict(exported.figures)
                    day_ledger.confirm_export(transaction, stream, day, figures, exported.late_row_count)
                    day_ledger.request_build(transaction, day, f"{stream} was exported")

                return self._publish(connection, stream, day, target, exported.figures.row_count, confirm)

    def export_table(self, table: str, day: date) -> Made:
        """Export devices or mappings as they are now, beside the readings of the day."""
        with self._working(day) as connection, self._aside(table, day) as target:
            export_table(self.url, table, target)
            return self._publish(connection, table, day, target, _parquet_rows(target))

    def device_last(self, day: date) -> Made:
        """Make the day's last samples. A rebuild of later days that began from another one is queued."""
        name = LAST_SAMPLES
        with self._working(day) as connection, self._aside(name, day) as target:
            meters, vehicles = (verified_file(connection, self.lake, stream, day) for stream in Stream)
            rows = write_device_last(meters, vehicles, target)
            changed = changed_devices(self._settled_file(connection, name, day), target)

            def confirm(transaction: psycopg.Connection) -> None:
                queue_later_days(transaction, self.lake, day, changed)

            return self._publish(connection, name, day, target, rows, confirm)

    def boundary_samples(self, day: date) -> Made:
        """Make the samples that the day begins from: each device's last one before it."""
        last, name = BOUNDARY_SAMPLES
        with self._working(day) as connection, self._aside(name, day) as target:
            day_ledger.begin_build(connection, day)
            earlier = [
                verified_or_queued(connection, self.lake, last, each) for each in self.lake.days(last) if each < day
            ]
            of_the_day = verified_file(connection, self.lake, last, day)
            rows = write_boundary_samples(earlier, of_the_day, target)
            return self._publish(connection, name, day, target, rows)

    def energy(self, day: date) -> tuple[Made, Made]:
        """Apply the energy rule to the day: ``hourly_energy`` and ``flagged_steps``."""
        hourly_name, flagged_name = ENERGY
        with (
            self._working(day) as connection,
            self._aside(hourly_name, day) as hourly,
            self._aside(flagged_name, day) as flagged,
        ):
            files = {name: verified_file(connection, self.lake, name, day) for name in DayInputs._fields}
            rows = write_energy(DayInputs(**files), day, hourly, flagged)
            return (
                self._publish(connection, hourly_name, day, hourly, rows.hourly_energy),
                self._publish(connection, flagged_name, day, flagged, rows.flagged_steps),
            )

    def model(self, name: str, day: date) -> Made:
        """Build one SQL model of a day from verified files."""
        model = self.catalog.models[name]
        with self._working(day) as connection, self._aside(name, day) as target:
            for dataset in model.depends_on:
                verified_file(connection, self.lake, dataset, day)
            with self._open(model.depends_on, day) as engine:
                rows = build_model(engine, model, target)
            return self._publish(connection, name, day, target, rows)

    def verified(self, dataset: str, day: date) -> Path:
        """A published file of a day, its hash checked, for whoever tells of it.

        Raises:
            MissingFileError, DamagedFileError: it is not what was published; a rebuild of its day is queued.
        """
        with connect(self.url) as connection:
            return verified_or_queued(connection, self.lake, dataset, day)

    def checks(self, dataset: str, day: date) -> list[CheckResult]:
        """Run the declared checks of one dataset on a day."""
        checks = self.catalog.models[dataset].checks
        with self._open({name for check in checks for name in check.depends_on}, day) as engine:
            return [run_check(engine, check) for check in checks]

    def require_checks(self, dataset: str, day: date) -> None:
        """Run the declared checks, and stop the pipeline at one that failed.

        Raises:
            CheckFailedError: it says in plain words what is wrong.
        """
        failed = [result for result in self.checks(dataset, day) if not result.passed]
        if failed:
            words = "; ".join(
                f"{result.check.description} ({counted(result.failing_rows, 'row')})" for result in failed
            )
            raise CheckFailedError(f"{dataset} of {day}: {words}")

    def finish(self, day: date) -> None:
        """Note that the day's models are built, up to the last request before its energy was begun."""
        with connect(self.url) as connection:
            day_ledger.confirm_build(connection, day)
            explain_lake(self.lake, self.catalog, published_datasets(connection))

    @contextmanager
    def _working(self, day: date) -> Iterator[psycopg.Connection]:
        with connect(self.url) as connection, day_ledger.day_held(connection, day):
            yield connection

    def _open(self, datasets: Iterable[str], day: date) -> duckdb.DuckDBPyConnection:
        """A view costs a look into its file, so a step opens what it reads and no more."""
        session = another_session(self._engine)
        add_views(session, self.lake.root, [self.catalog.models[name] for name in datasets], day)
        return session

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        return start_engine(self.lake.root)

    @contextmanager
    def _aside(self, dataset: str, day: date) -> Iterator[Path]:
        """Where to write a new version; a full disk is said so, and leaves nothing behind."""
        try:
            with self.lake.aside(dataset, day) as target:
                yield target
        except (OSError, duckdb.IOException, pl.exceptions.ComputeError) as error:
            raise LakeFullError(
                f"{dataset} of {day} cannot be written to {self.lake.root}: {error}. "
                f"What was published stays; make room and run the day again"
            ) from error

    def _publish(
        self,
        connection: psycopg.Connection,
        dataset: str,
        day: date,
        written: Path,
        rows: int,
        confirm: Callable[[psycopg.Connection], None] = lambda _connection: None,
    ) -> Made:
        size_bytes = written.stat().st_size
        version = publish(connection, self.lake, dataset, day, written, rows, confirm)
        return Made(dataset, day, rows, size_bytes, version, is_new=True)

    def _settled_file(self, connection: psycopg.Connection, dataset: str, day: date) -> Path | None:
        """The file as its confirmation is on record; a killed publisher or a flipped bit leaves none."""
        return self.lake.file(dataset, day) if is_settled(connection, self.lake, dataset, day) else None

    def _require_only_copy(self, connection: psycopg.Connection, stream: Stream, day: date) -> None:
        if not is_intact(connection, self.lake, stream, day):
            raise OnlyCopyDamagedError(f"{self.lake.file(stream, day)} is not what was published; {ONLY_COPY}")

    def _current(self, connection: psycopg.Connection, dataset: str, day: date) -> Made:
        known = find_lake_file(connection, dataset, day)
        if known is None:
            raise FleetwattError(f"{dataset} of {day} is intact and yet was never published")
        return Made(dataset, day, known.row_count or 0, known.size_bytes or 0, known.version, is_new=False)


def _parquet_rows(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _line(made: Made) -> str:
    state = f"version {made.version}" if made.is_new else f"version {made.version} is current"
    return f"{made.day}: {made.dataset}: {counted(made.rows, 'row')}, {counted(made.size_bytes, 'byte')}, {state}"
