"""What the lake holds according to the ledger, one line a dataset: its newest file, and all of them together."""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles


@dataclass(frozen=True)
class PublishedDataset:
    """The newest day's file of a dataset, and what all of its days sum up to."""

    dataset: str
    day: date
    version: int
    row_count: int
    size_bytes: int
    published_at: datetime
    first_day: date
    day_count: int
    highest_version: int
    all_rows: int
    all_bytes: int


def published_datasets(connection: psycopg.Connection) -> dict[str, PublishedDataset]:
    """By name. What was never published is not among them.

    Raises:
        SchemaOutdatedError: the database has no ledger of the lake yet.
    """
    with connection.cursor(row_factory=class_row(PublishedDataset)) as cursor:
        found = cursor.execute(sqlfiles.load("warehouse.postgres.ledger", "summarize_lake_files")).fetchall()
    return {each.dataset: each for each in found}
