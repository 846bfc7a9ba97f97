"""Takes over a lake of a release that replaced its files in place: each gets the name that says its version.

Nothing is copied: ``data.parquet`` is renamed where it lies. Killed anywhere, the next one goes on.
"""

import hashlib
import shutil
from collections.abc import Callable
from datetime import date
from itertools import groupby
from pathlib import Path

import psycopg

from warehouse.backup.lake_copies import is_intact_copy, path_of_copy
from warehouse.backup.target import BackupTarget
from warehouse.counted import counted
from warehouse.lake.snapshot import MANIFEST
from warehouse.lake.storage.keys import UNVERSIONED, FileKey, folder_of
from warehouse.lake.storage.lake import Lake
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import dropped_streams, request_build
from warehouse.postgres.ledger.day_locks import day_held
from warehouse.postgres.ledger.lake_files import release_day
from warehouse.postgres.ledger.lake_take_over import (
    UnversionedFile,
    add_version_of,
    adopt_unconfirmed,
    forget_unpublished,
    list_unversioned_files,
)


def open_lake_folder(url: str, root: Path, say: Callable[[str], None] = lambda _message: None) -> Lake:
    """The lake in this folder, whose files have their versions' names. ``say`` hears of it where some had not.

    Raises:
        DatabaseUnavailableError: the ledger cannot be asked.
    """
    lake = Lake(root)
    with connect(url) as connection:
        take_over(connection, lake, say)
    return lake


def is_to_be_taken_over(connection: psycopg.Connection, lake: Lake) -> bool:
    """Whether ``take_over`` has something to do: to ask takes no right to change anything."""
    if not lake.root.is_dir():
        return False
    if not (lake.root / MANIFEST).exists():
        return True
    return any(_has_any(lake, file) for file in list_unversioned_files(connection))


def take_over(connection: psycopg.Connection, lake: Lake, say: Callable[[str], None] = lambda _message: None) -> None:
    """Rename what is not renamed yet, and write down what is there. The connection must be in autocommit.

    Where none of the files is in the folder nothing is done: then this is not where the lake lies, as in a container
    without its volume.
    """
    if not lake.root.is_dir():
        return
    unversioned = list_unversioned_files(connection)
    taken = 0
    if any(_has_any(lake, file) for file in unversioned):
        for day, _ in groupby(unversioned, lambda file: file.day):
            try:
                taken += _take_over_day(connection, lake, day)
            except OSError as error:  # of this day; the others can be read all the same, and nobody waits for it
                say(
                    f"files of {day} keep their old names, and cannot be read: {error}; "
                    "put that right, then: fleetwatt migrate"
                )
        say(f"the lake keeps versions from now on: {counted(taken, 'file')} renamed")
    if taken or not (lake.root / MANIFEST).exists():
        _describe(connection, lake, say)


def restore_unversioned(
    connection: psycopg.Connection, target: BackupTarget, lake: Lake, say: Callable[[str], None]
) -> None:
    """Bring back from a backup what such a release had published, and take it over."""
    for file in list_unversioned_files(connection):
        if file.sha256 is None or not is_intact_copy(target, file.sha256.hex()):
            continue
        path = _old_path(lake, file)
        with path_of_copy(target, file.sha256.hex()).open("rb") as copy, as_owner_of(lake.root.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as written:
                shutil.copyfileobj(copy, written, 1 << 20)
    take_over(connection, lake, say)


def _describe(connection: psycopg.Connection, lake: Lake, say: Callable[[str], None]) -> None:
    from dbt_like_sql.catalog import Catalog, CatalogError  # seldom needed, and they take a while to load
    from warehouse.lake.lake_readme import LakeNotExplainedError
    from warehouse.lifecycle.lake_description import describe_lake

    try:
        describe_lake(connection, lake, Catalog.load())
    except CatalogError as error:
        say(f"files.json and views.sql of the lake are written once the models can be read: {error}")
    except LakeNotExplainedError as error:  # whoever only reads may not write there
        say(f"{error.title}: {error.detail}")


def _has_any(lake: Lake, file: UnversionedFile) -> bool:
    try:
        return _old_path(lake, file).exists() or any(lake.store.list(folder_of(file.dataset, file.day)))
    except PermissionError:  # a folder that we may not look into is one
        return True


def _take_over_day(connection: psycopg.Connection, lake: Lake, day: date) -> int:
    with day_held(connection, day):
        files = [file for file in list_unversioned_files(connection) if file.day == day]
        for file in files:
            _take_over(connection, lake, file)
        instants = [file.published_at for file in files if file.published_at]
        if instants:
            has_been_rebuilt = any(file.version > 1 for file in files)
            release_day(connection, day, released_at=max(instants), forgotten=int(has_been_rebuilt))
    return len(files)


def _take_over(connection: psycopg.Connection, lake: Lake, file: UnversionedFile) -> None:
    path = _old_path(lake, file)
    was_interrupted = file.publishing_sha256 not in (None, file.sha256) and _digest(path) == file.publishing_sha256
    if was_interrupted and file.dataset in dropped_streams(connection, file.day):
        file = adopt_unconfirmed(connection, file, path.stat().st_size)  # it is all that there is of the day
    elif was_interrupted:
        # Its publisher was killed before the ledger confirmed it, so what was to become true with it did not. The
        # version before it is gone. The day is run again, as it would have been.
        with as_owner_of(lake.root):
            path.unlink()
        request_build(connection, file.day, f"its file of {file.dataset} was being published when that was interrupted")
    if file.sha256 is None:
        forget_unpublished(connection, file)
        return
    if path.exists():
        lake.store.put(str(FileKey.of(file.dataset, file.day, file.version, file.sha256)), path)
    add_version_of(connection, file)


def _old_path(lake: Lake, file: UnversionedFile) -> Path:
    return lake.root / folder_of(file.dataset, file.day) / UNVERSIONED


def _digest(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
