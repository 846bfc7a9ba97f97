"""``fleetwatt dagster``: Dagster alone, beside a database that something else runs."""

import os
import time
from typing import Annotated

import typer

from orchestration.alerting.channels import channels_of
from orchestration.cli.options import DagsterPort, Home, notes, read_settings
from orchestration.dagster_runtime.pipeline_watch import PipelineWatch
from orchestration.dagster_runtime.services import DagsterProcesses
from orchestration.dagster_runtime.ui_address import HOST, is_behind_sign_in
from orchestration.home.database import current_database
from orchestration.home.step_down import work_in
from orchestration.local.platform import require_free
from orchestration.processes.supervisor import Supervisor
from warehouse.behind_sign_in import PATH, SECRET_VARIABLE
from warehouse.env_file import old_setting_remark
from warehouse.listening import OPEN, ListeningError, warning
from warehouse.postgres.connection import connect
from warehouse.postgres.server_fitness import DAGSTER_CONNECTIONS, require_fit
from warehouse.postgres.superuser import superuser_remark
from warehouse.settings import SecretSettings


def dagster(
    *,
    home: Home = None,
    host: Annotated[
        str, typer.Option(help="Address of the UI. Beyond 127.0.0.1 it answers the API alone (FLEET_DAGSTER_SECRET).")
    ] = HOST,
    dagster_port: DagsterPort = None,
) -> None:
    """Serve Dagster alone: its UI, its daemon and our code, on FLEET_DATABASE_URL or on the server that runs in HOME.

    It seals, exports, rolls up and reports each closed day. Its own database is made beside the fleet's.

    \b
    Where PostgreSQL and the API run elsewhere:
        FLEET_DATABASE_URL=postgresql://fleet@db.internal/fleetwatt fleetwatt dagster
    """
    settings = read_settings(SecretSettings, home=home, dagster_port=dagster_port)
    secret = _secret(settings, host)
    if remark := old_setting_remark():
        notes.print(remark)
    channels_of(settings)  # half a channel is told before anything is begun
    require_free(host, settings.dagster_port, "--dagster-port")
    work_in(settings)
    url = current_database(settings)
    require_fit(url, DAGSTER_CONNECTIONS)
    with connect(url) as connection:
        if remark := superuser_remark(connection):
            notes.print(remark)
    began = time.monotonic()
    if said := warning("Dagster's UI", host, asks=secret is not None):
        notes.print(said, style="bold red")
        os.environ["PGAPPNAME"] = f"dagster, {OPEN}"  # what its processes' connections are called
    with (
        DagsterProcesses.of(settings, host, secret) as processes,
        Supervisor(notes.print) as supervisor,
    ):
        processes.prepare(url)
        for child in processes.children():
            supervisor.add(child)
        if supervisor.start_all():
            notes.print(f"Dagster is up after {time.monotonic() - began:.1f} s: {processes.url}")
            notes.print("Ctrl-C stops it.")
            PipelineWatch(processes, notes.print).begin()
            supervisor.run_until_stopped()
    notes.print("stopped; the next start goes on from here")


def _secret(settings: SecretSettings, host: str) -> str | None:
    """What the API says to the UI, where people sign in; ``None``: whoever reaches the UI may see it.

    Raises:
        ListeningError: people have to sign in, and the API has nothing to prove itself by.
    """
    if not is_behind_sign_in(settings, host):
        return None
    if settings.dagster_secret is None:
        raise ListeningError(
            f"Dagster's UI asks nobody who they are, and FLEET_AUTH says that everybody is asked: give it and the API "
            f"the same {SECRET_VARIABLE} (openssl rand -hex 24), and it answers the API alone, at {PATH}/ of the API's "
            "address. Or listen on 127.0.0.1; or, where something else keeps strangers out, say so with FLEET_AUTH=off"
        )
    return settings.dagster_secret.get_secret_value()
