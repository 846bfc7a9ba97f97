"""The options that several commands share, and the settings they override."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console

from warehouse.settings import FleetSettings, given

Home = Annotated[
    Path | None,
    typer.Option(help="Folder of the data and the logs. Default: FLEET_HOME, else ./.fleetwatt."),
]
DagsterPort = Annotated[
    int | None, typer.Option("--dagster-port", help="Port of Dagster's UI. Default: FLEET_DAGSTER_PORT, else 3001.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to stdout, for programs.")]

notes = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
"""Progress and remarks. Only results go to stdout."""


S = TypeVar("S", bound=FleetSettings)


def read_settings(kind: type[S], **flags: Any) -> S:
    """The settings, with the flags that were given on top.

    Raises:
        typer.BadParameter: a value is not valid, or its file cannot be read; it names the setting.
    """
    try:
        settings = kind(**given(**flags))
    except SettingsError as error:  # a secret's file that cannot be read
        raise typer.BadParameter(f"{error}: {error.__cause__}") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        came_as_flag = flags.get(name) is not None
        source = f"--{name.replace('_', '-')}" if came_as_flag else f"FLEET_{name.upper()}"
        raise typer.BadParameter(first["msg"], param_hint=source) from error
    if not _is_understood(settings.database_url or ""):
        # Without the driver's own words: they may repeat a part of the password.
        raise typer.BadParameter(
            "not like postgresql://user:password@host:5432/database (in a password, @ : / # % are written %40 %3A ...)",
            param_hint="FLEET_DATABASE_URL",
        )
    return settings


def _is_understood(database_url: str) -> bool:
    try:
        ports = str(conninfo_to_dict(database_url).get("port", ""))
    except psycopg.ProgrammingError:
        return False
    return all(port.isdecimal() for port in ports.split(",") if port)
