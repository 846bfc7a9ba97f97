"""Opens the lake for SQL: one view a dataset over its Parquet files, in a DuckDB of its own that holds no data.

Every view has the dataset's declared columns in their declared types and ``day``, the name of the file's folder. A
dataset that has no file yet is an empty view, so a query says "no rows" and not "no such table".
"""

from collections.abc import Container, Iterable, Sequence
from datetime import date
from pathlib import Path

import duckdb

from dbt_like_sql.catalog import Model
from dbt_like_sql.model import DAY_COLUMN
from warehouse.contract.errors import FleetwattError
from warehouse.lake.paths import FILE_NAME, Lake

MEMORY_LIMIT = "1GB"


class UnreadableFileError(FleetwattError):
    """A file of the lake cannot be read"""

    code = "unreadable_file"


def open_lake(
    lake_root: Path, models: Iterable[Model], day: date | None, *, memory_limit: str = MEMORY_LIMIT
) -> duckdb.DuckDBPyConnection:
    """Open these datasets of the lake, all of their days or one.

    With ``day`` the views hold that day's files alone and the variable ``day`` is set, as models and checks read it.
    A view is made of the files that are there now; ``add_view`` makes it again when one was published.

    Raises:
        UnreadableFileError: a file is no Parquet, or not any more.
    """
    connection = start_engine(lake_root, memory_limit)
    # The footer of each file is read once, not once a question; of a file that was replaced, again.
    connection.execute("SET parquet_metadata_cache = true")
    add_views(connection, lake_root, models, day)
    return connection


def start_engine(lake_root: Path | None, memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """A DuckDB that holds no data, and a first session on it."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        # Nothing is fetched: what is needed (icu, parquet, json) is built in.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        # A name is a dataset, never a Python variable that happens to be called so.
        "python_enable_replacements": "false",
    }
    if lake_root:
        # What does not fit into memory goes where the data has room, not to the folder we happen to be in.
        settings["temp_directory"] = str(lake_root / ".spill")
    return _settled(duckdb.connect(":memory:", config=settings))


def another_session(engine: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A session with views of its own. It begins at once, where an engine takes as long to start as a small query."""
    return _settled(engine.cursor())


def add_views(
    connection: duckdb.DuckDBPyConnection, lake_root: Path, models: Iterable[Model], day: date | None
) -> None:
    """Make the views of these datasets, and set the variable ``day`` where it is one day's. Raises as ``open_lake``."""
    if day:
        connection.execute(f"SET VARIABLE {DAY_COLUMN} = DATE '{day:%Y-%m-%d}'")
    for model in models:
        add_view(connection, lake_root, model, day)


def add_view(connection: duckdb.DuckDBPyConnection, lake_root: Path, model: Model, day: date | None) -> None:
    """Make the view of a dataset, or make it again after a file of it was published."""
    lake = Lake(lake_root)
    if day is None:
        files = lake_root / model.name / f"{DAY_COLUMN}=*" / FILE_NAME if lake.days(model.name) else None
    else:
        file = lake.file(model.name, day)
        files = file if file.exists() else None
    if files is None:
        add_empty_view(connection, model)
        return
    try:
        _create_view(connection, model, files)
    except duckdb.Error as error:
        first_line = str(error).partition("\n")[0]
        raise UnreadableFileError(
            f"{model.name} in {lake_root}: {first_line}; fleetwatt scrub finds the damaged file and says what to do"
        ) from error


def open_empty_lake() -> duckdb.DuckDBPyConnection:
    """A lake without a file; ``add_empty_view`` gives it datasets, enough to bind a query against."""
    return start_engine(None)


def add_empty_view(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Make a dataset's view without a row, in its declared columns and types."""
    connection.execute(f"CREATE OR REPLACE TEMP {empty_view(model)}")


def view_of(model: Model, files: str | Path, stored: Container[str] | None = None) -> str:
    """A dataset's view over ``files``, a path or a pattern of paths: what comes after ``CREATE``.

    ``stored``: the columns that some file has, where that may not be all of them.
    """
    columns = [
        f"{each.name}::{each.type} AS {each.name}" for each in model.columns if stored is None or each.name in stored
    ]
    return _view(model, [*columns, DAY_COLUMN], f"FROM {_rows_of(files)}")


def empty_view(model: Model) -> str:
    """A dataset's view without a row: what comes after ``CREATE``."""
    columns = [f"NULL::{each.type} AS {each.name}" for each in model.columns]
    return _view(model, [*columns, f"NULL::DATE AS {DAY_COLUMN}"], "WHERE false")


def forbid_changes(
    connection: duckdb.DuckDBPyConnection, folders: Sequence[Path], outputs: Sequence[Path] = ()
) -> None:
    """From here on the connection reads these folders and nothing else, and writes to ``outputs`` alone."""
    readable = [f"{folder.resolve()}/" for folder in folders]
    connection.execute(f"SET allowed_directories = {_texts(readable)}")
    connection.execute(f"SET allowed_paths = {_texts([str(path) for path in outputs])}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def text(value: str | Path) -> str:
    """A text as SQL."""
    quoted = str(value).replace("'", "''")
    return f"'{quoted}'"


def _settled(session: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    session.execute("SET TimeZone = 'UTC'")
    session.execute("SET enable_progress_bar = false")  # it is drawn on standard output, which is for results
    return session


def _create_view(connection: duckdb.DuckDBPyConnection, model: Model, files: Path) -> None:
    try:
        connection.execute(f"CREATE OR REPLACE TEMP {view_of(model, files)}")
    except duckdb.BinderException:  # no file has some column yet: then the view has none either
        stored = {row[0] for row in connection.execute(f"DESCRIBE FROM {_rows_of(files)}").fetchall()}
        connection.execute(f"CREATE OR REPLACE TEMP {view_of(model, files, stored)}")


def _rows_of(files: str | Path) -> str:
    # By name: files of days that were built before a column was added have nulls in it.
    return (
        f"read_parquet({text(files)}, union_by_name = true, hive_partitioning = true, "
        f"hive_types = {{'{DAY_COLUMN}': DATE}})"
    )


def _view(model: Model, columns: Sequence[str], tail: str) -> str:
    listed = ",\n    ".join(columns)
    return f"VIEW {model.name} AS SELECT\n    {listed}\n{tail}"


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(text(value) for value in values)}]"
