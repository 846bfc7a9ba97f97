"""What lives as long as the application: made at start-up, found by every request."""

from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from ingest_api.analytics.fleet_answers import FleetAnswers
from ingest_api.bodies.limits import HeldBytes
from ingest_api.database import Database
from ingest_api.database_pulse import DatabasePulse
from ingest_api.health.storing_health import StoringHealth
from ingest_api.http.client_address import ClientAddresses
from ingest_api.server.connections import Connections
from ingest_api.settings import ApiSettings
from ingest_api.telemetry.ingest import TelemetryIngest


@dataclass(frozen=True)
class Shared:
    """What the layers around the application share with it."""

    held: HeldBytes
    clients: ClientAddresses = field(default_factory=ClientAddresses)
    pulse: DatabasePulse = field(default_factory=DatabasePulse)


@dataclass(frozen=True)
class State:
    """The parts a request may need."""

    settings: ApiSettings
    database: Database
    analytics: Database
    """Where dashboards' questions go: a pool of their own, on a replica where one is named."""
    fleet: FleetAnswers
    ingest: TelemetryIngest
    connections: Connections
    storing: StoringHealth


def state_of(request: Request) -> State:
    """The state of the application that received this request."""
    return cast(State, request.app.state.fleetwatt)
