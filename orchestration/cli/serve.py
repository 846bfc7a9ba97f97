"""``fleetwatt up`` and ``fleetwatt api``: everything on one machine, or the API alone."""

import os
import sys
from typing import Annotated

import typer

from orchestration.alerting.channels import channels_of
from orchestration.cli.options import DagsterPort, Home, notes, read_settings
from orchestration.home.database import running_database
from orchestration.home.folder import held
from orchestration.home.step_down import become_the_api, work_in
from orchestration.local.platform import LocalPlatform
from orchestration.processes.child_environment import working_as
from warehouse.contract.database_roles import Role
from warehouse.listening import asks_for_tokens, warning
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.settings import FleetSettings
from warehouse.simulation.demo import HISTORY_DAYS, VEHICLES
from warehouse.visible import visible


def up(
    *,
    home: Home = None,
    port: Annotated[int | None, typer.Option(help="Port of the API. Default: FLEET_PORT, else 3000.")] = None,
    dagster_port: DagsterPort = None,
    dagster: Annotated[
        bool,
        typer.Option(
            "--dagster/--no-dagster",
            help="Run Dagster. Without it a day is exported only by: fleetwatt run-day DAY.",
        ),
    ] = True,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Run a simulated fleet against the API.")] = True,
    vehicles: Annotated[int, typer.Option(min=1, max=100_000, help="Size of the simulated fleet.")] = VEHICLES,
    history_days: Annotated[
        int, typer.Option(min=0, max=365, help="Closed days that the simulated fleet has behind it at its first start.")
    ] = HISTORY_DAYS,
) -> None:
    """Start the platform on this machine: PostgreSQL, the API, Dagster and a simulated fleet. Ctrl-C stops all of it.

    The data lies in HOME and is there at the next start. FLEET_DATABASE_URL uses an existing PostgreSQL instead.

    \b
    With a simulated fleet of 18 vehicles, in which faults of the last weeks are found within minutes:
        fleetwatt up
    With a fleet of your own:
        fleetwatt up --no-demo
    Only to take readings in and to answer:
        fleetwatt up --no-demo --no-dagster
    Beside another one:
        fleetwatt up --home /tmp/second --port 3100 --dagster-port 3101
    """
    settings = read_settings(FleetSettings, home=home, port=port, dagster_port=dagster_port)
    asks_for_tokens(settings.auth, settings.host)  # an address that is none is told before anything is begun
    channels_of(settings)  # half a channel is told before anything is begun
    work_in(settings)
    with held(settings.home):
        LocalPlatform(settings, vehicles if demo else 0, history_days, dagster, _say).run()


def api(
    *,
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: FLEET_HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: FLEET_PORT, else 3000.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes. Default: FLEET_WORKERS, else 1.")] = None,
) -> None:
    """Serve the API alone, on FLEET_DATABASE_URL or on the server that runs in HOME.

    It logs to stderr; whoever keeps that in a file rotates it.

    \b
    With four processes:
        fleetwatt api --workers 4
    For other machines too, which then need a token (fleetwatt tokens create):
        fleetwatt api --host 0.0.0.0
    """
    settings = read_settings(FleetSettings, home=home, host=host, port=port)
    if said := warning("the API", settings.host, asks=asks_for_tokens(settings.auth, settings.host)):
        notes.print(said, style="bold red")
    environment = {**working_as(Role.INGEST, running_database(settings, Role.INGEST)), **_where_it_reads(settings)}
    for name, value in (("FLEET_HOST", host), ("FLEET_PORT", port), ("FLEET_WORKERS", workers)):
        if value is not None:
            environment[name] = str(value)
    # Becomes the API's process: it gets our signals, and our memory is given back.
    command = ["-P", "-m", "ingest_api"]  # -P: nothing is imported from the user's folder
    become_the_api(settings, command, environment)


def _where_it_reads(settings: FleetSettings) -> dict[str, str]:
    """What tells the API as whom it asks for analytics, where that is not said in the settings."""
    url = None if settings.names_a_database else EmbeddedPostgres(settings.home).running_url(Role.READ)
    return {"FLEET_READ_DSN": url} if url and not settings.read_dsn else {}


def _say(line: str) -> None:
    """A line on stdout. Whoever read it may be gone, with the terminal or the pipe: the platform goes on."""
    try:
        typer.echo(visible(line))
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
