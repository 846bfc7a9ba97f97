"""The command ``fleetwatt`` and what it can do."""

import typer

from orchestration.cli.on_demand import group_on_demand

COMMANDS = {
    "up": "serve:up",
    "api": "serve:api",
    "dagster": "dagster:dagster",
    "simulate": "simulate:simulate",
    "import": "import_readings:import_readings",
    "status": "status:status",
    "query": "query:query",
    "models": "models.commands:models",
    "seal": "day:seal",
    "export": "day:export",
    "run-day": "day:run_day",
    "hours": "upkeep:hours",
    "scrub": "upkeep:scrub",
    "retain": "upkeep:retain",
    "pack": "upkeep:pack",
    "devices": "devices:devices",
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


@app.callback()
def fleetwatt() -> None:
    """Charging efficiency for vehicle fleets: durable telemetry, the 24 h answer, the life of a day.

    Begin with: fleetwatt up
    """
