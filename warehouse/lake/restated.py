"""What a later version of a day's files says otherwise than the one before: its sums, its devices, and what they show
of why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import isclose, isfinite
from typing import Any, NamedTuple

import duckdb
from psycopg.sql import SQL, Composable, Identifier, Literal

from dbt_like_sql.catalog import Model
from dbt_like_sql.model import DAY_COLUMN
from warehouse import sqlfiles
from warehouse.contract.energy import TOLERANCE_KWH
from warehouse.contract.partitions import Stream, midnight
from warehouse.contract.tables import DeviceKind
from warehouse.lake.additive import is_additive
from warehouse.lake.compare import NOISE, Change, compare_files
from warehouse.lake.publish import is_file_intact
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import another_session, file_rows
from warehouse.postgres.ledger.lake_files import LakeFile
from warehouse.postgres.ledger.restatements import ROWS, RestatedSum

SETTINGS = ("energy_kind", "max_power_kw", "resolution_kwh", "rollover_kwh", "max_reset_kwh", "expected_interval_s")
"""What the energy rule reads of a device."""


class RestatedDevice(NamedTuple):
    """A device whose readings or energy are others, by the id that it sends, and how many readings it has more."""

    external_id: str
    added_reading_count: int


@dataclass(frozen=True)
class FilePair:
    """A dataset's day as readers saw it, and as it is now."""

    before: LakeFile
    after: LakeFile

    @property
    def is_changed(self) -> bool:
        """Whether it holds other bytes."""
        return self.before.sha256 != self.after.sha256


@dataclass(frozen=True)
class RestatedFiles:
    """Two versions of a day's files, by dataset, for an engine to compare."""

    engine: duckdb.DuckDBPyConnection
    lake: Lake
    day: date
    pairs: Mapping[str, FilePair]

    def is_changed(self, dataset: str) -> bool:
        """Whether a dataset was there before, and has other bytes now."""
        pair = self.pairs.get(dataset)
        return pair is not None and pair.is_changed

    def sums(self, model: Model) -> list[RestatedSum]:
        """The rows of a dataset and each of its measures that sums up otherwise; empty where it says the same.

        Of readings the rows are counted and nothing is summed: their registers' sum means nothing.
        """
        pair = self.pairs[model.name]
        before, after = pair.before, pair.after

        def restated(measure: str, old: float | None, new: float | None, rows: int | None) -> RestatedSum:
            return RestatedSum(model.name, after.version, measure, _finite(old), _finite(new), rows)

        if model.name in set(Stream):
            added = after.row_count - before.row_count
            return [restated(ROWS, before.row_count, after.row_count, abs(added))] if added else []
        if not is_file_intact(self.lake, before):  # what it said is not known any more
            return [restated(ROWS, before.row_count, after.row_count, None)]
        compared = compare_files(self.engine, self.lake.location(before), self.lake.location(after), model.sort_key)
        if compared.is_same:
            return []
        of_keys = (compared.only_before, compared.only_after, compared.changed_rows)
        rows = sum(each for each in of_keys if each is not None) if None not in of_keys else None
        measures = [each for each in compared.columns if _is_restated(model, each)]
        return [
            restated(ROWS, compared.rows_before, compared.rows_after, rows),
            *(restated(each.column, each.sum_before, each.sum_after, rows) for each in measures),
        ]

    def devices(self) -> list[RestatedDevice]:
        """Whose readings or energy are others, those with the most new readings first."""
        found = self._asked("list_restated_devices", "hourly_energy", noise=Literal(NOISE))
        return [RestatedDevice(name, added) for name, added in found]

    def changed_settings(self) -> list[str]:
        """The devices with other settings, by the ids that they send."""
        return [
            name
            for kind in DeviceKind
            if self._is_comparable(kind.devices)
            for name in self._names("list_changed_settings", kind.devices, settings=self._settings(kind.devices))
        ]

    def changed_mappings(self) -> list[str]:
        """The vehicles that are mapped otherwise within the day."""
        bounds = {
            "starts_at": Literal(midnight(self.day)),
            "ends_at": Literal(midnight(self.day + timedelta(days=1))),
        }
        return self._names("list_changed_mappings", "vehicle_meter_map", **bounds)

    def changed_corrections(self) -> list[str]:
        """The devices of which other readings count otherwise than they were received."""
        return self._names("list_changed_corrections", "corrected_readings")

    def changed_boundaries(self) -> list[str]:
        """The devices whose last reading before the day is another one."""
        return self._names("list_changed_boundaries", "carried_samples")

    def _names(self, query: str, dataset: str, **parameters: Composable) -> list[str]:
        return [name for (name,) in self._asked(query, dataset, **parameters)]

    def _asked(self, query: str, dataset: str, **parameters: Composable) -> list[tuple[Any, ...]]:
        """What a query finds in the two versions of a dataset; nothing where they cannot be compared."""
        if not self._is_comparable(dataset):
            return []
        pair = self.pairs[dataset]
        files = {"before": pair.before, "after": pair.after}
        files |= {kind.devices: self.pairs[kind.devices].after for kind in DeviceKind}
        paths = {name: Literal(self.lake.location(file)) for name, file in files.items()}
        statement = sqlfiles.load("warehouse.lake", query).format(**paths, **parameters)
        with another_session(self.engine) as session:
            return session.execute(statement.as_string()).fetchall()

    def _is_comparable(self, dataset: str) -> bool:
        """Whether a dataset has other bytes, and those of before are still there."""
        return self.is_changed(dataset) and is_file_intact(self.lake, self.pairs[dataset].before)

    def _settings(self, dataset: str) -> Composable:
        """The settings that both versions have: a column may have been added between them."""
        pair = self.pairs[dataset]
        with another_session(self.engine) as session:
            stored = [
                {row[0] for row in session.execute(f"DESCRIBE FROM {file_rows(location)}").fetchall()}
                for location in (self.lake.location(pair.before), self.lake.location(pair.after))
            ]
        return SQL(", ").join(Identifier(name) for name in SETTINGS if all(name in each for each in stored))


def _is_restated(model: Model, change: Change) -> bool:
    """Whether a column may be summed up, and sums up otherwise by more than what float64 makes of the same."""
    is_measure = model.key == (DAY_COLUMN,) or is_additive(change.column)
    old, new = change.sum_before, change.sum_after
    if not is_measure or change.is_sum_same:
        return False
    return old is None or new is None or not isclose(old, new, abs_tol=TOLERANCE_KWH)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and isfinite(value) else None
