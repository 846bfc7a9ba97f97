"""Restatements: releases of a day that changed numbers which readers had seen, and what they changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream
from warehouse.postgres.ledger.lake_files import LakeFile

_PACKAGE = "warehouse.postgres.ledger"
ROWS = "rows"
"""The measure that every dataset has: how many rows the day's file holds."""


class RestatedSum(NamedTuple):
    """What a measure of a dataset summed up to over the day, before and now.

    ``None``: it has no value, or is not known, because the file of before was damaged. ``changed_row_count``: rows of
    the dataset that came, went or have another value.
    """

    dataset: str
    version: int
    measure: str
    old_sum: float | None
    new_sum: float | None
    changed_row_count: int | None


class RestatementRow(NamedTuple):
    """A row of the dataset: one measure that one release of a day restated."""

    release: int
    dataset: str
    measure: str
    version: int
    published_at: datetime
    reason: str
    old_sum: float | None
    new_sum: float | None
    changed_row_count: int | None
    added_reading_count: int
    device_count: int
    devices: list[str]


@dataclass(frozen=True)
class Restatement:
    """Why numbers of a day changed, whose readings those are, and what the numbers were and are.

    ``summary``: one line for people. ``devices``: the first of ``device_count``.
    """

    reason: str
    summary: str
    added_reading_count: int
    device_count: int
    devices: Sequence[str]
    sums: Sequence[RestatedSum]


class NewestRelease(NamedTuple):
    """The newest release of a day, 0 where there is none, and in a line what it changed of what readers saw before."""

    release: int
    summary: str | None


class DayNews(NamedTuple):
    """What became of a day. ``summary``: what that changed of what readers saw before; ``None``: nothing."""

    day: date
    happened_at: datetime
    release: int | None
    summary: str | None


def find_newest_release(connection: psycopg.Connection, day: date) -> NewestRelease:
    """The number of the release that readers see, and whether it is a restatement."""
    (found,) = connection.execute(sqlfiles.load(_PACKAGE, "find_newest_release"), {"day": day}).fetchall()
    return NewestRelease(*found)


def add_restatement(transaction: psycopg.Connection, day: date, release: int, restatement: Restatement) -> None:
    """Note it, in the transaction that makes the release."""
    of_release = {"day": day, "release": release}
    transaction.execute(
        sqlfiles.load(_PACKAGE, "add_restatement"),
        {
            **of_release,
            "reason": restatement.reason,
            "summary": restatement.summary,
            "added_reading_count": restatement.added_reading_count,
            "device_count": restatement.device_count,
            "devices": list(restatement.devices),
        },
    )
    sums = restatement.sums
    transaction.execute(
        sqlfiles.load(_PACKAGE, "add_restated_sums"),
        {
            **of_release,
            "datasets": [each.dataset for each in sums],
            "versions": [each.version for each in sums],
            "measures": [each.measure for each in sums],
            "old_sums": [each.old_sum for each in sums],
            "new_sums": [each.new_sum for each in sums],
            "changed_row_counts": [each.changed_row_count for each in sums],
        },
    )


def list_restatements(connection: psycopg.Connection, day: date) -> list[RestatementRow]:
    """Everything that was ever restated of a day, in order of its key."""
    rows = connection.execute(sqlfiles.load(_PACKAGE, "list_restatements"), {"day": day}).fetchall()
    return [RestatementRow(*row) for row in rows]


def day_news(connection: psycopg.Connection, since: datetime) -> list[DayNews]:
    """The days that were built or restated after an instant, in that order."""
    with connection.cursor(row_factory=class_row(DayNews)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_day_news"), {"since": since}).fetchall()


def imported_since(connection: psycopg.Connection, stream: Stream, day: date, since: datetime) -> int:
    """How many readings of a day an import brought after an instant."""
    parameters = {"stream": stream, "day": day, "since": since}
    ((count,),) = connection.execute(sqlfiles.load(_PACKAGE, "sum_imported_rows"), parameters).fetchall()
    return int(count)


def queued_since(connection: psycopg.Connection, day: date, since: datetime) -> str | None:
    """Why a rebuild of a day was queued after an instant; ``None``: none was."""
    found = connection.execute(sqlfiles.load(_PACKAGE, "find_build_reason"), {"day": day, "since": since}).fetchone()
    return found[0] if found else None


def model_digests(connection: psycopg.Connection, day: date, files: Iterable[LakeFile]) -> dict[tuple[str, int], str]:
    """Which text of its model made each of these versions, where that is known."""
    versions = list(files)
    parameters = {
        "day": day,
        "datasets": [file.dataset for file in versions],
        "versions": [file.version for file in versions],
    }
    found = connection.execute(sqlfiles.load(_PACKAGE, "list_model_digests"), parameters)
    return {(dataset, version): digest for dataset, version, digest in found}


def changed_input_days(connection: psycopg.Connection, before: LakeFile, after: LakeFile) -> list[date]:
    """The earlier days that a version read otherwise than the one before it, oldest first."""
    parameters: dict[str, Any] = {
        "dataset": after.dataset,
        "day": after.day,
        "old_version": before.version,
        "new_version": after.version,
    }
    return [day for (day,) in connection.execute(sqlfiles.load(_PACKAGE, "list_changed_inputs"), parameters)]
