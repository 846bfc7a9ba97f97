"""The option ``--select`` of the commands on models: which datasets they mean."""

from collections.abc import Sequence
from typing import Annotated

import typer

from dbt_like_sql.catalog import Catalog, Model
from dbt_like_sql.selection import Modified, SelectionError, select
from orchestration.cli.options import notes
from orchestration.home.database import current_database, database
from orchestration.home.step_down import work_in
from warehouse.counted import counted
from warehouse.lifecycle.lagging_models import modified_models
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings

NOTHING_SELECTED = 4
"""The exit code where a selection is right and empty: ``state:modified`` where no model was changed."""

Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        "-s",
        metavar="SELECTION",
        help="Only these datasets: NAME, NAME+ (with what is made from it), +NAME, NAME+2, 2+NAME, layer:marts, "
        "owner:analytics, state:modified. A comma: both; again, or a space: either.",
        show_default=False,
    ),
]


def selected(catalog: Catalog, given: Sequence[str] | None, modified: Modified) -> tuple[Model, ...]:
    """The datasets that ``-s`` selects, in order; all of them where it is not given.

    Raises:
        typer.BadParameter: the selection is wrong; it suggests the nearest name.
        typer.Exit: it selects nothing, which is said; the exit code is ``NOTHING_SELECTED``.
    """
    if not given:
        return catalog.in_order()
    try:
        names = select(catalog, given, modified)
    except SelectionError as error:
        raise typer.BadParameter(str(error), param_hint="--select") from error
    if not names:
        raise nothing_selected(given)
    return tuple(catalog.models[name] for name in names)


def selected_models(catalog: Catalog, given: Sequence[str] | None, modified: Modified) -> list[str]:
    """The names of the SQL models that ``-s`` selects; none where it is not given. What else it selects is told of.

    Raises:
        typer.BadParameter: the selection is wrong, or names what has no SELECT.
        typer.Exit: it selects no SQL model.
    """
    if not given:
        return []
    for term in given:
        if term in catalog.models and catalog.models[term].kind != "sql":
            raise typer.BadParameter(f"{term} has no SELECT; fleetwatt run-day makes it", param_hint="--select")
    chosen = selected(catalog, given, modified)
    names = [model.name for model in chosen if model.kind == "sql"]
    if not names:
        raise nothing_selected(given, "SQL model")
    # What a release writes comes with it, and is left out by nobody.
    if others := sum(model.kind not in ("sql", "release") for model in chosen):
        notes.print(f"{counted(others, 'selected dataset has', 'selected datasets have')} no SELECT: left out")
    return names


def nothing_selected(given: Sequence[str], among: str = "dataset") -> typer.Exit:
    """Say that a selection is empty; what is to be raised then."""
    notes.print(f"no {among} is selected by {' '.join(given)}", soft_wrap=True)
    return typer.Exit(NOTHING_SELECTED)


def modified_where_it_runs(settings: FleetSettings, catalog: Catalog) -> Modified:
    """Asks the ledger, whose server must run.

    Raises:
        DatabaseUnavailableError: it does not.
    """

    def ask() -> frozenset[str]:
        with connect(current_database(settings)) as connection:
            return modified_models(connection, catalog)

    return ask


def modified_in_home(settings: FleetSettings, catalog: Catalog) -> Modified:
    """Asks the ledger, for commands that start the home's server where it does not run."""

    def ask() -> frozenset[str]:
        work_in(settings)
        with database(settings) as url, connect(url) as connection:
            return modified_models(connection, catalog)

    return ask
