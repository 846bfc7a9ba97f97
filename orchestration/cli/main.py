"""The command ``fleetwatt``: what it can do, and how it ends when something is wrong."""

import sys

import typer

from dbt_like_sql.model import CatalogError
from orchestration.cli.on_demand import group_on_demand
from orchestration.cli.options import notes
from warehouse.contract.errors import FleetwattError

COMMANDS = {
    "up": "serve:up",
    "api": "serve:api",
    "dagster": "dagster:dagster",
    "simulate": "simulate:simulate",
    "import": "import_readings:import_readings",
    "status": "status:status",
    "query": "query:query",
    "models": "models:models",
    "seal": "day:seal",
    "export": "day:export",
    "run-day": "day:run_day",
    "hours": "upkeep:hours",
    "scrub": "upkeep:scrub",
    "retain": "upkeep:retain",
    "pack": "upkeep:pack",
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


def main() -> None:
    """Run the command line: exit code 0 is success, 1 a failure, 2 wrong usage, 3 done with some lines refused."""
    try:
        app()
    except FleetwattError as error:
        notes.print(f"{error.title}: ", style="bold red", end="")
        notes.print(error.detail)
        sys.exit(1)
    except CatalogError as error:
        notes.print("The models cannot be read:", style="bold red")
        notes.print(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
