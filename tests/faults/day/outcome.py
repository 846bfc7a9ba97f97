"""What days have come to: the bytes of the lake, the ledger, the rows in PostgreSQL, and what is left over."""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.faults.day.site import CATALOG, Site
from warehouse import sqlfiles
from warehouse.lake.views import open_lake
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import days_to_run

Part = tuple[str, date]
"""A dataset and a day."""


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
    hashes = {
        (name, day): hashlib.sha256(lake.file(name, day).read_bytes()).hexdigest()
        for name in CATALOG.models
        for day in lake.days(name)
    }
    with connect(site.url) as connection:
        listed = connection.execute(sqlfiles.load("tests.faults.day", "list_published")).fetchall()
        ledger = connection.execute(sqlfiles.load("tests.faults.day", "list_ledger")).fetchall()
        stored = connection.execute(sqlfiles.load("tests.faults.day", "sum_readings")).fetchall()
        tables = connection.execute(sqlfiles.load("tests.faults.day", "list_loose_tables")).fetchall()
        left_over += [f"{each.day} is still to be run" for each in days_to_run(connection)]
    left_over += [f"table {name}" for (name,) in tables]
    left_over += [f"file {path.name}" for path in lake.root.glob(".aside/**/*") if path.is_file()]
    left_over += [
        f"{dataset} of {day} is not what the ledger says"
        for dataset, day, sha256, is_settled in listed
        if hashes.get((dataset, day)) != sha256 or not is_settled
    ]
    left_over += [f"{part} is in no ledger" for part in hashes.keys() - {(each[0], each[1]) for each in listed}]
    return Outcome(
        hashes,
        contents_of(lake.root),
        {(stream, day): tuple(rest) for stream, day, *rest in ledger},
        {(stream, day): (rows, float(kwh)) for stream, day, rows, kwh in stored},
        left_over,
    )


def contents_of(root: Path) -> dict[Part, tuple[int, int]]:
    """Rows and checksum of each dataset's days, through the views of ``fleetwatt query``."""
    with open_lake(root, CATALOG.in_order(), None) as connection:
        return {
            (name, day): (rows, int(checksum))
            for name in CATALOG.models
            for day, rows, checksum in connection.execute(
                f"SELECT day, count(*), sum(hash(seen)) FROM {name} AS seen GROUP BY day"
            ).fetchall()
        }
