"""Reads one SELECT: which datasets and columns it names, which columns it gives, and what each is computed from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from re import search

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from dbt_like_sql.day_bounds import Days, dataset_days
from dbt_like_sql.declarations import DIALECT, suggestion
from dbt_like_sql.model import DAY_COLUMN, ColumnSource, Problem

Schema = Mapping[str, Mapping[str, str]]
"""The columns of each dataset and their types, ``day`` included."""


class _RefusedError(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Reference:
    """A dataset that the SELECT names, and the line where it first does."""

    dataset: str
    line: int


@dataclass
class Statement:
    """One file of SQL. What cannot be understood is noted in ``problems``, and then the rest stays empty."""

    path: Path
    text: str
    problems: list[Problem] = field(default_factory=list)
    references: tuple[Reference, ...] = ()
    is_day_proved: bool = True
    """Whether the text proves, once resolved, that no day beyond those declared is read; if not, a build must tell."""
    _query: exp.Query | None = None
    _root: Scope | None = None

    def __post_init__(self) -> None:
        try:
            self._query = _parse(self.text)
            root = build_scope(self._query.copy())
        except _RefusedError as refused:
            self._problem(refused.line, refused.message)
        except SqlglotError as error:
            self._unexplained(error)
        else:
            lines: dict[str, list[int]] = {}
            for table in _dataset_tables(root):
                lines.setdefault(table.name, []).append(_line(table))
            self.references = tuple(Reference(name, min(lines[name])) for name in sorted(lines))

    @property
    def select(self) -> str:
        """The SELECT alone: no semicolon at its end. Its lines are those of the file."""
        if self._query is None:
            return self.text
        last = _unended(sqlglot.tokenize(self.text, dialect=DIALECT))[-1]
        return self.text[: last.end + 1]

    def resolve(self, schema: Schema, lookback_days: int = 0) -> None:
        """Tie every column to the dataset or CTE it comes from; ``schema`` must know every reference.

        ``lookback_days``: how many days before its own it may read.
        """
        if self._query is None:
            return
        # Before anything is qualified, because qualify stops at the first of these and does not say where it is.
        self._find_unknown_columns(build_scope(self._query), schema)
        self._find_changing_rows()
        if self.problems:
            return
        try:
            self._query = qualify(
                self._query,
                schema={each.dataset: dict(schema[each.dataset]) for each in self.references},
                dialect=DIALECT,
                validate_qualify_columns=False,
                quote_identifiers=False,
            )
        except SqlglotError as error:
            self._unexplained(error)
            self._query = None
            return
        self._root = build_scope(self._query)
        for scope in self._root.traverse() if self._root else ():
            self._find_homeless_columns(scope, schema)
        if self._root and not self.problems:
            self._find_undeclared_days(self._root, schema, lookback_days)

    def columns(self) -> dict[str, int]:
        """The columns that the SELECT gives, once resolved, and their lines."""
        found: dict[str, int] = {}
        if self._query is None:
            return found
        for index, column in enumerate(self._query.selects):
            name, line = column.output_name, _line(column)
            if not name or name.startswith("_col_"):
                self._problem(line, f"column {index + 1} of the SELECT has no name; add AS")
            elif name in found:
                self._problem(line, f"two columns of the SELECT are called {name}")
            else:
                found[name] = line
        return found

    def lineage(self, column: str) -> tuple[ColumnSource, ...]:
        """The columns of other datasets that a column is computed from, once resolved; not those that only filter."""
        if self._query is None or self._root is None:
            return ()
        # By this scope: without it the text would be qualified again for each column.
        last = lineage(column, self._query, {}, dialect=DIALECT, scope=self._root, trim_selects=False, copy=False)
        ends = [(each.source, each.name) for each in last.walk() if not each.downstream]
        found = {
            ColumnSource(source.name, name.rpartition(".")[2])
            for source, name in ends
            if isinstance(source, exp.Table) and _is_dataset(source)
        }
        return tuple(sorted(found))

    def _find_unknown_columns(self, root: Scope | None, schema: Schema) -> None:
        """Columns that are asked of a dataset or CTE that does not have them."""
        for scope in root.traverse() if root else ():
            for column in scope.columns:
                source = scope.sources.get(column.table) if column.table else None
                names = _offered(source, schema)
                if names is not None and column.name.lower() not in names:
                    owner = source.name if isinstance(source, exp.Table) else column.table
                    near = suggestion(column.name, names)
                    self._problem(_line(column), f"unknown column {column.name} of {owner}{near}")

    def _find_homeless_columns(self, scope: Scope, schema: Schema) -> None:
        """Columns that no dataset or CTE of the scope has, or more than one."""
        for column in scope.columns:
            if column.table:
                continue
            offers = {alias: _offered(scope.sources.get(alias), schema) or () for alias in scope.selected_sources}
            owners = [alias for alias, names in offers.items() if column.name in names]
            near = suggestion(column.name, sorted({name for names in offers.values() for name in names}))
            wrong = f"unknown column {column.name}{near}"
            if len(owners) > 1:
                wrong = f"column {column.name} is ambiguous: {' and '.join(owners)} have it"
            self._problem(_line(column), wrong)

    def _find_changing_rows(self) -> None:
        """What hides which rows of a dataset are read, or makes them others each time."""
        if self._query is None:
            return
        for table in self._query.find_all(exp.Table):
            if _is_dataset(table) and table.alias_column_names:
                self._problem(_line(table), f"columns of {table.name} get other names in FROM; rename them in SELECT")
        for sample in self._query.find_all(exp.TableSample):
            self._problem(_line(sample.parent or sample), "a sample is another one each time")
        for join in self._query.find_all(exp.Join):
            if join.method == "POSITIONAL":
                self._problem(_line(join), "a positional join needs an order, which the rows of a dataset do not have")

    def _find_undeclared_days(self, root: Scope, schema: Schema, lookback_days: int) -> None:
        """A dataset holds all days; a model reads its own, and as many before it as it declares."""
        allowed = Days(-lookback_days, 0)
        own = f"getvariable('{DAY_COLUMN}')"
        wanted = f"{DAY_COLUMN} = {own}"
        if lookback_days:
            wanted = f"{DAY_COLUMN} BETWEEN {own} - {lookback_days} AND {own}"
        reads = list(dataset_days(root, schema))
        found = {id(read.table) for read in reads}
        for table in _dataset_tables(root):
            if id(table) not in found:
                self._problem(_line(table), f"write {table.name} in FROM or JOIN without parentheses around it")
        for read in reads:
            name, first = read.table.name, read.days.first
            if not read.is_limited:
                self._problem(_line(read.table), f"{name} is read for all days; add WHERE {wanted}")
            elif read.days.within(allowed):
                continue
            elif not read.is_proved:
                self.is_day_proved = False
            elif read.days.last > 0:
                self._problem(_line(read.table), f"{name} is read for later days too; say {wanted}")
            elif first == -inf:
                self._problem(_line(read.table), f"{name} is read for all earlier days too; say {wanted}")
            else:
                advice = f"lookback_days is {lookback_days}" if lookback_days else f"declare lookback_days = {-first:g}"
                self._problem(_line(read.table), f"{name} is read from day - {-first:g} on; {advice}")

    def _unexplained(self, error: SqlglotError) -> None:
        place = search(r"Line:? (\d+)", str(error))
        self._problem(int(place[1]) if place else 1, str(error))

    def _problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.path, line, message))


def _parse(text: str) -> exp.Query:
    try:
        tokens = sqlglot.tokenize(text, dialect=DIALECT)
    except TokenError:
        raise _RefusedError(_unclosed_line(text), "a quote or comment begins here and does not end") from None
    ends = [index for index, token in enumerate(tokens[:-1]) if token.token_type == sqlglot.TokenType.SEMICOLON]
    if ends:
        raise _RefusedError(tokens[ends[0] + 1].line, "a second statement begins here; a model is one SELECT")
    if not tokens:
        raise _RefusedError(1, "the file is empty; a model is one SELECT")
    try:
        (query,) = sqlglot.Dialect.get_or_raise(DIALECT).parser().parse(_unended(tokens), text)
    except ParseError as error:
        details = error.errors[0]
        said = "" if "Token" in details["description"] else f" ({details['description'].rstrip('.')})"
        raise _RefusedError(details["line"], f"syntax error near {details['highlight']!r}{said}") from None
    if not isinstance(query, exp.Query):
        raise _RefusedError(tokens[0].line, f"{tokens[0].text.upper()} is not a SELECT; a model is one SELECT")
    return query


def _unended(tokens: list[sqlglot.Token]) -> list[sqlglot.Token]:
    return tokens[:-1] if tokens[-1].token_type == sqlglot.TokenType.SEMICOLON else tokens


def _unclosed_line(text: str) -> int:
    """The first line after which the text can no longer be taken apart."""
    lines = text.splitlines()
    for count in range(len(lines), 0, -1):
        try:
            sqlglot.tokenize("\n".join(lines[:count]), dialect=DIALECT)
        except TokenError:
            continue
        return count + 1
    return 1


def _dataset_tables(root: Scope | None) -> Iterator[exp.Table]:
    for scope in root.traverse() if root else ():
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and _is_dataset(source):
                yield source


def _is_dataset(source: exp.Expr) -> bool:
    """A table by name; ``range(...)`` and the like are tables too, but make their rows themselves."""
    return isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier)


def _offered(source: exp.Expr | Scope | None, schema: Schema) -> Sequence[str] | None:
    """The columns a source has; ``None`` where only DuckDB knows."""
    if isinstance(source, exp.Table):
        return list(schema[source.name]) if _is_dataset(source) and source.name in schema else None
    if isinstance(source, Scope) and isinstance(source.expression, exp.Query) and not source.expression.is_star:
        return [name.lower() for name in _names(source.expression)]
    return None


def _names(query: exp.Expr) -> list[str]:
    return list(query.named_selects) if isinstance(query, exp.Query) else []


def _line(node: exp.Expr) -> int:
    """The line of the first name in it; 1 where sqlglot knows of none."""
    lines = [each.meta["line"] for each in node.find_all(exp.Identifier) if "line" in each.meta]
    return min(lines, default=1)
