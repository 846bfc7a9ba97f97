"""The catalog for a command: read, or every problem in it listed with file and line."""

from collections.abc import Sequence

import typer

from dbt_like_sql.catalog import Catalog, CatalogError, Model, Problem
from orchestration.cli.options import notes
from orchestration.cli.terminal import print_line
from warehouse.counted import counted


def read_catalog() -> Catalog:
    """The models as they are; else their problems are listed, and the command ends with exit code 1."""
    try:
        return Catalog.load()
    except CatalogError as error:
        print_problems(error.problems)
        raise typer.Exit(1) from error


def find_model(catalog: Catalog, name: str, param_hint: str) -> Model:
    """The dataset that an argument or option names.

    Raises:
        typer.BadParameter: there is none; it suggests the nearest.
    """
    try:
        return catalog.find(name)
    except LookupError as error:
        raise typer.BadParameter(str(error), param_hint=param_hint) from error


def print_problems(problems: Sequence[Problem], where: str = "models") -> None:
    """What is wrong on stdout, a line each, and how many on stderr."""
    for problem in problems:
        print_line(str(problem))
    notes.print(f"{counted(len(problems), 'problem')} in the {where}")
