"""The command ``fleetwatt``: what it can do, and how it ends when something is wrong."""

import sys

import typer

from dbt_like_sql.model import CatalogError
from orchestration.cli.dagster import dagster
from orchestration.cli.database import migrate, partitions
from orchestration.cli.day import export, run_day, seal
from orchestration.cli.import_readings import import_readings
from orchestration.cli.models import models
from orchestration.cli.options import notes
from orchestration.cli.query import query
from orchestration.cli.serve import api, up
from orchestration.cli.simulate import simulate
from orchestration.cli.status import status
from orchestration.cli.upkeep import hours, pack, retain, scrub
from warehouse.contract.errors import FleetwattError

app = typer.Typer(
    name="fleetwatt",
    help="Charging efficiency for vehicle fleets: durable telemetry, the 24 h answer, the life of a day.\n\n"
    "Begin with: fleetwatt up",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(up)
app.command()(api)
app.command()(dagster)
app.command()(simulate)
app.command("import")(import_readings)
app.command()(status)
app.command()(query)
app.add_typer(models, name="models")
app.command()(seal)
app.command()(export)
app.command("run-day")(run_day)
app.command()(hours)
app.command()(scrub)
app.command()(retain)
app.command()(pack)
app.command()(migrate)
app.command()(partitions)


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
