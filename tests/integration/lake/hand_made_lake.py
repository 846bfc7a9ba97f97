"""A lake of a few rows that a test writes down, built by the models as they are."""

import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from dbt_like_sql.catalog import Catalog, Model
from tests.lake_folder import folder_snapshot, newest_file, put_next
from warehouse.lake.models import CheckResult, build_model, run_check
from warehouse.lake.snapshot import MANIFEST, Snapshot, manifest_of
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import add_view, open_lake, text

CATALOG = Catalog.load()
DAY = date(2026, 2, 8)
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)

_SETTINGS = {
    "energy_kind": "counter",
    "max_power_kw": 400.0,
    "max_reset_kwh": 150.0,
    "resolution_kwh": 0.01,
    "expected_interval_s": 60,
}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "meters": _SETTINGS,
    "vehicles": _SETTINGS,
    "daily_standby": {
        "idle_hours": 0.0,
        "idle_span_count": 0,
        **{f"{name}_kwh": 0.0 for name in ("idle", "between", "session", "carried_in", "carried_out")},
    },
    "hourly_energy": {
        "segment_from": ALWAYS,
        "reading_count": 60,
        "carried_in_kwh": 0.0,
        "battery_temp_celsius_sum": 0.0,
        **{
            f"{name}_count": 0
            for name in ("glitch", "dip", "jump", "rollover", "reset", "rebase", "gap", "battery_temp")
        },
    },
}


def at(clock: str, day: date = DAY) -> datetime:
    """An instant of the day, e.g. ``at("12:30")``."""
    return datetime.fromisoformat(f"{day}T{clock}:00+00:00")


