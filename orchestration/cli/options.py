"""The options that several commands share, and the settings they override."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from orchestration.cli.failures import note_home
from orchestration.cli.terminal import Terminal
from warehouse.contract.partitions import EARLIEST_DAY, LATEST_DAY, midnight
from warehouse.env_file import env_file
from warehouse.settings import FleetSettings, InvalidSettingError, read
from warehouse.user_path import expanded


def _folder(given: str | Path) -> Path:
    """Of an unset variable, ``--home "$NONE"``, Path would make this very folder."""
    if given == "":
        raise typer.BadParameter("it is empty; name a folder")
    return Path(given)


Home = Annotated[
    Path | None,
    typer.Option(
        parser=_folder, metavar="PATH", help="Folder of the data and the logs. Default: FLEET_HOME, else ./.fleetwatt."
    ),
]
DagsterPort = Annotated[
    int | None, typer.Option("--dagster-port", help="Port of Dagster's UI. Default: FLEET_DAGSTER_PORT, else 3001.")
]


def utc_day(given: str) -> date:
    """A day as it is written everywhere here, for the ``parser`` of an option or argument."""
    try:
        if _DAY(given):
            day = date.fromisoformat(given)
            if not EARLIEST_DAY <= day <= LATEST_DAY:
                raise typer.BadParameter(f"expected a day from {EARLIEST_DAY.year} to {LATEST_DAY.year}")
            return day
    except ValueError:  # 30 February
        pass
    today = datetime.now(UTC).date()
    meant = {"today": today, "yesterday": today - timedelta(days=1)}.get(given.lower())
    example = f"{given} is {meant}" if meant else "e.g. 2026-02-08"
    raise typer.BadParameter(f"expected a day (UTC) that there is, as YYYY-MM-DD, {example}")


def utc_instant(given: str) -> datetime:
    """An instant, or ``2026-02-08``, which is when that day begins, for the ``parser`` of an option."""
    try:
        instant = datetime.fromisoformat(given)
    except ValueError:
        return midnight(utc_day(given))
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    if not midnight(EARLIEST_DAY) <= instant <= midnight(LATEST_DAY):
        raise typer.BadParameter(f"expected an instant from {EARLIEST_DAY.year} to {LATEST_DAY.year}")
    return instant.astimezone(UTC)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
P = TypeVar("P", Path, list[Path], None)


def as_user_wrote(given: P) -> P:
    """The paths of an option or argument with ``~`` replaced, for its ``callback``."""
    if given is None:
        return given
    if not isinstance(given, Path):
        return [_one_of_many(each) for each in given]
    try:
        return expanded(given)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _one_of_many(path: Path) -> Path:
    """A file may be called so (``~$report.ndjson``); where there is none, that is its own report and ends no other."""
    try:
        return expanded(path)
    except ValueError:
        return path


def home_of_group(context: typer.Context, home: Home = None) -> None:
    """The callback of a group of commands: ``--home`` before a command's name means the same as behind it."""
    if home is not None and isinstance(context.command, TyperGroup):
        context.default_map = {name: {"home": home} for name in context.command.list_commands(context)}


NewHome = Annotated[
    Path,
    typer.Option(
        "--home",
        parser=_folder,
        callback=as_user_wrote,
        metavar="PATH",
        help="Folder of the data and the logs. It is empty, or does not exist yet.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to stdout, for programs.")]

notes = Terminal(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
"""Progress and remarks. Only results go to stdout."""


S = TypeVar("S", bound=FleetSettings)


def read_settings(kind: type[S], **flags: Any) -> S:
    """The settings, with the flags that were given on top; it is said which ``.env`` they come from.

    Raises:
        EnvFileError: the ``.env`` of this folder cannot be used.
        typer.BadParameter: a value is not valid, or its file cannot be read; it names the setting.
    """
    try:
        settings = read(kind, **flags)
    except InvalidSettingError as error:
        came_as_flag = flags.get(error.name) is not None
        source = f"--{error.name.replace('_', '-')}" if came_as_flag else f"FLEET_{error.name.upper()}"
        raise typer.BadParameter(error.detail, param_hint=source if error.name else None) from error
    note_home(settings.home)
    if read_file := env_file():
        notes.print(f"settings of {read_file}")
    return settings
