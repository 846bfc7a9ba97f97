"""Makes one SQL model of a day, from verified files of it and of the days before it that the model looks back on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import psycopg

from dbt_like_sql.catalog import Catalog, Model
from warehouse.lake.lookback import (
    Reads,
    have_same_columns,
    reading,
    rebuild_changed_keys,
    require_declared_days,
    require_independent_keys,
)
from warehouse.lake.models import build_model
from warehouse.lake.publish import is_file_intact, verified_file
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.gaps import Gaps
from warehouse.lifecycle.pipeline_files import Made, intact_location, published, written_aside
from warehouse.postgres.ledger.lake_files import LakeFile, find_outdated_file, list_files_to_read, list_versions
from warehouse.postgres.ledger.models import find_model_digest, model_inputs, register_model


@dataclass(frozen=True)
class ModelStep:
    """One model of one day. Whoever calls holds the day."""

    connection: psycopg.Connection
    engine: duckdb.DuckDBPyConnection
    lake: Lake
    catalog: Catalog
    model: Model
    day: date

    def make(self) -> Made:
        """Build and publish it: only for the keys that changed on earlier days, where nothing else did.

        Raises:
            ModelFailedError: the model does not give what it declares, or reads what it does not declare.
            MissingFileError, DamagedFileError: what it reads is not there as it was published.
        """
        gaps = Gaps(self.connection, self.lake)
        files = self._verified_files(gaps)
        changes = self._changes(files)
        before = intact_location(self.connection, self.lake, self.model.name, self.day) if changes else None
        with written_aside(self.lake, self.model.name, self.day) as target:
            if changes and before:
                reads = self._reads(Snapshot.of(self.lake, files), self.day)
                rows = rebuild_changed_keys(self.engine, reads, changes, self.model, self.day, before, target)
            else:
                rows = self._build(files, gaps, target)
            return self._publish(target, rows, files, gaps)

    def _verified_files(self, gaps: Gaps) -> list[LakeFile]:
        """Those that are read; of earlier days without those that are lost for good."""
        for dataset in self.model.depends_on:
            verified_file(self.connection, self.lake, dataset, self.day)
        files = list_files_to_read(self.connection, self.model.depends_on, self.day, self.model.lookback_days)
        return [file for file in files if file.day == self.day or not gaps.is_gap(file)]

    def _build(self, files: Sequence[LakeFile], gaps: Gaps, target: Path) -> int:
        reads = self._reads(Snapshot.of(self.lake, files), self.day)
        with reading(self.engine, reads, self.day) as session:
            rows = build_model(session, self.model, target)
        if not self.model.is_day_proved:
            everything = list_files_to_read(self.connection, self.model.depends_on, self.day, None)
            there = [file for file in everything if not gaps.is_known(file)]
            of_all_days = self._reads(Snapshot.of(self.lake, there), None)
            require_declared_days(self.engine, of_all_days, self.model, self.day, target)
        if self.model.lookback_key:
            require_independent_keys(self.engine, reads, self.model, self.day, target)
        return rows

    def _reads(self, snapshot: Snapshot, day: date | None) -> Reads:
        lookback_days = self.model.lookback_days
        return [
            (self.catalog.models[name], snapshot.locations(name, day, lookback_days)) for name in self.model.depends_on
        ]

    def _publish(self, target: Path, rows: int, files: Iterable[LakeFile], gaps: Gaps) -> Made:
        earlier = [file for file in files if file.day < self.day]

        def confirm(transaction: psycopg.Connection) -> None:
            register_model(transaction, self.model.name, self.day, self.model.digest, earlier, gaps.lost)

        made = published(self.connection, self.lake, self.model.name, self.day, target, rows, confirm)
        return made._replace(gaps=gaps.words())

    def _changes(self, files: Iterable[LakeFile]) -> list[tuple[str | None, str]] | None:
        """The files of earlier days, as the current version was made from them and as they are now.

        ``None`` where rows cannot be told apart by them: then all of the day is to be built.
        """
        name, keys = self.model.name, set(self.model.lookback_key)
        if not keys or find_model_digest(self.connection, name, self.day) != self.model.digest:
            return None
        if find_outdated_file(self.connection, self.day, [(name, read) for read in self.model.depends_on]):
            return None
        then = model_inputs(self.connection, name, self.day)
        changes: list[tuple[str | None, str]] = []
        for file in files:
            sha256 = then.pop((file.dataset, file.day), None)
            if file.day == self.day or file.sha256 == sha256:
                continue
            if not keys <= {column.name for column in self.catalog.models[file.dataset].columns}:
                return None
            before, now = self._kept(file, sha256) if sha256 else None, self.lake.location(file)
            if sha256 and not (before and have_same_columns(self.engine, before, now)):
                return None
            changes.append((before, now))
        return None if then else changes

    def _kept(self, file: LakeFile, sha256: bytes) -> str | None:
        """Where the version of these bytes lies; ``None`` where it is not kept."""
        versions = list_versions(self.connection, file.dataset, file.day)
        of_these = [each for each in versions if each.sha256 == sha256 and is_file_intact(self.lake, each)]
        return self.lake.location(of_these[0]) if of_these else None
