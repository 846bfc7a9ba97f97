"""What days have come to: the bytes of the lake, the ledger, the rows in PostgreSQL, and what is left over."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dbt_like_sql.model import Model
from tests.faults.day.site import CATALOG, Site
from warehouse import sqlfiles
from warehouse.lake.checked_files import damaged_files
from warehouse.lake.snapshot import Snapshot, current_snapshot
from warehouse.lake.storage.lake import key_of
from warehouse.lake.views import open_lake
from warehouse.lifecycle.lake_upkeep import remove_old_versions
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import days_to_run
from warehouse.postgres.ledger.lake_files import list_versions

Part = tuple[str, date]
"""A dataset and a day."""
_OF_DAYS = [model.name for model in CATALOG.in_order() if model.kind != "release"]
"""Datasets whose bytes are the same each time: that of releases says when they were."""
OF_RELEASES = frozenset(model.name for model in CATALOG.in_order() if model.kind == "release")


@dataclass(frozen=True)
class Outcome:
    """All but ``left_over`` is the same whenever the same days went the same way. Versions are no part of it."""

    hashes: dict[Part, str]
    contents: dict[Part, tuple[int, int]]
    """Rows and a checksum of them, as a query sees them; datasets without a row are not in it."""
    ledger: dict[Part, tuple[Any, ...]]
    stored: dict[Part, tuple[int, float]]
    """Rows in PostgreSQL, and the sum of their registers."""
    left_over: list[str]
    """What a finished run must not leave."""

    def differences(self, other: "Outcome", *, in_the_lake: bool = False) -> list[str]:
        """In words, what is another one there; ``in_the_lake``: whatever PostgreSQL still holds."""
        compared = ["hashes", "contents"] if in_the_lake else ["hashes", "contents", "ledger", "stored"]
        found = [f"left over: {each}" for each in (*self.left_over, *other.left_over)]
        for name in compared:
            mine, theirs = getattr(self, name), getattr(other, name)
            differing = [key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)]
            found += [f"{name} of {dataset} of {day} differ" for dataset, day in sorted(differing)]
        return found


def outcome_of(site: Site) -> Outcome:
    """What the days of a site have come to."""
    lake = site.lake
    left_over: list[str] = []
    with connect(site.url) as connection:
        remove_old_versions(connection, lake, timedelta(days=1))  # which takes what killed publishers left
        snapshot = current_snapshot(connection, lake)
        known = {str(key_of(file)) for file in list_versions(connection)}
        ledger = connection.execute(sqlfiles.load("tests.faults.day", "list_ledger")).fetchall()
        stored = connection.execute(sqlfiles.load("tests.faults.day", "sum_readings")).fetchall()
        tables = connection.execute(sqlfiles.load("tests.faults.day", "list_loose_tables")).fetchall()
        left_over += [f"{each.day} is still to be run" for each in days_to_run(connection)]
    left_over += [f"table {name}" for (name,) in tables]
    left_over += [f"file {path.name}" for path in lake.root.glob(".aside/**/*") if path.is_file()]
    files = snapshot.select(snapshot.files, None)
    left_over += [f"{file.dataset} of {file.day} is not what the ledger says" for file in damaged_files(lake, files)]
    left_over += [f"{key} is in no ledger" for key in set(lake.store.list()) - known]
    return Outcome(
        hashes_of(snapshot),
        contents_of(snapshot),
        {(stream, day): tuple(rest) for stream, day, *rest in ledger},
        {(stream, day): (rows, float(kwh)) for stream, day, rows, kwh in stored},
        left_over,
    )


def hashes_of(snapshot: Snapshot) -> dict[Part, str]:
    """The hash of what is there of each dataset's days."""
    return {
        (file.dataset, file.day): hashlib.sha256(Path(snapshot.lake.location(file)).read_bytes()).hexdigest()
        for file in snapshot.select(_OF_DAYS, None)
    }


def contents_of(snapshot: Snapshot) -> dict[Part, tuple[int, int]]:
    """Rows and checksum of each dataset's days, through the views of ``fleetwatt query``."""
    with open_lake(snapshot, CATALOG.in_order(), None) as connection:
        return {
            (model.name, day): (rows, int(checksum))
            for model in CATALOG.in_order()
            for day, rows, checksum in connection.execute(
                f"SELECT day, count(*), sum(hash(seen)) FROM ({_without_instants(model)}) AS seen GROUP BY day"
            ).fetchall()
        }


def _without_instants(model: Model) -> str:
    """The rows of a dataset; that of releases without when they were, which is another time each time."""
    return f"SELECT * {'EXCLUDE (published_at) ' if model.kind == 'release' else ''}FROM {model.name}"
