"""The options that several commands share, and the settings they override."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from warehouse.settings import FleetSettings, given

Home = Annotated[
    Path | None,
    typer.Option(help="Folder of the data and the logs. Default: FLEET_HOME, else ./.fleetwatt."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to stdout, for programs.")]

notes = Console(stderr=True, highlight=False)
"""Progress and remarks. Only results go to stdout."""


S = TypeVar("S", bound=FleetSettings)


def read_settings(kind: type[S], **flags: Any) -> S:
    """The settings, with the flags that were given on top.

    Raises:
        typer.BadParameter: a value is not valid; it names the setting.
    """
    try:
        return kind(**given(**flags))
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        raise typer.BadParameter(
            f"{first['msg']} (FLEET_{name.upper()})", param_hint=f"--{name.replace('_', '-')}"
        ) from error
