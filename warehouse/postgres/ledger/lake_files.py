"""What the ledger says of the files of the lake: the versions that are kept, and which of them is current or released.

The daily pipeline reads and writes current files. Readers see released ones: of each day one version of each dataset,
all of one build.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres.ledger"


@dataclass(frozen=True)
class LakeFile:
    """One version of a dataset's day. Its bytes never change."""

    dataset: str
    day: date
    version: int
    sha256: bytes
    size_bytes: int
    row_count: int
    published_at: datetime


@dataclass(frozen=True)
class OldestRelease:
    """The oldest release of a day that is kept, and which one is the newest."""

    day: date
    release: int
    released_at: datetime
    newest_release: int


def find_lake_file(connection: psycopg.Connection, dataset: str, day: date) -> LakeFile | None:
    """The current version; ``None`` where nothing was ever published."""
    parameters = {"dataset": dataset, "day": day}
    with connection.cursor(row_factory=class_row(LakeFile)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "find_lake_file"), parameters).fetchone()


def list_current_files(
    connection: psycopg.Connection, datasets: Iterable[str] | None = None, day: date | None = None
) -> list[LakeFile]:
    """The current versions of these datasets or all, of one day or of all, newest day first."""
    names = None if datasets is None else list(datasets)
    return _list(connection, "list_current_files", datasets=names, day=day)


def list_files_to_read(
    connection: psycopg.Connection, datasets: Iterable[str], day: date, lookback_days: int | None
) -> list[LakeFile]:
    """What a model of this day is made from, newest day first: the day's own current files, and of earlier days what
    readers see of them. ``lookback_days``: how many; ``None``: of all days, later ones too.
    """
    return _list(connection, "list_files_to_read", datasets=list(datasets), day=day, lookback_days=lookback_days)


def days_with_files(connection: psycopg.Connection, dataset: str) -> list[date]:
    """The days of which a dataset has a current version, oldest first."""
    return [file.day for file in reversed(list_current_files(connection, [dataset]))]


def list_released_files(
    connection: psycopg.Connection,
    day: date | None = None,
    *,
    as_of: datetime | None = None,
    release: int | None = None,
) -> list[LakeFile]:
    """What readers see of one day or all, now, or saw at an instant, or with a release of each day."""
    return _list(connection, "list_released_files", day=day, as_of=as_of, release=release)


def list_unseen_files(
    connection: psycopg.Connection, datasets: Iterable[str], day: date | None = None
) -> list[LakeFile]:
    """The current files of these datasets that readers do not see, of days of which they see an earlier release."""
    return _list(connection, "list_unseen_files", datasets=list(datasets), day=day)


def oldest_releases(connection: psycopg.Connection, day: date | None = None) -> list[OldestRelease]:
    """How far back each day, or this one, can be seen as readers saw it."""
    with connection.cursor(row_factory=class_row(OldestRelease)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_oldest_releases"), {"day": day}).fetchall()


def publish_file(
    connection: psycopg.Connection,
    dataset: str,
    day: date,
    *,
    version: int,
    sha256: bytes,
    size_bytes: int,
    row_count: int,
) -> LakeFile:
    """Make a file that is in its place the current version of its dataset's day."""
    parameters = {
        "dataset": dataset,
        "day": day,
        "version": version,
        "sha256": sha256,
        "size_bytes": size_bytes,
        "row_count": row_count,
    }
    (published,) = _list(connection, "add_lake_file", **parameters)
    return published


def publish_file_again(connection: psycopg.Connection, file: LakeFile) -> None:
    """Note that the current version was made again, now: it is newer than whatever it was made of."""
    parameters = {"dataset": file.dataset, "day": file.day, "version": file.version}
    connection.execute(sqlfiles.load(_PACKAGE, "change_publication"), parameters)


def find_outdated_file(connection: psycopg.Connection, day: date, inputs: Iterable[tuple[str, str]]) -> str | None:
    """A dataset of a day that is older than something it is made of; ``None``: all are of one build.

    ``inputs``: pairs of a dataset and one that it is made of. What has no file is passed over.
    """
    pairs = list(inputs)
    parameters = {"day": day, "datasets": [made for made, _ in pairs], "inputs": [read for _, read in pairs]}
    found = connection.execute(sqlfiles.load(_PACKAGE, "find_outdated_file"), parameters).fetchone()
    return str(found[0]) if found else None


def release_day(
    connection: psycopg.Connection,
    day: date,
    datasets: Iterable[str] | None = None,
    *,
    released_at: datetime | None = None,
    forgotten: int = 0,
) -> bool:
    """Let readers see the current files of these datasets (all) of a day, all at once, from now on or since an instant.

    False where they do already. ``forgotten``: how many releases there were before the first one that is known.
    """
    parameters = {
        "day": day,
        "datasets": None if datasets is None else list(datasets),
        "released_at": released_at,
        "forgotten": forgotten,
    }
    return connection.execute(sqlfiles.load(_PACKAGE, "release_day"), parameters).rowcount > 0


def delete_superseded_releases(connection: psycopg.Connection, kept_for: timedelta) -> None:
    """Forget what readers saw until so long ago; ``list_unused_versions`` then knows what only they saw."""
    connection.execute(sqlfiles.load(_PACKAGE, "delete_superseded_releases"), {"kept_for": kept_for})


def forget_earlier_releases(connection: psycopg.Connection, days: Iterable[date]) -> None:
    """Forget all that readers saw of these days but what they see now."""
    connection.execute(sqlfiles.load(_PACKAGE, "forget_earlier_releases"), {"days": list(days)})


def list_versions(
    connection: psycopg.Connection, dataset: str | None = None, day: date | None = None
) -> list[LakeFile]:
    """Every version that is kept, of one dataset's day or of all."""
    return _list(connection, "list_versions", dataset=dataset, day=day)


def list_unused_versions(
    connection: psycopg.Connection, kept_for: timedelta, withdrawn: Iterable[str] = ()
) -> list[LakeFile]:
    """Versions that were replaced so long ago, or are of withdrawn datasets, and that nobody sees any more."""
    return _list(connection, "list_unused_versions", kept_for=kept_for, withdrawn=list(withdrawn))


def delete_version(connection: psycopg.Connection, file: LakeFile) -> None:
    """Forget a version whose file is gone."""
    parameters = {"dataset": file.dataset, "day": file.day, "version": file.version}
    connection.execute(sqlfiles.load(_PACKAGE, "delete_version"), parameters)


def list_withdrawn_datasets(connection: psycopg.Connection, declared: Iterable[str], kept_for: timedelta) -> list[str]:
    """What models made and no model is called any more: so long ago a day was released without it.

    ``declared``: what there is. A dataset that no model ever made is never among them: nothing could make it again.
    """
    parameters = {"datasets": list(declared), "kept_for": kept_for}
    found = connection.execute(sqlfiles.load(_PACKAGE, "list_withdrawn_datasets"), parameters).fetchall()
    return [dataset for (dataset,) in found]


def withdraw_dataset_day(connection: psycopg.Connection, dataset: str, day: date) -> None:
    """Whoever begins to read from now on sees no version of a dataset's day."""
    connection.execute(sqlfiles.load(_PACKAGE, "withdraw_dataset_day"), {"dataset": dataset, "day": day})


def _list(connection: psycopg.Connection, query: str, **parameters: object) -> list[LakeFile]:
    with connection.cursor(row_factory=class_row(LakeFile)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, query), parameters).fetchall()
