"""Whether an upgraded database can be worked on: what /readyz of the API asks, asked before the API is started."""

from datetime import UTC, datetime

from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.schema_version import require_current
from warehouse.postgres.server_fitness import (
    API_WORKER_CONNECTIONS,
    DAGSTER_CONNECTIONS,
    JOB_CONNECTIONS,
    require_fit,
)
from warehouse.settings import FleetSettings


def require_ready(url: str, settings: FleetSettings) -> None:
    """See that the API and the pipeline can begin; partitions of the coming days are made where they are missing.

    Raises:
        SchemaOutdatedError: the schema is not this version's.
        DatabaseUnfitError: the server cannot keep what is written there, or has too few connections.
        DatabaseUnavailableError: it cannot be reached, or written to.
    """
    require_fit(url, settings.workers * API_WORKER_CONNECTIONS + DAGSTER_CONNECTIONS + JOB_CONNECTIONS)
    with connect(url) as connection:
        require_current(connection)
        make_ahead(connection, datetime.now(UTC), settings.accepted_age, settings.grace)
