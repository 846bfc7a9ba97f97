"""``fleetwatt query``: one SELECT over the lake, as a table, CSV, JSON or Parquet."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from re import search
from typing import Annotated

import duckdb
import typer

from dbt_like_sql.catalog import Catalog, CatalogError
from dbt_like_sql.declarations import suggestion
from orchestration.cli.decimals import with_decimals
from orchestration.cli.infinite_times import with_infinite_times, with_times_as_text
from orchestration.cli.lake_reader import AsOf, Unverified, as_of, reading_lake
from orchestration.cli.options import Home, as_user_wrote, notes, read_settings, utc_day
from orchestration.cli.query_output import hand_over, require_place
from orchestration.cli.query_table import Rows, print_table, print_vertical
from warehouse.contract.errors import FleetwattError
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.views import forbid_changes, open_lake, text
from warehouse.scratch_folder import scratch_folder
from warehouse.settings import FleetSettings

_LONGEST_TABLE_ROWS = 100_000
"""A table is laid out in memory as a whole; what is longer is for programs anyway."""

_INSTANT_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class QueryError(FleetwattError):
    """The query cannot be answered"""

    code = "invalid_query"


class Format(StrEnum):
    """How rows are written: for people as a table, or a column a line; for programs.

    Infinity and NaN are null in JSON, which has no words for them; CSV has.
    """

    TABLE = "table"
    VERTICAL = "vertical"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"

    @property
    def is_for_people(self) -> bool:
        """Whether it is laid out here, and on a terminal cut off after some rows."""
        return self in (Format.TABLE, Format.VERTICAL)

    @property
    def options(self) -> str:
        """What DuckDB is told when it writes a file."""
        if self is Format.PARQUET:
            return "FORMAT parquet, COMPRESSION zstd"
        layout = "HEADER" if self is Format.CSV else "ARRAY true"
        return f"FORMAT {self}, {layout}, TIMESTAMPFORMAT '{_INSTANT_FORMAT}'"


def query(  # noqa: PLR0913 - each is an option
    sql: Annotated[str, typer.Argument(help="One SELECT in DuckDB's SQL; - reads it from stdin.", show_default=False)],
    *,
    written_as: Annotated[
        Format | None, typer.Option("--format", help="Default: what the name of --output ends in, else table.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write to this file instead of stdout.", callback=as_user_wrote)
    ] = None,
    day: Annotated[
        date | None,
        typer.Option(
            parser=utc_day, metavar="DAY", help="See this UTC day alone; getvariable('day') is it. Default: all days."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most rows of a table on a terminal; 0 is all.")] = 100,
    earlier: Annotated[
        AsOf | None,
        typer.Option(
            "--as-of",
            parser=as_of,
            metavar="RELEASE|INSTANT",
            help="See what readers saw at an instant, or with a release of --day. Default: what they see now.",
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="CSV and JSON: numbers as they are stored, to the last bit of float64.")
    ] = False,
    unverified: Unverified = False,
    home: Home = None,
) -> None:
    """Ask the lake in SQL: every dataset that fleetwatt models list shows is a table, with its UTC day as column day.

    Nothing can be changed: only the datasets that the SELECT names are read, and only --output is written. Each file of
    theirs (of the day, with --day) is read for its hash first, about a second a gigabyte, and refused where it is not
    what was published, if the database that has the ledger runs.

    Numbers are rounded for people to six decimals, in CSV and JSON to nine. Parquet has them as they are stored, and so
    have CSV and JSON with --exact.

    \b
    The last days of the fleet:
        fleetwatt query "FROM daily_fleet_efficiency ORDER BY day DESC LIMIT 7"
    Which columns there are, and what they mean:
        fleetwatt query "DESCRIBE daily_vehicle_efficiency"
        fleetwatt models show daily_vehicle_efficiency
    The worst vehicles of a day, as a file:
        fleetwatt query --day 2026-02-08 --output worst.csv \\
            "SELECT vehicle_external_id, lost_against_target_kwh FROM daily_vehicle_efficiency ORDER BY 2 DESC LIMIT 20"
    What a model computes, tried by hand:
        fleetwatt models show low_efficiency_days --sql | fleetwatt query --day 2026-02-08 -
    """
    form = _form(written_as, output)
    if earlier and earlier.release and not day:
        raise typer.BadParameter("releases are a day's: say which with --day", param_hint="--as-of")
    settings = read_settings(FleetSettings, home=home)
    catalog = _catalog()
    select = sys.stdin.read() if sql == "-" else sql
    datasets = [name for name in catalog.models if _names(select, name)]
    with reading_lake(settings, day, earlier) as reader, scratch_folder("query") as folder:
        snapshot = reader.snapshot
        if not unverified:
            reader.require_intact(datasets, day)
        _note_what_is_missing(snapshot, catalog, datasets, day, earlier)
        written = output.absolute() if output and form is not Format.JSON else folder / "rows"
        rows: Rows | None = None
        try:
            with open_lake(snapshot, catalog.in_order(), day) as connection:
                # What the question may read, and was looked at: no trick of SQL gets at the rest unseen.
                readable = [snapshot.lake.location(file) for file in snapshot.select(datasets, day)]
                forbid_changes(connection, readable, [written])
                one = _one_select(connection, select)
                if form.is_for_people:
                    rows = _fetch(connection, one, limit)
                else:
                    _write(connection, one, written, form, exact=exact)
        except duckdb.Error as error:
            raise QueryError(_explained(str(error), catalog)) from error
        if rows is not None:
            (print_vertical if form is Format.VERTICAL else print_table)(rows)
        else:
            hand_over(written, output, is_json=form is Format.JSON)


def _catalog() -> Catalog:
    try:
        return Catalog.load()
    except CatalogError as error:
        raise QueryError(f"the models cannot be read; fleetwatt models check shows them all:\n{error}") from error


def _form(given: Format | None, output: Path | None) -> Format:
    if output is None:
        if given is Format.PARQUET:
            raise typer.BadParameter("parquet goes to a file: name it with --output", param_hint="--format")
        return given or Format.TABLE
    require_place(output)
    endings = {f".{each}": each for each in (Format.CSV, Format.JSON, Format.PARQUET)}
    form = given or endings.get(output.suffix)
    if form is None or form.is_for_people:
        raise typer.BadParameter("a file is csv, json or parquet: say which with --format", param_hint="--output")
    return form


def _one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("one SELECT, please: the lake is read here and not changed (FROM, DESCRIBE and SHOW work too)")
    return _without_end(sql)


def _without_end(sql: str) -> str:
    """The statement up to the semicolon that ends it, if one does; its lines are those that were written."""
    written = sql.encode()
    ends = [
        offset
        for offset, kind in duckdb.tokenize(sql)
        if kind == duckdb.token_type.operator and written[offset : offset + 1] == b";"
    ]
    return (written[: ends[0]] if ends else written).decode()


def _names(sql: str, dataset: str) -> bool:
    """Whether the query speaks of this dataset. Where a column is called so, one more is looked at."""
    return search(rf"\b{dataset}\b", sql.lower()) is not None


def _note_what_is_missing(
    snapshot: Snapshot, catalog: Catalog, datasets: Sequence[str], day: date | None, earlier: AsOf | None
) -> None:
    if earlier:
        if earlier.instant and earlier.instant > datetime.now(UTC):
            notes.print(f"{earlier.instant:%Y-%m-%d %H:%M:%S%z} is still to come: this is what readers see now")
        if not snapshot.files:
            notes.print("readers saw nothing of it then, so every answer is empty")
        return
    days = sorted({each for name in catalog.models for each in snapshot.days(name)})
    if not days:
        notes.print(
            f"the lake in {snapshot.lake.root} is empty, so every answer is too: no day has been exported yet. "
            "fleetwatt up exports each day when it closes, fleetwatt run-day DAY does it now"
        )
    elif day and day not in days:
        has = str(days[0]) if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
        notes.print(f"the lake has nothing of {day}; it has {has}")
    # Marts come last: a day that has one of them is built, and another is on its way.
    built = {each for name, model in catalog.models.items() if model.layer == "marts" for each in snapshot.days(name)}
    for name in datasets:
        if catalog.models[name].kind == "release":  # of a day without a file nothing was restated since there are any
            continue
        missing = [each for each in sorted(built.difference(snapshot.days(name))) if day in (None, each)]
        if missing:
            is_sql = catalog.models[name].kind == "sql"
            advice = f"models build -s {name} --missing" if is_sql else f"run-day {missing[0]}"
            of_days = str(missing[0]) if len(missing) == 1 else f"{len(missing)} days, the first is {missing[0]}"
            notes.print(f"{name} was never built for {of_days}; its rows are missing here: fleetwatt {advice}")


def _fetch(connection: duckdb.DuckDBPyConnection, select: str, limit: int) -> Rows:
    most = limit if limit and sys.stdout.isatty() else _LONGEST_TABLE_ROWS
    columns = _columns_of(connection, select)
    rows = connection.execute(with_times_as_text(select, columns)).fetchmany(most + 1)
    if len(rows) > _LONGEST_TABLE_ROWS:
        raise QueryError(f"more than {_LONGEST_TABLE_ROWS:,} rows are no table any more: --format csv writes them all")
    return Rows(columns, [with_infinite_times(row, columns) for row in rows[:most]], is_cut_off=len(rows) > most)


def _write(connection: duckdb.DuckDBPyConnection, select: str, target: Path, form: Format, *, exact: bool) -> None:
    if not exact and form is not Format.PARQUET:
        select = with_decimals(select, _columns_of(connection, select))
    connection.execute(f"COPY (\n{select}\n) TO {text(target)} ({form.options})")


def _columns_of(connection: duckdb.DuckDBPyConnection, select: str) -> list[tuple[str, str]]:
    """Name and type of each, before anything is computed."""
    try:
        asked = connection.sql(select)
    except duckdb.Error:
        connection.execute(select)  # fails the same way, and says in which line
        raise
    return list(zip(asked.columns, map(str, asked.types), strict=True))


def _columns(catalog: Catalog, dataset: str) -> set[str]:
    return {column.name.lower() for column in catalog.models[dataset].columns}


def _explained(message: str, catalog: Catalog) -> str:
    """DuckDB's words, with what we know better: which datasets and columns there are."""
    known: Iterable[str]
    if unknown := search(r"Table with name (\S+) does not exist", message):
        known, advice = catalog.models, "fleetwatt models list shows the datasets"
    elif unknown := search(r'[Cc]olumn (?:named )?"([^"]+)"', message):
        known = {column.name for model in catalog.models.values() for column in model.columns}
        elsewhere = [name for name in catalog.models if unknown[1].lower() in _columns(catalog, name)]
        has_it = f"; {', '.join(elsewhere)} {'has' if len(elsewhere) == 1 else 'have'} it" if elsewhere else ""
        advice = f"fleetwatt models show NAME lists the columns of a dataset{has_it}"
    else:
        return message
    lines = [line for line in message.splitlines() if not line.startswith(("Candidate bindings", "Did you mean"))]
    first = lines[0].rstrip("!.")
    near = "" if unknown[1].lower() in map(str.lower, known) else suggestion(unknown[1], sorted(known))
    return "\n".join([f"{first}{near}", *lines[1:], advice])
