"""The whole platform on one machine: PostgreSQL, the API, Dagster and a simulated fleet, under the supervisor."""

import errno
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from orchestration.alerting.backup_watch import BackupWatch
from orchestration.alerting.disk_watch import DiskWatch
from orchestration.dagster_runtime.own_database import give_to_pipeline
from orchestration.dagster_runtime.pipeline_watch import PipelineWatch
from orchestration.dagster_runtime.services import DagsterProcesses
from orchestration.dagster_runtime.ui_address import HOST as DAGSTER_HOST
from orchestration.home.database_roles import settle_roles_of
from orchestration.local.fleet_history import FleetHistory
from orchestration.local.forgetting import UnfinishedForgetting
from orchestration.local.lake_news import LakeNews
from orchestration.local.simulated_fleet import SimulatedFleet
from orchestration.local.start_notice import StartNotice
from orchestration.processes.bounded_log import BoundedLog
from orchestration.processes.child_environment import of_the_api, working_as
from orchestration.processes.child_process import Child, Service
from orchestration.processes.supervisor import Supervisor
from warehouse.behind_sign_in import SECRET_VARIABLE
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import FleetwattError
from warehouse.contract.tokens import Scope
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.listening import ListeningError, asks_for_tokens, bound_sockets
from warehouse.origins import own_origins
from warehouse.postgres.access.token_store import TokenRequest, count_valid_tokens, replace_token
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.server_fitness import (
    API_WORKER_CONNECTIONS,
    DAGSTER_CONNECTIONS,
    JOB_CONNECTIONS,
    require_fit,
)
from warehouse.postgres.superuser import superuser_remark
from warehouse.settings import FleetSettings, InvalidSettingError

ANSWERS_WITHIN_S = 5.0
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound here
"""Who listens on all of a machine's addresses is asked on its own."""


INSIDE = "fleetwatt up"
"""What the token of what runs inside is called, with the machine and the port: each start replaces its own."""


class PortError(FleetwattError):
    """The port cannot be used"""

    code = "port_unusable"


