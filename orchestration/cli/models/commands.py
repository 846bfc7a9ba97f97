"""``fleetwatt models``: what the lake holds, where each column comes from, and whether all of it is right."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from dbt_like_sql.catalog import Catalog, ColumnSource, Model
from orchestration.cli.json_output import print_json
from orchestration.cli.models.build import build
from orchestration.cli.models.catalog import find_model, read_catalog
from orchestration.cli.models.check import check
from orchestration.cli.models.docs import docs
from orchestration.cli.models.freshness import freshness
from orchestration.cli.models.selected import Select, modified_where_it_runs, selected
from orchestration.cli.models.shown import MADE_BY, as_dict, print_model
from orchestration.cli.models.trace import trace
from orchestration.cli.models.trees import column_tree, dataset_tree
from orchestration.cli.models.unit_tests import test
from orchestration.cli.options import AsJson, Home, home_of_group, read_settings
from orchestration.cli.terminal import print_line, results
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
        print_json([as_dict(model) for model in chosen])
        return
    table = Table("dataset", "layer", "made by", "what it holds", "checks")
    table.columns[4].justify = "right"
    for model in chosen:
        what = Text(f"{model.description}\n").append(model.grain, style="dim")
        table.add_row(model.name, model.layer, MADE_BY[model.kind], what, str(len(model.checks)))
    results().print(table)


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
        print_json(as_dict(model))
    elif sql and model.sql is None:
        raise typer.BadParameter(f"{name} has no SELECT: it is made by the {MADE_BY[model.kind]}", param_hint="--sql")
    elif sql:
        print_line(model.sql or "")
    else:
        print_model(catalog, model, results())


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
    """Show what a dataset is made from, or a column of it, back to the tables of PostgreSQL.

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
        results().print(dataset_tree(catalog, model, catalog.models, set()))
    elif column in {each.name for each in model.columns}:
        results().print(column_tree(catalog, ColumnSource(name, column), set()))
    else:
        columns = ", ".join(each.name for each in model.columns)
        raise typer.BadParameter(f"{name} has no column {column}; it has {columns}", param_hint="--column")


models.command()(build)
models.command()(check)
models.command()(docs)
models.command()(freshness)
models.command()(test)
models.command()(trace)


def _print_selected(catalog: Catalog, chosen: Sequence[Model]) -> None:
    """What each of these is made from, as far as that is among them; from those that none of them reads."""
    names = {model.name for model in chosen}
    seen: set[str] = set()
    for model in chosen:
        if names.isdisjoint(catalog.used_by(model.name)):
            results().print(dataset_tree(catalog, model, names, seen))
