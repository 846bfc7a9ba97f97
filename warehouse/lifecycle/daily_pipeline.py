"""The daily pipeline of one day: seal -> export -> energy -> models -> checks, each step safe to repeat and to kill.

Called by Dagster, asset by asset, and by the command line, all at once: the steps are the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl
import psycopg

from dbt_like_sql.catalog import Catalog
from warehouse.contract.partitions import PartitionState, Stream
from warehouse.contract.tables import DeviceKind
from warehouse.lake.energy_day import (
    DayInputs,
    changed_devices,
    write_device_last,
    write_energy,
)
from warehouse.lake.export import DECISIONS, TABLES, export_readings, export_table, figures_of_file
from warehouse.lake.late_readings import write_late_readings
from warehouse.lake.provenance import ENERGY
from warehouse.lake.publish import is_intact, verified_file, verified_or_queued
from warehouse.lake.storage.lake import Lake
from warehouse.lake.storage.patterns import readable
from warehouse.lake.views import another_session, start_engine
from warehouse.lifecycle.boundary_step import make_boundary_samples
from warehouse.lifecycle.correction_step import CORRECTED_READINGS, make_corrected_readings
from warehouse.lifecycle.day_checks import DayChecks
from warehouse.lifecycle.day_releases import DayReleases
from warehouse.lifecycle.fault_step import make_data_faults
from warehouse.lifecycle.later_days import LAST_SAMPLES, queue_later_days
from warehouse.lifecycle.loss_step import make_losses
from warehouse.lifecycle.model_step import ModelStep
from warehouse.lifecycle.pipeline_files import (
    Made,
    current,
    intact_location,
    published,
    require_only_copy,
    working_on,
    written_aside,
)
from warehouse.lifecycle.session_step import make_sessions
from warehouse.postgres.connection import connect, connections_kept
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.partition_figures import Figures

EXPORTS = (*Stream, *TABLES)
"""What comes out of PostgreSQL."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class DailyPipeline:
    """What it takes to run a day: the database, the lake, the models."""

    url: str
    lake: Lake
    catalog: Catalog

    @connections_kept()
    def run(self, day: date, say: Say = lambda _message: None) -> None:
        """Run the whole day.

        Raises:
            DayNotClosedError, DayNotKnownError: it is not time yet, or there is nothing.
            CheckFailedError: a blocking check failed; what depends on its dataset was not built.
        """
        before = self.releases.newest(day)
        if sealed := self.seal(day):
            say(f"{day}: sealed {', '.join(sealed)}")
        for stream in Stream:
            say(str(self.export(stream, day)))
            self.checks.require(stream, day, say)
        for table in (*TABLES, *DECISIONS):
            say(str(self.export_table(table, day)))
        made_of_exports = (
            self.late_readings(day),
            self.corrected_readings(day),
            self.device_last(day),
            self.boundary_samples(day),
            *self.energy(day),
        )
        for made in made_of_exports:
            say(str(made))
            self.checks.require(made.dataset, day, say)
        for step in (self.sessions, self.data_faults, self.losses):
            for made in step(day):
                say(str(made))
                self.checks.require(made.dataset, day, say)
        for model in self.catalog.in_order():
            if model.kind == "sql":
                say(str(self.model(model.name, day)))
                self.checks.require(model.name, day, say)
        if self.releases.finish(day):
            self.releases.tell(day, before, say)
            say(f"{day}: done")
        else:
            say(f"{day}: another run of the day is under way, and ends what is left")

    def seal(self, day: date) -> list[Stream]:
        """Seal a closed day. Sealed already is fine."""
        with connect(self.url) as connection:
            return day_ledger.seal(connection, day)

    def export(self, stream: Stream, day: date) -> Made:
        """Export a sealed day, again if rows came in since or the file is not intact; else leave it."""
        with working_on(self.url, day) as connection:
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
        """Export devices, mappings or decisions as they are now, beside the readings of the day."""
        with working_on(self.url, day) as connection, written_aside(self.lake, table, day) as target:
            with another_session(self._engine) as engine:
                export_table(engine, self.url, table, day, target)
            return published(connection, self.lake, table, day, target, _parquet_rows(target))

    def late_readings(self, day: date) -> Made:
        """Make the list of when the day's late readings came in."""
        name = "late_readings"
        with working_on(self.url, day) as connection, written_aside(self.lake, name, day) as target:
            exported = {stream: verified_file(connection, self.lake, stream, day) for stream in Stream}
            in_postgres = set(Stream).difference(day_ledger.dropped_streams(connection, day))
            before = intact_location(connection, self.lake, name, day)
            rows = write_late_readings(connection, day, exported, sorted(in_postgres), before, target)
            return published(connection, self.lake, name, day, target, rows)

    def corrected_readings(self, day: date) -> Made:
        """Find the readings of the day that count otherwise than they were received."""
        with working_on(self.url, day) as connection:
            return make_corrected_readings(connection, self.lake, day)

    def device_last(self, day: date) -> Made:
        """Make the day's last samples. A rebuild of later days that began from another one is queued."""
        name = LAST_SAMPLES
        with working_on(self.url, day) as connection, written_aside(self.lake, name, day) as target:
            exported = {kind: verified_file(connection, self.lake, kind.readings, day) for kind in DeviceKind}
            corrected = verified_file(connection, self.lake, CORRECTED_READINGS, day)
            rows = write_device_last(exported, corrected, target)
            changed = changed_devices(intact_location(connection, self.lake, name, day), target)

            def confirm(transaction: psycopg.Connection) -> None:
                queue_later_days(transaction, self.lake, day, changed)

            return published(connection, self.lake, name, day, target, rows, confirm)

    def boundary_samples(self, day: date) -> Made:
        """Make the samples that the day begins from: each device's last one before it."""
        with working_on(self.url, day) as connection:
            return make_boundary_samples(connection, self.lake, day)

    def energy(self, day: date) -> tuple[Made, Made]:
        """Apply the energy rule to the day: ``hourly_energy`` and ``flagged_steps``."""
        hourly_name, flagged_name = ENERGY
        with (
            working_on(self.url, day) as connection,
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
        with working_on(self.url, day) as connection:
            return make_sessions(connection, self.lake, day)

    def data_faults(self, day: date) -> tuple[Made, ...]:
        """Find what is wrong with the day's data, and what the rules have to know later (``FAULTS``)."""
        with working_on(self.url, day) as connection:
            return make_data_faults(connection, self.lake, day)

    def losses(self, day: date) -> tuple[Made, ...]:
        """Find which chargers lose more than before, and what later days need to know for that (``LOSSES``)."""
        with working_on(self.url, day) as connection:
            return make_losses(connection, self.lake, day)

    def model(self, name: str, day: date) -> Made:
        """Build one SQL model of a day."""
        with working_on(self.url, day) as connection:
            return ModelStep(connection, self._engine, self.lake, self.catalog, self.catalog.models[name], day).make()

    @connections_kept()
    def build_models(self, day: date, names: Iterable[str], say: Say = lambda _message: None) -> None:
        """Build these SQL models of a day that is built, and what is made from them; then readers see them.

        Raises:
            ModelFailedError, CheckFailedError: as when the day is run.
            MissingFileError, DamagedFileError: what they read is not there as it was published.
        """
        made = [name for name in self.catalog.with_downstream(names) if self.catalog.models[name].kind == "sql"]
        before = self.releases.newest(day)
        for name in made:
            say(str(self.model(name, day)))
            self.checks.require(name, day, say)
        self.releases.add(day, made)
        self.releases.tell(day, before, say)

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

    @cached_property
    def checks(self) -> DayChecks:
        """The declared checks."""
        return DayChecks(self.url, self._engine, self.lake, self.catalog)

    @cached_property
    def releases(self) -> DayReleases:
        """What readers see of each day."""
        return DayReleases(self.url, self._engine, self.lake, self.catalog, self.checks)

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        return start_engine(self.lake.spill)


def _parquet_rows(path: Path) -> int:
    return int(pl.scan_parquet(readable(path)).select(pl.len()).collect().item())
