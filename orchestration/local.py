"""The whole platform on one machine: PostgreSQL, the API and a simulated fleet, under the supervisor."""

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import httpx

from orchestration.supervisor import Child, Service, Supervisor
from warehouse.contract.errors import FleetwattError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions import make_ahead
from warehouse.settings import FleetSettings
from warehouse.simulation.fleet import Fleet

Say = Callable[[str], None]

FILLED_WITHIN_S = 120
"""How long the simulated fleet may take to fill today; then it goes on, and we say so."""
FRESH_S = 180
"""A fleet whose last reading is younger than this is up to date: it reports each minute."""


class PortTakenError(FleetwattError):
    """A port is taken"""

    code = "port_taken"


@dataclass
class LocalPlatform:
    """What ``fleetwatt up`` starts. ``vehicles`` is 0 where no fleet is simulated."""

    settings: FleetSettings
    vehicles: int
    history_days: int
    say: Say
    _environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://{self.settings.host}:{self.settings.port}"

    def run(self) -> None:
        """Start everything, say where it is, watch over it until asked to stop, stop it.

        Raises:
            PortTakenError: another program listens on the port.
            HomeError, ServerStartError, DatabaseUnavailableError, ChildStartError: a part cannot start; all is stopped.
        """
        _require_free(self.settings.host, self.settings.port)
        began = time.monotonic()
        with Supervisor(self.say) as supervisor:
            supervisor.add(self._postgres())
            supervisor.add(self._api())
            if self.vehicles:
                supervisor.add(self._fleet())
            if supervisor.start_all():
                self._say_where(time.monotonic() - began)
                supervisor.run_until_stopped()
                self.say("stopping")
        self.say("stopped; the next start goes on from here")

    def _postgres(self) -> Service:
        if self.settings.database_url:
            url = self.settings.database_url
            return Service("database", lambda: self._prepare(url), lambda: True, lambda: None)
        server = EmbeddedPostgres(self.settings.home)
        return Service("postgres", lambda: self._prepare(server.ensure_running()), server.is_alive, server.stop)

    def _prepare(self, url: str) -> None:
        """Bring the schema up to date; what starts after this finds the database by its environment."""
        applied = migrate(url)
        with connect(url) as connection:
            made = make_ahead(connection, datetime.now(UTC), self.settings.accepted_age, self.settings.grace)
        self._environment["FLEET_DATABASE_URL"] = url
        self.say(f"postgres is ready ({len(applied)} migrations applied, {len(made)} partitions made)")

    def _api(self) -> Child:
        self._environment |= {"FLEET_HOST": self.settings.host, "FLEET_PORT": str(self.settings.port)}
        return Child(
            name="api",
            command=[sys.executable, "-m", "ingest_api"],
            log=self._log("api"),
            environment=self._environment,
            ready=lambda: self._get("/livez") is not None,
        )

    def _fleet(self) -> Child:
        today = datetime.combine(datetime.now(UTC).date(), time_of_day(), UTC)
        since = today - timedelta(days=self.history_days)
        options = {"--url": self.url, "--vehicles": str(self.vehicles), "--since": since.isoformat()}
        return Child(
            name="simulated fleet",
            command=[sys.executable, "-m", "orchestration.cli.main", "simulate", *sum(options.items(), ())],
            log=self._log("simulate"),
            environment=self._environment,
            ready=self._fleet_is_up_to_date,
            ready_timeout_s=FILLED_WITHIN_S,
            essential=False,
        )

    def _fleet_is_up_to_date(self) -> bool:
        """Whether today is filled: the fleet's last vehicle has reported in the last minutes."""
        last = Fleet(self.vehicles).mappings()[-1]["vehicleId"]
        state = self._get(f"/v1/vehicles/{last}")
        return state is not None and state["ageSeconds"] is not None and state["ageSeconds"] < FRESH_S

    def _get(self, path: str) -> dict[str, Any] | None:
        """The API's answer; None where it gives none, or not the one that was hoped for."""
        try:
            answer = httpx.get(f"{self.url}{path}", timeout=5)
        except httpx.TransportError:
            return None
        return dict(answer.json()) if answer.is_success else None

    def _say_where(self, seconds: float) -> None:
        self.say("")
        self.say(f"Fleetwatt is up after {seconds:.1f} s.")
        self.say(f"  API        {self.url}")
        self.say(f"  docs       {self.url}/docs")
        data = "the database of FLEET_DATABASE_URL" if self.settings.database_url else self.settings.home.resolve()
        self.say(f"  data       {data}")
        self.say(f"  logs       {self._log('api').parent}")
        if self.vehicles:
            self.say(f"  ask        curl {self.url}/v1/analytics/performance/{self._vehicle_with_an_answer()}")
        self.say("  overview   fleetwatt status")
        self.say("Ctrl-C stops everything.")
        self.say("")

    def _vehicle_with_an_answer(self) -> str:
        """A vehicle that has charged today; the first one where none has yet, a minute after midnight."""
        vehicles = [mapping["vehicleId"] for mapping in Fleet(self.vehicles).mappings()]
        for vehicle in vehicles[:50]:
            answer = self._get(f"/v1/analytics/performance/{vehicle}")
            if answer is not None and answer["efficiencyRatio"] is not None:
                return vehicle
        return vehicles[0]

    def _log(self, name: str) -> Path:
        return self.settings.home.resolve() / "logs" / f"{name}.log"


def _require_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            return
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise PortTakenError(
            f"cannot listen on {host}:{port} ({reason}); stop the program that does, or choose another with --port"
        ) from error
