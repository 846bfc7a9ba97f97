"""Opens the lake for SQL: one view a dataset over its Parquet files, in a DuckDB of its own that holds no data.

Every view has the dataset's declared columns in their declared types and ``day``, the name of the file's folder. A
dataset that has no file yet is an empty view, so a query says "no rows" and not "no such table".
"""

import socket
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from dbt_like_sql.model import DAY_COLUMN, Model
from warehouse.contract.errors import FleetwattError
from warehouse.lake.interruption import note_session
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.storage.patterns import path_of, readable

MEMORY_LIMIT = "1GB"
_FILE_COLUMN = "lake_file"
_DAY = f"split_part({_FILE_COLUMN}, '/', -2)[{len('day=') + 1}:]::DATE AS {DAY_COLUMN}"
"""The day of a file. DuckDB leaves out the files that a question of some days does not need, as it would by itself."""


class UnreadableFileError(FleetwattError):
    """A file of the lake cannot be read"""

    code = "unreadable_file"


def open_lake(
    snapshot: Snapshot, models: Iterable[Model], day: date | None, *, memory_limit: str = MEMORY_LIMIT
) -> duckdb.DuckDBPyConnection:
    """Open these datasets as a snapshot has them, all of their days or one.

    With ``day`` the views hold that day's files alone and the variable ``day`` is set, as models and checks read it.

    Raises:
        UnreadableFileError: a file is no Parquet, or not any more.
    """
    connection = start_engine(snapshot.lake.spill, memory_limit)
    # What is at the end of each file is read once, not once a question.
    connection.execute("SET parquet_metadata_cache = true")
    add_views(connection, snapshot, models, day)
    return connection


def start_engine(spill: Path | None, memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """A DuckDB that holds no data, and a first session on it."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        # Nothing is fetched: what is needed (icu, parquet, json) is built in.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        # A name is a dataset, never a Python variable that happens to be called so.
        "python_enable_replacements": "false",
    }
    if spill:
        # What does not fit into memory goes where the data has room, not to the folder we happen to be in. DuckDB tells
        # the processes apart there by their numbers, and those of two containers, or of two machines, may be the same.
        settings["temp_directory"] = f"{spill}-{socket.gethostname()}"
    return _settled(duckdb.connect(":memory:", config=settings))


def another_session(engine: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A session with views of its own. It begins at once, where an engine takes as long to start as a small query."""
    return _settled(engine.cursor())


def add_views(
    connection: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    models: Iterable[Model],
    day: date | None,
    lookback_days: int = 0,
) -> None:
    """Make the views of these datasets, over all their days or over one and some before it. Raises as ``open_lake``.

    The variable ``day`` is set where it is one day's.
    """
    if day:
        set_day(connection, day)
    for model in models:
        add_view(connection, model, snapshot.locations(model.name, day, lookback_days))


def set_day(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    """Set the variable ``day``, as models and checks read it."""
    connection.execute(f"SET VARIABLE {DAY_COLUMN} = DATE '{day:%Y-%m-%d}'")


def hold_rows(
    connection: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    models: Iterable[Model],
    day: date,
    lookback_days: int = 0,
) -> None:
    """Make tables in memory where ``add_views`` makes views: for many questions about few rows.

    A view opens its files and finds their columns anew at each question.
    """
    set_day(connection, day)
    for model in models:
        if files := snapshot.locations(model.name, day, lookback_days):
            with _readable_files(model):
                _create(connection, "TABLE", model, files)
        else:
            add_empty_view(connection, model)


def add_view(connection: duckdb.DuckDBPyConnection, model: Model, files: Sequence[str]) -> None:
    """Make the view of a dataset over these files, or make it again over others."""
    if not files:
        add_empty_view(connection, model)
        return
    with _readable_files(model):
        _create(connection, "VIEW", model, files)


@contextmanager
def _readable_files(model: Model) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        first_line = str(error).partition("\n")[0]
        raise UnreadableFileError(
            f"{model.name}: {first_line}; fleetwatt scrub finds the damaged file and says what to do"
        ) from error


def open_empty_lake() -> duckdb.DuckDBPyConnection:
    """A lake without a file; ``add_empty_view`` gives it datasets, enough to bind a query against."""
    return start_engine(None)


def add_empty_view(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Make a dataset's view without a row, in its declared columns and types."""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {empty_view(model)}")


def view_of(model: Model, files: Sequence[str], stored: Container[str] | None = None) -> str:
    """A dataset's view over ``files``: what comes after ``CREATE VIEW``.

    ``stored``: the columns that some file has, where that may not be all of them.
    """
    columns = [
        f"{each.name}::{each.type} AS {each.name}" for each in model.columns if stored is None or each.name in stored
    ]
    return _view(model, [*columns, _DAY], f"FROM {_rows_of(files)}")


def empty_view(model: Model) -> str:
    """A dataset's view without a row: what comes after ``CREATE VIEW``."""
    columns = [f"NULL::{each.type} AS {each.name}" for each in model.columns]
    return _view(model, [*columns, f"NULL::DATE AS {DAY_COLUMN}"], "WHERE false")


def forbid_changes(connection: duckdb.DuckDBPyConnection, files: Sequence[str], outputs: Sequence[Path] = ()) -> None:
    """From here on the connection reads these files and nothing else, and writes to ``outputs`` alone."""
    # Each as it is asked for, and as it is called.
    allowed = dict.fromkeys([*files, *map(path_of, files), *map(str, outputs)])
    connection.execute(f"SET allowed_paths = {_texts(list(allowed))}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def file_rows(file: Path | str) -> str:
    """What reads one file, and takes no folder on the way to it for a column."""
    return f"read_parquet({text(readable(file))}, hive_partitioning = false)"


def text(value: str | Path) -> str:
    """A text as SQL."""
    quoted = str(value).replace("'", "''")
    return f"'{quoted}'"


def _settled(session: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    note_session(session)
    session.execute("SET TimeZone = 'UTC'")
    session.execute("SET enable_progress_bar = false")  # it is drawn on standard output, which is for results
    return session


def _create(connection: duckdb.DuckDBPyConnection, what: str, model: Model, files: Sequence[str]) -> None:
    try:
        connection.execute(f"CREATE OR REPLACE TEMP {what} {view_of(model, files)}")
    except duckdb.BinderException:  # no file has some column yet: then the view has none either
        stored = {row[0] for row in connection.execute(f"DESCRIBE FROM {_rows_of(files)}").fetchall()}
        connection.execute(f"CREATE OR REPLACE TEMP {what} {view_of(model, files, stored)}")


def _rows_of(files: Sequence[str]) -> str:
    # By name: files of days that were built before a column was added have nulls in it. The day is taken from the name
    # of the folder here: left to DuckDB, a folder anywhere above the lake that is called day=2026-02-08, as a backup's,
    # would be the day of all files, and one called kind=van a column of theirs.
    return (
        f"read_parquet({_texts(files)}, union_by_name = true, hive_partitioning = false, filename = '{_FILE_COLUMN}')"
    )


def _view(model: Model, columns: Sequence[str], tail: str) -> str:
    listed = ",\n    ".join(columns)
    return f"{model.name} AS SELECT\n    {listed}\n{tail}"


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(text(value) for value in values)}]"
