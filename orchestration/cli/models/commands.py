"""``fleetwatt models``: what the lake holds, where each column comes from, and whether all of it is right."""

import json
import sys
from collections.abc import Container, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from dbt_like_sql.catalog import Catalog, Model
from orchestration.cli.models.build import build
from orchestration.cli.models.catalog import find_model, read_catalog
from orchestration.cli.models.check import check
from orchestration.cli.models.docs import docs
from orchestration.cli.models.selected import Select, modified_where_it_runs, selected
from orchestration.cli.options import AsJson, Home, home_of_group, read_settings
from orchestration.cli.terminal import Terminal, print_line
from warehouse.settings import FleetSettings

models = typer.Typer(
    help="What the lake holds, where each column comes from, and whether all of it is right.\n\n"
    "The models are plain SELECTs in dbt_like_sql/models, declared in models.toml beside them:\n\n"
    "\b\n    fleetwatt models list",
    no_args_is_help=True,
    add_completion=False,  # it is the whole command's
    rich_markup_mode=None,
    callback=home_of_group,
)

Name = Annotated[str, typer.Argument(help="A dataset, as fleetwatt models list shows it.", show_default=False)]

MADE_BY = {"export": "export", "polars": "energy rule", "sql": "SQL"}


@models.command("list")
def list_models(*, select: Select = None, home: Home = None, as_json: AsJson = False) -> None:
    """List every dataset of the lake, each after what it is made from, or those that are selected.

    \b
        fleetwatt models list -s layer:marts
        fleetwatt models list -s daily_vehicle_efficiency+
        fleetwatt models list -s +weekly_vehicle_losses,owner:analytics
    Exit code: 4 the selection is empty.
    """
    settings = read_settings(FleetSettings, home=home)
    catalog = read_catalog()
    chosen = selected(catalog, select, modified_where_it_runs(settings, catalog))
    if as_json:
        _print_json([_as_dict(model) for model in chosen])
        return
    table = Table("dataset", "layer", "made by", "what it holds", "checks")
    table.columns[4].justify = "right"
    for model in chosen:
        what = Text(f"{model.description}\n").append(model.grain, style="dim")
        table.add_row(model.name, model.layer, MADE_BY[model.kind], what, str(len(model.checks)))
    _console().print(table)


@models.command()
def show(
    name: Name,
    *,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SELECT alone, to run it elsewhere.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show one dataset: what a row is, its columns and where they come from, its checks, what reads it.

    \b
        fleetwatt models show daily_vehicle_efficiency
    Its SELECT runs in any DuckDB that has the datasets as views, after SET VARIABLE day = DATE '2026-02-08':
        fleetwatt models show daily_vehicle_efficiency --sql
    """
    read_settings(FleetSettings, home=home)
    catalog = read_catalog()
    model = find_model(catalog, name, "NAME")
    if as_json:
        _print_json(_as_dict(model))
    elif sql and model.sql is None:
        raise typer.BadParameter(f"{name} has no SELECT: it is made by the {MADE_BY[model.kind]}", param_hint="--sql")
    elif sql:
        print_line(model.sql or "")
    else:
        _print_model(catalog, model)


@models.command()
def lineage(
    name: Annotated[
        str | None, typer.Argument(help="A dataset, as fleetwatt models list shows it.", show_default=False)
    ] = None,
    *,
    column: Annotated[str | None, typer.Option(help="Follow this column alone.", show_default=False)] = None,
    select: Select = None,
    home: Home = None,
) -> None:
    """Show what a dataset is made from, or a column of it, back to what PostgreSQL exported.

    With -s in place of a name: what the selected datasets are made from, as far as that is selected too.

    \b
        fleetwatt models lineage daily_fleet_efficiency
        fleetwatt models lineage daily_fleet_efficiency --column efficiency_ratio
        fleetwatt models lineage -s hourly_vehicle_efficiency+
    Exit code: 4 the selection is empty.
    """
    settings = read_settings(FleetSettings, home=home)
    catalog = read_catalog()
    if (name is None) == (select is None) or (select and column):
        raise typer.BadParameter("name a dataset, or select some with -s; a column is of a named one")
    if name is None:
        _print_selected(catalog, selected(catalog, select, modified_where_it_runs(settings, catalog)))
        return
    model = find_model(catalog, name, "NAME")
    if column is None:
        _console().print(_dataset_tree(catalog, model, catalog.models, set()))
    elif column in {each.name for each in model.columns}:
        _console().print(_column_tree(catalog, model, column))
    else:
        columns = ", ".join(each.name for each in model.columns)
        raise typer.BadParameter(f"{name} has no column {column}; it has {columns}", param_hint="--column")


models.command()(build)
models.command()(check)
models.command()(docs)


def _console() -> Terminal:
    """Nothing is folded where no person reads along."""
    return Terminal(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)


def _print_model(catalog: Catalog, model: Model) -> None:
    console = _console()
    facts = Table.grid(padding=(0, 2))
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
    columns = Table("column", "type", "what it says", "computed from")
    for each in model.columns:
        columns.add_row(each.name, each.type, each.description, _sources(model, each.name))
    console.print(Text(model.name, style="bold"))
    console.print(facts)
    console.print(columns)
    console.print("checks:")
    for each_check in model.checks:
        console.print(f"  {each_check.description}")


def _sources(model: Model, column: str) -> str:
    return "\n".join(f"{source.dataset}.{source.column}" for source in model.column_lineage.get(column, ()))


def _print_selected(catalog: Catalog, chosen: Sequence[Model]) -> None:
    """What each of these is made from, as far as that is among them; from those that none of them reads."""
    names = {model.name for model in chosen}
    seen: set[str] = set()
    for model in chosen:
        if names.isdisjoint(catalog.used_by(model.name)):
            _console().print(_dataset_tree(catalog, model, names, seen))


def _dataset_tree(catalog: Catalog, model: Model, among: Container[str], seen: set[str]) -> Tree:
    """What a dataset reads of ``among``, and so on; what was shown above is not taken apart again."""
    reads = [name for name in model.depends_on if name in among]
    again = model.name in seen and reads
    seen.add(model.name)
    tree = Tree(f"{model.name} ({MADE_BY[model.kind]})" + (", see above" if again else ""))
    for name in () if again else reads:
        tree.add(_dataset_tree(catalog, catalog.models[name], among, seen))
    return tree


def _column_tree(catalog: Catalog, model: Model, column: str) -> Tree:
    sources = model.column_lineage.get(column, ())
    if model.kind == "sql":
        remark = "" if sources else " (a constant, the day, or a count of rows)"
    else:
        remark = f" ({MADE_BY[model.kind]})"
    tree = Tree(f"{model.name}.{column}{remark}")
    for source in sources:
        tree.add(_column_tree(catalog, catalog.models[source.dataset], source.column))
    return tree


def _as_dict(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "layer": model.layer,
        "kind": model.kind,
        "description": model.description,
        "grain": model.grain,
        "key": model.key,
        "owner": model.owner,
        "path": str(model.path),
        "dependsOn": model.depends_on,
        "lookbackDays": model.lookback_days,
        "lookbackKey": model.lookback_key,
        "columns": [
            {**column._asdict(), "from": [list(source) for source in model.column_lineage.get(column.name, ())]}
            for column in model.columns
        ],
        "checks": [{"name": each.name, "description": each.description} for each in model.checks],
    }


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout)
    sys.stdout.write("\n")
