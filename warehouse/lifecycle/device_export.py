"""Writes all that is held of a device as files, each described: for the person whose movements they are."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import psycopg

from dbt_like_sql.catalog import Catalog
from warehouse.contract.device_rows import TABLES, Device
from warehouse.contract.errors import FleetwattError
from warehouse.counted import counted
from warehouse.lake.device_rows import datasets_with_devices, is_of
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.views import open_lake, text
from warehouse.postgres.connection import one_snapshot
from warehouse.postgres.device_data.held_rows import copy_rows, count_rows, tables_with_devices

FROM_POSTGRES, FROM_LAKE = "postgres", "lake"
"""The folders of the files."""


class FolderNotEmptyError(FleetwattError):
    """The folder cannot be written"""

    code = "folder_not_usable"


class WrittenFile(NamedTuple):
    """A file of the export. ``first_day``, ``last_day``: of the lake, which days have rows."""

    path: Path
    what: str
    rows: int
    first_day: date | None = None
    last_day: date | None = None


def make_output(folder: Path) -> None:
    """Make a folder for what is personal: for its owner alone.

    Raises:
        FolderNotEmptyError: something is in it already, or it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise FolderNotEmptyError(f"{folder}: {error.strerror}") from error
    if not is_empty:
        raise FolderNotEmptyError(f"{folder} is not empty; name a new folder")


def export_device(
    connection: psycopg.Connection, snapshot: Snapshot, catalog: Catalog, device: Device, folder: Path
) -> list[WrittenFile]:
    """Write a device's rows of every table and dataset that has some, and ``README.md``, which says what each file is.

    Raises:
        FolderNotEmptyError: the folder has something in it, or cannot be made.
        UnreadableFileError: a file of the lake is no Parquet any more.
    """
    make_output(folder)
    before = os.umask(0o077)
    try:
        written = [*_from_postgres(connection, device, folder), *_from_lake(snapshot, catalog, device, folder)]
        (folder / "README.md").write_text(_readme(device, folder, written), encoding="utf-8")
    finally:
        os.umask(before)
    return written


def _from_postgres(connection: psycopg.Connection, device: Device, folder: Path) -> Iterator[WrittenFile]:
    (folder / FROM_POSTGRES).mkdir()
    with one_snapshot(connection):  # of one moment, so that what refers to each other is all there
        for table in tables_with_devices():
            if rows := count_rows(connection, device, table):
                path = folder / FROM_POSTGRES / f"{table}.csv"
                with path.open("wb") as file:
                    file.writelines(copy_rows(connection, device, table))
                yield WrittenFile(path, TABLES[table].what, rows)


def _from_lake(snapshot: Snapshot, catalog: Catalog, device: Device, folder: Path) -> Iterator[WrittenFile]:
    (folder / FROM_LAKE).mkdir()
    models = [catalog.models[name] for name in datasets_with_devices() if name in catalog.models]
    with open_lake(snapshot, models, None) as engine:
        for model in models:
            of_device = f"FROM {model.name} WHERE {is_of(device, model.name)}"
            query = f"SELECT count(*), min(day), max(day) {of_device}"
            ((rows, first, last),) = engine.execute(query).fetchall()
            if rows:
                path = folder / FROM_LAKE / f"{model.name}.csv"
                ordered = f"SELECT * {of_device} ORDER BY day"
                engine.execute(f"COPY ({ordered}) TO {text(path)} (FORMAT csv, HEADER)")
                yield WrittenFile(path, model.description, rows, first, last)


def _readme(device: Device, folder: Path, written: list[WrittenFile]) -> str:
    lines = [
        f"# What is held of {device}",
        "",
        "All files are CSV in UTF-8, the names of the columns first; times are UTC, energies kWh. In most of them the",
        f"device is {device.kind.device_id} or device_id {device.device_id}. A missing value is an empty field.",
        "",
        f"`{FROM_POSTGRES}/` is the database: the newest days, the settings, what people did. `{FROM_LAKE}/` are the",
        "files by day that are kept for good, as readers see them now. Readings of the newest days are in both.",
        "",
        "| file | rows | days | what it is |",
        "| --- | --- | --- | --- |",
    ]
    for each in written:
        days = f"{each.first_day} to {each.last_day}" if each.first_day else ""
        lines.append(f"| `{each.path.relative_to(folder)}` | {each.rows:,} | {days} | {each.what.rstrip('.')} |")
    return "\n".join(
        [
            *lines,
            "",
            "Not here: sums over the whole fleet, replaced versions of the lake that are kept, logs, and backups.",
            "",
        ]
    )


def said(device: Device, written: list[WrittenFile], folder: Path) -> str:
    """What was written, in a sentence."""
    rows = counted(sum(each.rows for each in written), "row")
    return f"{device}: {rows} in {counted(len(written), 'file')}; {folder / 'README.md'} says what each is"
