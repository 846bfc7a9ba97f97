"""The command ``fleetwatt`` and what it can do."""

from importlib.metadata import version
from typing import Annotated

import typer

from orchestration.cli.on_demand import group_on_demand
from orchestration.home.asked_by import command_line
from warehouse.postgres.audit.acting import acting_as

COMMANDS = {
    "up": "serve:up",
    "api": "serve:api",
    "dagster": "dagster:dagster",
    "simulate": "simulate:simulate",
    "import": "import_readings:import_readings",
    "status": "status:status",
    "quarantine": "quarantine:quarantine",
    "query": "query:query",
    "report": "report:report",
    "models": "models.commands:models",
    "seal": "day:seal",
    "export": "day:export",
    "run-day": "day:run_day",
    "hours": "upkeep:hours",
    "scrub": "upkeep:scrub",
    "retain": "upkeep:retain",
    "pack": "upkeep:pack",
    "devices": "devices:devices",
    "readings": "readings:readings",
    "export-device": "export_device:export_device",
    "forget": "forget:forget",
    "findings": "findings.commands:findings",
    "alerts": "alerts:alerts",
    "tokens": "tokens:tokens",
    "users": "users:users",
    "backup": "backup:backup",
    "restore": "restore:restore",
    "audit": "audit:audit",
    "upgrade": "upgrade:upgrade",
    "migrate": "database:migrate",
    "partitions": "database:partitions",
}
"""Each in the module that has it, in the order of the help."""

app = typer.Typer(
    name="fleetwatt",
    cls=group_on_demand(COMMANDS),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"fleetwatt {version('fleetwatt')}")
        raise typer.Exit


@app.callback()
def fleetwatt(
    context: typer.Context,
    *,
    _is_asked: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Charging efficiency for vehicle fleets: durable telemetry, the 24 h answer, the life of a day.

    Begin with: fleetwatt up
    """
    context.with_resource(acting_as(command_line()))
