"""Metrics: numbers that have one formula, wherever they are shown. Declared in ``metrics.toml``.

A formula is SQL over columns of one row. Each dataset that it is declared to hold in gets a check of it, so a model
that computes the metric in another way is stopped; whoever sums it or takes it over does so by its name. See ADR 98.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dbt_like_sql.declarations import DIALECT, Declaration, suggestion
from dbt_like_sql.declared_keys import METRIC
from dbt_like_sql.declared_tables import DeclaredTable, TableFile
from dbt_like_sql.model import Model, Problem


class _InvalidFormulaError(Exception):
    """A formula that is none; the message goes on from its name."""


@dataclass(frozen=True)
class Metric:
    """A column of this name is this number, in every dataset that has it."""

    name: str
    description: str
    formula: str
    inputs: tuple[str, ...]
    """The columns that the formula is made of."""
    unit: str
    grain: str
    """Of what it is computed, and how it is put together over more of that."""
    dimensions: tuple[str, ...]
    """By what it can be told apart."""
    holds_in: tuple[str, ...]
    """Datasets each of whose rows has the formula."""
    made_of_parts_in: tuple[str, ...]
    """Datasets that make it of parts, by another formula. Who sums it or takes it over needs no listing."""
    path: Path
    line: int


def read_metrics(
    folder: Path, declarations: Mapping[str, Declaration]
) -> tuple[Mapping[str, Metric], Sequence[Problem]]:
    """The metrics by name, in the order of the file, and what is wrong with them."""
    path = folder / "metrics.toml"
    file = TableFile("metric", METRIC, path.relative_to(folder.parent))
    metrics = {table.name: _metric(file, table) for table in file.read(path)}
    for metric in metrics.values():
        _check_datasets(file, metric, declarations)
    return metrics, file.problems


def metrics_held_in(metrics: Mapping[str, Metric], dataset: str) -> Iterator[Metric]:
    """The metrics whose formula each row of a dataset has."""
    return (metric for metric in metrics.values() if dataset in metric.holds_in)


def other_formulas(metrics: Mapping[str, Metric], models: Mapping[str, Model]) -> Iterator[Problem]:
    """Columns of a metric's name that neither are declared to be it nor come from a column that is."""
    for metric in metrics.values():
        for model in models.values():
            sources = model.column_lineage.get(metric.name)
            if sources is None or model.name in (*metric.holds_in, *metric.made_of_parts_in):
                continue
            if metric.name not in {source.column for source in sources}:
                advice = f"take it from a dataset that has it, or list {model.name} in {metric.path}:{metric.line}"
                yield Problem(model.path, 1, f"the column {metric.name} is a metric, {metric.formula}; {advice}")


def _metric(file: TableFile, table: DeclaredTable) -> Metric:
    said = table.values
    inputs: tuple[str, ...] = ()
    try:
        inputs = _inputs(table.name, said["formula"])
    except _InvalidFormulaError as error:
        file.note(f"the formula of {table.name} {error}", table.name, "formula")
    return Metric(
        name=table.name,
        description=said["description"],
        formula=said["formula"],
        inputs=inputs,
        unit=said["unit"],
        grain=said["grain"],
        dimensions=tuple(said["dimensions"]),
        holds_in=tuple(said["holds_in"]),
        made_of_parts_in=tuple(said.get("made_of_parts_in", ())),
        path=table.path,
        line=table.line,
    )


def _inputs(name: str, text: str) -> tuple[str, ...]:
    """The columns of a formula: one expression over columns of one row, which stays one wherever it is put."""
    try:
        formula = sqlglot.parse_one(f"({text})", dialect=DIALECT)
    except SqlglotError:
        raise _InvalidFormulaError("is no expression of SQL") from None
    if not isinstance(formula, exp.Paren) or formula.find(exp.Query, exp.AggFunc, exp.Window, exp.Alias):
        raise _InvalidFormulaError("is to be one expression over a row: no aggregate, no SELECT")
    inputs = tuple(dict.fromkeys(column.name for column in formula.find_all(exp.Column)))
    if not inputs or name in inputs:
        raise _InvalidFormulaError("is to be made of other columns")
    return inputs


def _check_datasets(file: TableFile, metric: Metric, declarations: Mapping[str, Declaration]) -> None:
    for name in set(metric.holds_in) & set(metric.made_of_parts_in):
        file.note(
            f"{name} either has the formula of {metric.name} or makes it of parts", metric.name, "made_of_parts_in"
        )
    for key, names in (("holds_in", metric.holds_in), ("made_of_parts_in", metric.made_of_parts_in)):
        for name in names:
            if name not in declarations:
                near = suggestion(name, declarations)
                file.note(f"{metric.name} names {name}, which does not exist{near}", metric.name, key)
                continue
            needed = [metric.name, *metric.inputs] if key == "holds_in" else [metric.name]
            if missing := [column for column in needed if column not in declarations[name].columns]:
                file.note(f"{name} has no column {', '.join(missing)}, which {metric.name} needs", metric.name, key)
