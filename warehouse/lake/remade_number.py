"""Makes one number of the lake again, from the hours of some devices alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from math import isclose, isnan
from typing import Any

import duckdb

from dbt_like_sql.catalog import Catalog, ColumnSource
from dbt_like_sql.model import DAY_COLUMN
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.views import add_views, another_session

HOURS, FLAGS = "hourly_energy", "flagged_steps"
"""Every model's energies come from these two, so they are what is restricted to some devices."""


@dataclass(frozen=True)
class RemadeNumber:
    """The number, made again with every model between it and the hours of the devices in ``traced_devices``.

    ``traced_devices``: a table of ``engine`` of columns kind, device_id. ``key``: names the row of the number.
    """

    engine: duckdb.DuckDBPyConnection
    snapshot: Snapshot
    catalog: Catalog
    source: ColumnSource
    day: date
    key: Mapping[str, Any]

    def value(self, kinds: Collection[str]) -> Any:
        """What it is of the devices of these kinds; ``None`` where there is no such row."""
        names = {*self.catalog.upstream(self.source.dataset), self.source.dataset}
        models = [model for model in self.catalog.in_order() if model.name in names]
        with another_session(self.engine) as session:
            add_views(session, self.snapshot, [model for model in models if not model.sql], self.day)
            for name in {HOURS, FLAGS} & names:
                self._restrict(session, name, kinds)
            for model in models:
                if model.sql:
                    columns = ", ".join(f"{column.name}::{column.type} AS {column.name}" for column in model.columns)
                    made = f"SELECT {columns}, DATE '{self.day}' AS {DAY_COLUMN} FROM (\n{model.sql}\n)"  # noqa: S608
                    session.execute(f"CREATE TEMP TABLE {model.name} AS {made}")
            conditions = "".join(f" AND {name} IS NOT DISTINCT FROM ?" for name in self.key)
            query = f"SELECT {self.source.column} FROM {self.source.dataset} WHERE true{conditions}"  # noqa: S608
            found = session.execute(query, list(self.key.values())).fetchone()
        return found[0] if found else None

    def _restrict(self, session: duckdb.DuckDBPyConnection, name: str, kinds: Collection[str]) -> None:
        rows = self.engine.execute("SELECT DISTINCT kind, device_id FROM traced_devices").fetchall()
        devices = [f"('{kind}', {device_id})" for kind, device_id in rows if kind in kinds]
        kept = f"(kind, device_id) IN ({', '.join(devices)})" if devices else "false"
        session.execute(f"CREATE TEMP TABLE kept_{name} AS FROM {name} WHERE {kept}")
        session.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM kept_{name}")


def are_same(first: Any, second: Any) -> bool:
    """Equal, but for the order in which float64 values were added."""
    if isinstance(first, float) and isinstance(second, float):
        return isclose(first, second, rel_tol=1e-9, abs_tol=1e-9) or (isnan(first) and isnan(second))
    return bool(first == second)
