"""What models would change, and which checks fail, as tables for people and as dicts for programs."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from rich import box
from rich.table import Table

from orchestration.cli.json_output import ByColumn
from orchestration.cli.options import notes
from orchestration.cli.terminal import print_line, results
from warehouse.counted import counted
from warehouse.lake.compare import Change, Comparison
from warehouse.lake.model_effects import Effect
from warehouse.lake.models import CheckResult


def print_effects(effects: Sequence[Effect], day: date) -> None:
    """A table of the models that give something else than what is published, and one of the columns of each."""
    built = [effect for effect in effects if not effect.missing]
    changed = [effect for effect in built if not effect.is_none]
    notes.print(
        f"{day}: {counted(len(built), 'SQL model')} rebuilt beside the lake, "
        f"{counted(len(changed), 'differs from what is published', 'differ from what is published')}"
    )
    for effect in effects:
        if effect.missing:
            notes.print(f"{effect.model.name} was not built: {day} has no {', '.join(effect.missing)}")
    console = results()
    if changed:
        console.print(_models_table(changed))
    for effect in changed:
        if effect.comparison and not all(each.is_none for each in effect.comparison.columns):
            console.print(_columns_table(effect.model.name, effect.comparison))
    failed = [result for effect in changed for result in effect.failed_checks]
    for result in failed:
        print_failed(result)
    if stopping := sum(result.stops for result in failed):
        notes.print(f"{counted(stopping, 'check')} failed on what would be published")


def print_failed(result: CheckResult) -> None:
    """A check that failed, with the first rows that violate it."""
    rows = counted(result.failing_rows, "row violates", "rows violate")
    warning = "" if result.check.is_blocking else "warning: "
    print_line(f"{result.check.path}:{result.check.line}: {warning}{rows}: {result.check.description}")
    for row in result.sample:
        print_line("    " + ", ".join(f"{column} = {value}" for column, value in row.items()))


def effect_as_dict(effect: Effect) -> dict[str, Any]:
    """One model's effect; of its columns those that change."""
    said: dict[str, Any] = {
        "name": effect.model.name,
        "missing": effect.missing,
        "isSame": effect.is_none,
        "rowsAfter": effect.row_count,
        "failedChecks": [result_as_dict(result) for result in effect.failed_checks],
    }
    if found := effect.comparison:
        said |= {
            "rowsBefore": found.rows_before,
            "keysOnlyBefore": found.only_before,
            "keysOnlyAfter": found.only_after,
            "rowsChanged": found.changed_rows,
            "columns": [
                {
                    "name": each.column,
                    "typeBefore": each.type_before,
                    "typeAfter": each.type_after,
                    "rowsChanged": each.rows,
                    "sumBefore": each.sum_before,
                    "sumAfter": each.sum_after,
                }
                for each in found.columns
                if not each.is_none
            ],
        }
    return said


def result_as_dict(result: CheckResult) -> dict[str, Any]:
    """What a check found."""
    return {
        "model": result.check.model,
        "name": result.check.name,
        "description": result.check.description,
        "severity": "error" if result.check.is_blocking else "warn",
        "failingRows": result.failing_rows,
        "sample": [ByColumn(row) for row in result.sample],
    }


def _models_table(changed: Sequence[Effect]) -> Table:
    table = _table("model", "rows before", "after", "keys gone", "keys new", "rows changed", "columns", texts=(0, 6))
    for effect in changed:
        found = effect.comparison
        if found is None:
            table.add_row(effect.model.name, "none", _number(effect.row_count), "", "", "", "not published yet")
        else:
            counts = (found.rows_before, found.rows_after, found.only_before, found.only_after, found.changed_rows)
            table.add_row(effect.model.name, *(_number(each) for each in counts), _columns_in_words(found))
    return table


def _columns_in_words(found: Comparison) -> str:
    kinds = ("new", "gone", "retyped")
    named = {kind: [each.column for each in found.columns if each.of_column == kind] for kind in kinds}
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in named.items() if names) or "as they were"


def _columns_table(name: str, found: Comparison) -> Table:
    table = _table(f"{name}: column", "type", "rows changed", "sum before", "sum after", "difference", texts=(0, 1))
    for each in found.columns:
        if not each.is_none:
            table.add_row(
                each.column,
                _type_in_words(each),
                _number(each.rows),
                _number(each.sum_before),
                _number(each.sum_after),
                _difference(each),
            )
    return table


def _type_in_words(change: Change) -> str:
    if change.type_before == change.type_after:
        return str(change.type_after)
    return f"{change.type_before or 'none'} -> {change.type_after or 'none'}"


def _difference(change: Change) -> str:
    if change.sum_before is None or change.sum_after is None:
        return ""
    difference = change.sum_after - change.sum_before
    share = f" ({difference / change.sum_before:+.2%})" if change.sum_before else ""
    return f"{_number(difference, digits=6, sign='+')}{share}"


def _number(value: float | int | None, digits: int = 10, sign: str = "") -> str:
    if value is None:
        return ""
    return f"{value:{sign},}" if isinstance(value, int) else f"{value:{sign},.{digits}g}"


def _table(*heads: str, texts: Collection[int] = (0,)) -> Table:
    """Columns of numbers, but for those that ``texts`` counts out."""
    table = Table(box=box.SIMPLE)
    for index, head in enumerate(heads):
        table.add_column(head, justify="left" if index in texts else "right")
    return table
