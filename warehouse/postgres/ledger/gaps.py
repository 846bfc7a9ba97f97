"""Gaps: files of earlier days that were lost for good when a day was made, so that it was made without them.

A gap stands among what a version was made from (``lake_file_inputs``), with nothing where the file's hash would be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles
from warehouse.postgres.ledger.lake_files import LakeFile

_PACKAGE = "warehouse.postgres.ledger"
NOTHING = b""
"""What stands where the hash of a lost file would be."""


@dataclass(frozen=True)
class Gap:
    """A lost file, and how many days are as they were made without it; ``first_made_day`` is the earliest of them."""

    dataset: str
    day: date
    made_day_count: int
    first_made_day: date

    def __str__(self) -> str:
        many = f"{self.made_day_count:,} days, the first is {self.first_made_day}, were"
        days = f"{self.first_made_day} was" if self.made_day_count == 1 else many
        return (
            f"{days} made without {self.dataset} of {self.day}, which is lost: "
            "fleetwatt scrub says what to put back from a backup, and queues them when it is back"
        )


def register_gaps(transaction: psycopg.Connection, dataset: str, day: date, lost: Iterable[LakeFile]) -> None:
    """Note without which files the current version was made, in the transaction that published it.

    ``dataset``: one that notes nothing else of what it was made from.
    """
    files = list(lost)
    parameters = {
        "dataset": dataset,
        "day": day,
        "inputs": [file.dataset for file in files],
        "input_days": [file.day for file in files],
    }
    transaction.execute(sqlfiles.load(_PACKAGE, "delete_model_inputs"), {"dataset": dataset, "day": day})
    transaction.execute(sqlfiles.load(_PACKAGE, "register_gaps"), parameters)


def list_gaps(connection: psycopg.Connection) -> list[Gap]:
    """The lost files without which something was made that is current, oldest first."""
    with connection.cursor(row_factory=class_row(Gap)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_gaps")).fetchall()


def request_builds_without(connection: psycopg.Connection, dataset: str, day: date) -> None:
    """Queue a rebuild of each day that was made without this file: it is there again."""
    parameters = {"dataset": dataset, "day": day, "reason": f"{dataset} of {day} is there again"}
    connection.execute(sqlfiles.load(_PACKAGE, "request_builds_without"), parameters)