class HandMadeLake:
    """Rows are added, ``write`` makes files of them (empty ones too), ``build`` runs every model over them."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(root)
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._mappings = 0

    def add(self, dataset: str, **values: Any) -> None:
        """A row of a source; what is not named is as usual, or null."""
        if dataset == "hourly_energy":
            values = {"first_step_at": values["hour"], **values}
        self._rows.setdefault(dataset, []).append({**_DEFAULTS.get(dataset, {}), **values})

    def device(self, kind: str, device_id: int, **settings: Any) -> None:
        """A meter or vehicle, called meter-1, vehicle-1 and so on."""
        self.add(f"{kind}s", **{f"{kind}_id": device_id}, external_id=f"{kind}-{device_id}", **settings)

    def pairs(self, *numbers: int) -> None:
        """Vehicles and meters of these numbers, each vehicle on its own meter since always."""
        for number in numbers:
            self.device("vehicle", number)
            self.device("meter", number)
            self.map(number, number)

    def map(self, vehicle_id: int, meter_id: int, since: datetime = ALWAYS, until: datetime | None = None) -> None:
        """A mapping."""
        self._mappings += 1
        self.add(
            "vehicle_meter_map",
            mapping_id=self._mappings,
            vehicle_id=vehicle_id,
            meter_id=meter_id,
            valid_from=since,
            valid_to=until,
        )

    def energy(self, kind: str, device_id: int, hour: int, kwh: float, **values: Any) -> None:
        """A row of hourly_energy."""
        self.add("hourly_energy", kind=kind, device_id=device_id, hour=at(f"{hour:02}:00"), energy_kwh=kwh, **values)

    def write(self, day: date = DAY) -> None:
        """Write every source that has no SQL, and start over. Energy is between sessions, unless said otherwise."""
        if "daily_standby" not in self._rows:
            self._tell_energy()
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for model in CATALOG.in_order():
                if model.sql is None:
                    self._write(connection, model, day)
        self._rows.clear()
        self.describe()

    def _tell_energy(self) -> None:
        told: dict[tuple[str, int], float] = {}
        for row in self._rows.get("hourly_energy", []):
            device = row["kind"], row["device_id"]
            told[device] = told.get(device, 0.0) + row["energy_kwh"]
        for (kind, device_id), kwh in told.items():
            self.add("daily_standby", kind=kind, device_id=device_id, between_kwh=kwh)

    def _write(self, connection: duckdb.DuckDBPyConnection, model: Model, day: date) -> None:
        rows = self._rows.get(model.name, [])
        assert all(row.keys() <= {column.name for column in model.columns} for row in rows)
        columns = ", ".join(f"{column.name} {column.type}" for column in model.columns)
        connection.execute(f"CREATE TABLE {model.name} ({columns})")
        if rows:
            values = [[row.get(column.name) for column in model.columns] for row in rows]
            connection.executemany(f"INSERT INTO {model.name} VALUES ({', '.join('?' * len(model.columns))})", values)
        with self.lake.aside(model.name, day) as written:
            connection.execute(f"COPY {model.name} TO {text(written)} (FORMAT parquet)")
            put_next(self.lake, model.name, day, written)

    @property
    def snapshot(self) -> Snapshot:
        """The newest version of everything."""
        return folder_snapshot(self.lake)

    def describe(self) -> None:
        """Write the list of files, by which a command reads a lake that has no ledger."""
        self.lake.root.mkdir(parents=True, exist_ok=True)
        (self.lake.root / MANIFEST).write_text(manifest_of(self.snapshot))

    def build(self, *names: str, day: date = DAY) -> None:
        """Run these models (every one, if none is named), each after what it reads."""
        models = [model for model in CATALOG.in_order() if model.sql and model.name in (names or CATALOG.models)]
        read = {name for model in models for name in model.depends_on}
        with open_lake(self.snapshot, map(CATALOG.find, read), day) as connection:
            for model in models:
                self._look_back(connection, model, day)
                with self.lake.aside(model.name, day) as written:
                    build_model(connection, model, written)
                    path = put_next(self.lake, model.name, day, written)
                add_view(connection, model, [str(path)])
        self.describe()

    def build_up_to(self, *names: str, day: date = DAY) -> None:
        """Run these models and what they are made from."""
        self.build(*names, *(each for name in names for each in CATALOG.upstream(name)), day=day)

    def rows(self, dataset: str, day: date = DAY) -> list[dict[str, Any]]:
        """A dataset's day, in the order of the file."""
        with open_lake(self.snapshot, [CATALOG.models[dataset]], day) as connection:
            found = connection.execute(f"SELECT * EXCLUDE (day) FROM {dataset}")
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, dataset: str, day: date = DAY, **key: Any) -> dict[str, Any]:
        """The one row that has these values."""
        (found,) = [row for row in self.rows(dataset, day) if key.items() <= row.items()]
        return found

    def change(self, dataset: str, select: str, day: date = DAY) -> None:
        """Replace a file by what a SELECT makes of it, as a fault somewhere would."""
        path = newest_file(self.lake, dataset, day)
        with duckdb.connect() as connection, self.lake.aside(dataset, day) as changed:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"CREATE VIEW file AS FROM read_parquet({text(path)}, hive_partitioning = false)")
            connection.execute(f"COPY ({select}) TO {text(changed)} (FORMAT parquet)")
            put_next(self.lake, dataset, day, changed)
        self.describe()

    def failing(self, *datasets: str, day: date = DAY) -> dict[str, CheckResult]:
        """The checks of these datasets (of all, if none is named) that fail, by name."""
        checked = [CATALOG.models[name] for name in datasets or CATALOG.models]
        read = {name for model in checked for check in model.checks for name in check.depends_on}
        with open_lake(self.snapshot, map(CATALOG.find, read), day) as connection:
            results = []
            for model in checked:
                self._look_back(connection, model, day)
                results += [run_check(connection, check) for check in model.checks]
        return {result.check.name: result for result in results if not result.passed}

    def _look_back(self, connection: duckdb.DuckDBPyConnection, model: Model, day: date) -> None:
        """Let what a model reads have the days that it looks back on; others name their day."""
        for name in model.depends_on if model.lookback_days else ():
            add_view(connection, CATALOG.models[name], self.snapshot.locations(name, day, model.lookback_days))

    def copy(self, root: Path) -> "HandMadeLake":
        """The same files elsewhere, to be changed."""
        shutil.copytree(self.lake.root, root)
        return HandMadeLake(root)
