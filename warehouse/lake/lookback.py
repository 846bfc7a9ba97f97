"""Models that look back: held to the days that they declare, and made again for the keys that changed alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from dbt_like_sql.catalog import Model
from warehouse.counted import counted
from warehouse.lake.compare import Comparison, compare_files
from warehouse.lake.file_format import PARQUET
from warehouse.lake.models import ModelFailedError, build_model
from warehouse.lake.views import add_view, another_session, file_rows, set_day, text

Reads = Sequence[tuple[Model, Sequence[str]]]
"""What a model reads, and the files of it that are opened."""
_CHANGED = "changed_keys"


@contextmanager
def reading(engine: duckdb.DuckDBPyConnection, reads: Reads, day: date) -> Iterator[duckdb.DuckDBPyConnection]:
    """A session on a model's day that sees what the model reads, and nothing else."""
    with another_session(engine) as session:
        set_day(session, day)
        for read, files in reads:
            add_view(session, read, files)
        yield session


def require_declared_days(
    engine: duckdb.DuckDBPyConnection, of_all_days: Reads, model: Model, day: date, built: Path
) -> None:
    """Build a model's day again, over every day of what it reads: it must give what it gave over those it declares.

    ``built``: what it gave. One more file is written meanwhile, beside that.

    Raises:
        ModelFailedError: it gives something else, so it reads days that it does not declare.
    """
    with reading(engine, of_all_days, day) as session, _beside(built) as everything:
        build_model(session, model, everything)
        comparison = compare_files(engine, built, everything, model.sort_key)
    if not comparison.is_same:
        declared = f"lookback_days is {model.lookback_days}" if model.lookback_days else "it declares no lookback_days"
        raise ModelFailedError(
            f"{model.path}:1: {model.name} reads other days than it declares: {declared}, and over all days of the "
            f"lake it gives {_difference(comparison)} for {day}"
        )


def require_independent_keys(
    engine: duckdb.DuckDBPyConnection, reads: Reads, model: Model, day: date, built: Path
) -> None:
    """Build half of the keys by themselves: each key's rows must be those it has among all.

    Which half is the day's: another day has another one, and the same day the same one each time it is built.

    ``built``: what the model gave for all of them. Two more files are written meanwhile, beside that.

    Raises:
        ModelFailedError: they are others, so ``lookback_key`` is not true.
    """
    keys = ", ".join(model.lookback_key)
    # Of one text: the hash of several values is made of theirs, and keys that share a half would share it each day.
    of_day = f"hash(concat_ws(' ', DATE '{day}', {keys})) % 2 = 0"
    half = f"SELECT DISTINCT {keys} FROM {file_rows(built)} WHERE {of_day}"  # noqa: S608 - declared
    with reading(engine, reads, day) as session, _beside(built) as alone, _beside(alone) as expected:
        session.execute(f"CREATE TEMP TABLE {_CHANGED} AS {half}")
        _limit_to_changed(session, model, reads)
        build_model(session, model, alone)
        _copy(session, model, f"FROM {file_rows(built)} SEMI JOIN {_CHANGED} USING ({keys})", expected)
        comparison = compare_files(engine, expected, alone, model.sort_key)
    if not comparison.is_same:
        raise ModelFailedError(
            f"{model.path}:1: the rows of {model.name} depend on those of other keys than {keys}: built by themselves, "
            f"half of the keys give {_difference(comparison)} for {day}; remove lookback_key"
        )


def rebuild_changed_keys(
    engine: duckdb.DuckDBPyConnection,
    reads: Reads,
    changes: Sequence[tuple[str | None, str]],
    model: Model,
    day: date,
    before: str,
    target: Path,
) -> int:
    """Make a model's day again for the keys that changed in what it reads; the other rows are those of ``before``.

    ``changes``: files as the model read them, and as they are now; ``None``: there was none. Returns the rows.

    Raises:
        ModelFailedError: as ``build_model``.
    """
    keys = ", ".join(model.lookback_key)
    changed = " UNION ".join(_changed_keys(keys, *change) for change in changes)
    with reading(engine, reads, day) as session, _beside(target) as made:
        session.execute(f"CREATE TEMP TABLE {_CHANGED} AS {changed}")
        _limit_to_changed(session, model, reads)
        build_model(session, model, made)
        kept = f"FROM {file_rows(before)} ANTI JOIN {_CHANGED} USING ({keys})"
        return _copy(session, model, f"FROM {file_rows(made)} UNION ALL BY NAME ({kept})", target)


def have_same_columns(engine: duckdb.DuckDBPyConnection, one: str, other: str) -> bool:
    """Whether two files can be compared row by row: what made them may have got a column meanwhile."""
    with another_session(engine) as session:
        first, second = (session.execute(f"DESCRIBE FROM {file_rows(path)}").fetchall() for path in (one, other))
    return first == second


def _changed_keys(keys: str, before: str | None, now: str) -> str:
    if before is None:
        return f"SELECT DISTINCT {keys} FROM {file_rows(now)}"  # noqa: S608 - declared
    sides = [f"(FROM {file_rows(path)})" for path in (before, now)]
    one_way, other_way = (f"({one} EXCEPT ALL {other})" for one, other in (sides, sides[::-1]))
    return f"SELECT DISTINCT {keys} FROM ({one_way} UNION ALL {other_way})"  # noqa: S608 - declared


def _limit_to_changed(session: duckdb.DuckDBPyConnection, model: Model, reads: Reads) -> None:
    """Leave of what is read the rows of these keys, where it has them."""
    keys = ", ".join(model.lookback_key)
    for read, _ in reads:
        if set(model.lookback_key) <= {column.name for column in read.columns}:
            session.execute(f"CREATE TEMP TABLE limited AS FROM {read.name} SEMI JOIN {_CHANGED} USING ({keys})")
            session.execute(f"DROP VIEW {read.name}")
            session.execute(f"ALTER TABLE limited RENAME TO {read.name}")


def _copy(session: duckdb.DuckDBPyConnection, model: Model, query: str, target: Path) -> int:
    columns = ", ".join(column.name for column in model.columns)
    order = f"ORDER BY {', '.join(model.sort_key)}" if model.sort_key else ""
    select = f"SELECT {columns} FROM ({query}) {order}"  # noqa: S608 - declared
    ((rows,),) = session.execute(f"COPY ({select}) TO {text(target)} ({PARQUET})").fetchall()
    return int(rows)


def _difference(comparison: Comparison) -> str:
    if comparison.rows_before != comparison.rows_after:
        return f"{counted(comparison.rows_after, 'row')} instead of {comparison.rows_before}"
    changed = [each.column for each in comparison.columns if not each.is_none]
    return f"other values of {', '.join(changed)}" if changed else "other keys"


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A file beside another, removed at the end."""
    other = path.with_name(f"{path.stem}-again.parquet")
    try:
        yield other
    finally:
        other.unlink(missing_ok=True)
