"""One dataset for ``fleetwatt models show``: facts, columns with what they are computed from, checks."""

from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dbt_like_sql.catalog import Catalog, Check, Column, Model
from orchestration.cli.terminal import Terminal

MADE_BY = {"export": "export", "polars": "energy rule", "sql": "SQL", "release": "release"}
_ROOM_FOR_WORDS = 30
"""Characters a line that a description needs to be read beside the other columns."""
_FRAMES = 13
"""Characters of the lines and spaces of a table of four columns."""


def print_model(catalog: Catalog, model: Model, console: Terminal) -> None:
    """Print it; where there is no room for a table of the columns, each has some lines of its own."""
    console.print(Text(model.name, style="bold"))
    console.print(_facts(catalog, model))
    words = [(each.name, each.type, each.description, sources_of(model, each.name)) for each in model.columns]
    longest = [max(map(len, "\n".join(texts).splitlines()), default=0) for texts in zip(*words, strict=True)]
    if sum(longest) - longest[2] + _ROOM_FOR_WORDS + _FRAMES <= console.width:
        table = Table("column", "type", "what it says", "computed from")
        for row in words:
            table.add_row(*row)
        console.print(table)
    else:
        console.print("columns:")
        for name, kind, description, sources in words:
            console.print(Text(f"  {name}", style="bold").append(f" {kind}", style="not bold"))
            _print_indented(console, description)
            _print_indented(console, f"from {', '.join(sources.splitlines())}" if sources else "")
    console.print("checks:")
    for check in model.checks:
        warns = "" if check.is_blocking else " (warns, stops nothing)"
        _print_indented(console, f"{check.description}{warns}", indent=2)


def sources_of(model: Model, column: str) -> str:
    """What a column is computed from, a line each."""
    return "\n".join(f"{source.dataset}.{source.column}" for source in model.column_lineage.get(column, ()))


def as_dict(model: Model) -> dict[str, Any]:
    """The same for a program."""
    return {
        "name": model.name,
        "layer": model.layer,
        "kind": model.kind,
        "description": model.description,
        "grain": model.grain,
        "key": model.key,
        "owner": model.owner,
        "path": str(model.path),
        "depends_on": model.depends_on,
        "lookback_days": model.lookback_days,
        "lookback_key": model.lookback_key,
        "columns": [_column_as_dict(model, column) for column in model.columns],
        "checks": [_check_as_dict(check) for check in model.checks],
    }


def _check_as_dict(check: Check) -> dict[str, Any]:
    severity = "error" if check.is_blocking else "warn"
    return {"name": check.name, "description": check.description, "severity": severity}


def _column_as_dict(model: Model, column: Column) -> dict[str, Any]:
    return {**column._asdict(), "from": [list(source) for source in model.column_lineage.get(column.name, ())]}


def _facts(catalog: Catalog, model: Model) -> Table:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("what", model.description)
    facts.add_row("grain", model.grain)
    facts.add_row("key", ", ".join(model.key))
    facts.add_row("layer", f"{model.layer}, made by {MADE_BY[model.kind]}, owned by {model.owner}")
    facts.add_row("file", str(model.path))
    facts.add_row("reads", ", ".join(model.depends_on) or "nothing")
    if model.lookback_days:
        facts.add_row("looks back", model.lookback)
    facts.add_row("read by", ", ".join(catalog.used_by(model.name)) or "nobody")
    if exposures := catalog.exposed_by(model.name):
        facts.add_row("exposures", "\n".join(f"{each.name}: {each.where}" for each in exposures))
    return facts


def _print_indented(console: Terminal, text: str, indent: int = 4) -> None:
    if text:
        console.print(Padding(text, (0, 0, 0, indent), expand=False))