@dataclass
class LocalPlatform:
    """What ``fleetwatt up`` starts. ``vehicles`` is 0 where no fleet is simulated."""

    settings: FleetSettings
    vehicles: int
    history_days: int
    with_dagster: bool
    """Without it closed days are exported only when somebody runs one by hand."""
    say: Callable[[str], None]
    _owner_url: str = field(default="", repr=False)
    _environment: dict[str, str] = field(default_factory=dict)
    _of_api: dict[str, str] = field(default_factory=dict, repr=False)
    """Its database, and how it finds Dagster's UI where people sign in before they see it."""
    _of_clients: dict[str, str] = field(default_factory=dict, repr=False)
    """The token by which what runs inside asks the API, where it asks everybody."""
    _has_tokens: bool = False
    """Others than that one."""
    # A proxy from the environment would not find this machine's own ports; a certificate has the fleet's name, and not
    # the address at which this machine asks itself.
    _client: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=ANSWERS_WITHIN_S, trust_env=False, verify=False)  # noqa: S501
    )

    @property
    def url(self) -> str:
        """Where the API answers."""
        host = EVERY_ADDRESS.get(self.settings.host, self.settings.host)
        scheme = "https" if self.settings.tls_cert else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.settings.port}"

    def run(self) -> None:
        """Start everything, say where it is, watch over it until asked to stop, stop it.

        Raises:
            PortError: another program listens on the port, or it is not ours to take.
            HomeError, ServerStartError, DatabaseUnavailableError, ChildStartError: a part cannot start; all is stopped.
        """
        require_free(self.settings.host, self.settings.port, "--port")
        if self.with_dagster:
            require_free(DAGSTER_HOST, self.settings.dagster_port, "--dagster-port")
        began = time.monotonic()
        fleet = SimulatedFleet(self.vehicles, self._get, self.say) if self.vehicles else None
        history = FleetHistory(self.settings, self.vehicles, self.history_days) if self.vehicles else None
        with self._client, self._dagster() as dagster, Supervisor(self.say) as supervisor:
            supervisor.add(self._postgres(dagster, history))
            for child in self._children(dagster, fleet, history):
                supervisor.add(child)
            where = f"{dagster.url}/runs" if dagster else "fleetwatt query"
            news = LakeNews(self._environment, where, self.say, history.tells_of if history else None)
            if supervisor.start_all():
                notice = StartNotice(
                    self.settings,
                    self.url,
                    time.monotonic() - began,
                    dagster.url if dagster else None,
                    supervisor.down(),
                    fleet.vehicle_with_an_answer() if fleet else None,
                    self._has_tokens,
                )
                for line in notice.lines():
                    self.say(line)
                news.begin()
                if dagster:
                    PipelineWatch(dagster, self.say).begin()
                DiskWatch(self.settings).begin()
                BackupWatch(self.settings).begin()
                of_jobs = self._environment["FLEET_DATABASE_URL"]
                UnfinishedForgetting(self.settings, self._owner_url, of_jobs, self.say).begin()
                supervisor.run_until_stopped()
                self.say("stopping")
        self.say("stopped; the next start goes on from here")

    def _dagster(self) -> AbstractContextManager[DagsterProcesses | None]:
        if not self.with_dagster:
            return nullcontext()
        if asks_for_tokens(self.settings.auth, self.settings.host):
            self._of_api[SECRET_VARIABLE] = secrets.token_urlsafe(32)  # in the memory of these processes alone
            self._of_api["FLEET_DAGSTER_URL"] = own_origins(DAGSTER_HOST, self.settings.dagster_port, [])[0]
        return DagsterProcesses.of(self.settings, secret=self._of_api.get(SECRET_VARIABLE))

    def _children(
        self, dagster: DagsterProcesses | None, fleet: SimulatedFleet | None, history: FleetHistory | None
    ) -> Iterable[Child]:
        """In the order in which they are to be started."""
        of_dagster = list(dagster.children()) if dagster else []
        yield from of_dagster[:1]  # the code server, which loads its code while the API starts
        yield self._api()
        if history:  # ahead of the rest: it takes longest, and has something to show soonest
            makes_days = dagster is not None
            yield history.child(self._environment, self._log("history"), makes_days=makes_days)
        if fleet:
            yield fleet.child(self.url, self._log("simulate"), self._of_clients)
        yield from of_dagster[1:]

    def _postgres(self, dagster: DagsterProcesses | None, history: FleetHistory | None) -> Service:
        if self.settings.names_a_database:
            url = self.settings.database_url
            if url is None:
                raise InvalidSettingError("set it to the role that owns the tables: it migrates", "database_url")
            return Service("database", lambda: self._prepare(url, dagster, history), lambda: True, lambda: None)
        server = EmbeddedPostgres(self.settings.home)
        return Service(
            "postgres",
            lambda: self._prepare(server.ensure_running(), dagster, history),
            server.is_alive,
            server.stop,
            BoundedLog(server.log),
        )

    def _prepare(self, url: str, dagster: DagsterProcesses | None, history: FleetHistory | None) -> None:
        """Bring the schema and the roles up to date. The others find the database by their environment, on a new port
        too, each as a role of its own where there are any. ``url`` is the owner's.
        """
        of_dagster = DAGSTER_CONNECTIONS if dagster else 0
        require_fit(url, self.settings.workers * API_WORKER_CONNECTIONS + of_dagster + JOB_CONNECTIONS)
        applied = migrate(url, self.say)
        roles = settle_roles_of(self.settings, url, self.say)
        open_lake_folder(url, self.settings.lake, self.say)
        with connect(url) as connection:
            made = make_ahead(connection, datetime.now(UTC), self.settings.accepted_age, self.settings.grace)
            if remark := superuser_remark(connection):
                self.say(remark)
            if asks_for_tokens(self.settings.auth, self.settings.host):
                self._make_token(connection)
        self._owner_url = url
        of_jobs = roles.get(Role.PIPELINE, url)
        for environment, role in ((self._environment, Role.PIPELINE), (self._of_api, Role.INGEST)):
            environment.update(working_as(role, roles.get(role, url)))
            environment["FLEET_HOME"] = str(self.settings.home.resolve())
        if self._says_where_to_read:
            self._of_api["FLEET_READ_DSN"] = roles.get(Role.READ, url)
        first_day = history.prepare(of_jobs) if history else None
        if dagster:
            give_to_pipeline(self.settings, url, roles)
            dagster.prepare(of_jobs, first_day)
        self.say(f"postgres is ready (migrations applied: {len(applied)}, partitions made: {len(made)})")

    @property
    def _says_where_to_read(self) -> bool:
        """Whether the API is told where to read: not where it reads as it stores, or its settings name a replica."""
        return self.settings.names_a_database == bool(self.settings.read_dsn)

    def _make_token(self, connection: psycopg.Connection) -> None:
        """For what runs inside, until the next start. Its secret is in the memory of these processes alone."""
        name = f"{INSIDE} ({socket.gethostname()}, port {self.settings.port})"
        token = replace_token(connection, TokenRequest(name, [Scope.ADMIN]))
        self._has_tokens = count_valid_tokens(connection) > 1
        self._of_clients["FLEET_TOKEN"] = str(token)

    def _api(self) -> Child:
        self._of_api |= {"FLEET_HOST": self.settings.host, "FLEET_PORT": str(self.settings.port)}
        return Child(
            name="api",
            command=[sys.executable, "-P", "-m", "ingest_api"],  # -P: nothing is imported from the user's folder
            log=self._log("api"),
            environment=self._of_api,
            inherits=of_the_api,
            ready=lambda: self._get("/livez") is not None,
        )

    def _get(self, path: str) -> dict[str, Any] | None:
        """The API's answer; None where it gives none, or not the one that was hoped for."""
        try:
            token = self._of_clients.get("FLEET_TOKEN")
            headers = {"Authorization": f"Bearer {token}"} if token else None
            answer = self._client.get(f"{self.url}{path}", headers=headers)
        except httpx.TransportError:
            return None
        return dict(answer.json()) if answer.is_success else None

    def _log(self, name: str) -> Path:
        return self.settings.home.resolve() / "logs" / f"{name}.log"


def require_free(host: str, port: int, flag: str) -> None:
    """See that nobody listens there; ``flag`` chooses another port.

    Raises:
        PortError: somebody does, or the address is not ours to take.
    """
    try:
        for each in bound_sockets(host, port):
            each.close()
    except ListeningError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE:
            what = f"{host}:{port} is taken; stop the program that listens there, or choose another with {flag}"
        else:
            what = f"{error.detail}; choose another with {flag} or FLEET_HOST"
        raise PortError(what) from error
