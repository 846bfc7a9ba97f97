"""Removes versions of the lake that were replaced long enough ago, and files that killed publishers left."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg

from dbt_like_sql.catalog import Catalog
from warehouse.counted import counted
from warehouse.lake.lake_readme import LakeNotExplainedError, files_named
from warehouse.lake.storage.keys import FileKey
from warehouse.lake.storage.lake import Lake, key_of
from warehouse.lifecycle.lake_description import describe_lake
from warehouse.postgres.ledger.day_locks import day_held, is_held
from warehouse.postgres.ledger.lake_files import (
    LakeFile,
    delete_superseded_releases,
    delete_version,
    list_unused_versions,
    list_versions,
    list_withdrawn_datasets,
    withdraw_dataset_day,
)
from warehouse.postgres.ledger.lake_locks import readers_after

READERS_END_WITHIN = timedelta(minutes=1)
"""How long is waited for those who read the lake. Who reads for longer is left to the next time."""


class Removal(NamedTuple):
    """What was removed. ``why_kept`` is ``None`` where everything was looked at."""

    versions: int
    size_bytes: int
    left_behind: int
    """Files that the ledger does not know: their publisher was killed, and another one has made that version."""
    why_kept: str | None = None
    withdrawn: tuple[str, ...] = ()
    """Datasets of which a day or more was removed, because their models are gone."""

    def __str__(self) -> str:
        if self.why_kept:
            return f"no version removed: {self.why_kept}"
        said = f"{counted(self.versions, 'old version')} removed, {self.size_bytes / 1e6:,.1f} MB"
        if self.left_behind:
            said += f"; {counted(self.left_behind, 'file')} of killed runs"
        if self.withdrawn:
            said += f"; all of {', '.join(self.withdrawn)}, which no model makes any more"
        return said


def tidy_lake(connection: psycopg.Connection, lake: Lake, kept_for: timedelta) -> Removal:
    """Withdraw what removed models made, bring what the lake says of itself up to date, then remove old versions.

    A lake's folder that is not there is made by whoever exports first: root's would keep that account out.

    Where the disk is too full for that, old versions go all the same, which makes room for it.

    Raises:
        CatalogError: the models cannot be read; nothing is removed.
        LakeNotExplainedError: it cannot be written, with that room too.
    """
    if not lake.root.is_dir():
        return remove_old_versions(connection, lake, kept_for)
    catalog = Catalog.load()
    withdrawn = withdraw_datasets(connection, catalog.models, kept_for)
    is_described = False
    with suppress(LakeNotExplainedError):
        describe_lake(connection, lake, catalog)
        is_described = True
    removal = remove_old_versions(connection, lake, kept_for, withdrawn)
    if not is_described:
        describe_lake(connection, lake, catalog)
    return removal


def withdraw_datasets(connection: psycopg.Connection, declared: Iterable[str], kept_for: timedelta) -> list[str]:
    """Hide from readers what models made that are gone: ``remove_old_versions`` then takes the files of these datasets.

    A model that comes back within this time finds its files. A day that somebody works on is left to the next time.
    """
    withdrawn = list_withdrawn_datasets(connection, declared, kept_for)
    for dataset in withdrawn:
        for day in dict.fromkeys(file.day for file in list_versions(connection, dataset)):
            if not is_held(connection, day):
                with day_held(connection, day):
                    withdraw_dataset_day(connection, dataset, day)
    return withdrawn


def remove_old_versions(
    connection: psycopg.Connection,
    lake: Lake,
    kept_for: timedelta,
    withdrawn: Iterable[str] = (),
    readers_end_within: timedelta = READERS_END_WITHIN,
) -> Removal:
    """Remove what nobody sees any more. Safe to repeat and to kill. The connection must be in autocommit.

    First the ledger forgets the releases that are too old, so whoever begins to read from then on sees nothing of what
    is to go, and only those who have begun before are waited for. A file goes before the ledger forgets it, so a file
    that the ledger knows is there or is about to be forgotten. What the lake itself still names as its files stays.
    """
    delete_superseded_releases(connection, kept_for)
    named = files_named(lake)
    unused = [file for file in list_unused_versions(connection, kept_for, withdrawn) if str(key_of(file)) not in named]
    if readers := readers_after(connection, readers_end_within):
        return Removal(0, 0, 0, f"the lake is still read by {', '.join(map(str, readers))}; the next time will do")
    for file in unused:
        lake.store.delete(str(key_of(file)))
        delete_version(connection, file)
    left_behind = list(_left_behind(connection, lake, datetime.now(UTC) - kept_for))
    for key in left_behind:
        lake.store.delete(str(key))
    return Removal(
        len(unused),
        sum(file.size_bytes for file in unused),
        len(left_behind),
        withdrawn=tuple(sorted({file.dataset for file in unused} & set(withdrawn))),
    )


def _left_behind(connection: psycopg.Connection, lake: Lake, before: datetime) -> Iterator[FileKey]:
    """Files of killed publishers, older than an instant, whose version somebody else has made since.

    What is newer than the ledger stays: after a restore of the database from a backup it may be all there is.
    """
    known: dict[tuple[str, object], list[LakeFile]] = {}
    for file in list_versions(connection):
        known.setdefault((file.dataset, file.day), []).append(file)
    for name in lake.store.list():
        key = FileKey.parse(name)
        if key is None:
            continue
        versions = known.get((key.dataset, key.day), [])
        is_overtaken = any(file.version >= key.version for file in versions)
        if key in map(key_of, versions) or not is_overtaken or lake.store.stored_at(name) >= before:
            continue
        if is_held(connection, key.day):
            continue
        with day_held(connection, key.day):  # its publisher puts a file before the ledger knows it
            if key not in map(key_of, list_versions(connection, key.dataset, key.day)):
                yield key
