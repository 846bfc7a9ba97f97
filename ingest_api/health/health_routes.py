"""``/health``, ``/livez``, ``/readyz``: whether this process lives, and whether it can do its work."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from ingest_api.database import Database, fetch_one
from ingest_api.health.storing_health import StoringHealth
from ingest_api.http.openapi import problems
from ingest_api.http.parts import Parts, part_of
from ingest_api.http.problems import MEDIA_TYPE, problem_body, retry_later
from ingest_api.settings import ApiSettings
from warehouse import sqlfiles
from warehouse.contract.errors import DatabaseUnavailableError, SchemaOutdatedError
from warehouse.contract.partitions import utc_day
from warehouse.postgres.schema_version import fault_of_revision
from warehouse.postgres.server_fitness import API_WORKER_CONNECTIONS

logger = logging.getLogger(__name__)
router = APIRouter(tags=["health"])

PROBES = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""What is answered even where there is no room for more connections."""
DATABASE_ANSWERS_WITHIN_S = 1.0


class Health(BaseModel):
    """All is well."""

    status: str = Field(examples=["ok"])


class ServiceHealth(Health):
    """This service is well. What somebody stopped in the pipeline behind it is said, where that is so."""

    stopped_in_pipeline: list[str] | None = Field(
        default=None,
        alias="stoppedInPipeline",
        description="Sensors and schedules; readings are taken all the same.",
    )


@router.get("/livez", summary="Does the process live?")
async def livez() -> Health:
    """Asks nothing of anyone: a failure means this process should be restarted."""
    return Health(status="ok")


@router.get(
    "/health",
    summary="Is the service healthy?",
    responses=problems(503),
    response_model=ServiceHealth,
    response_model_exclude_none=True,
)
async def health(request: Request) -> Any:
    """The same question as `/readyz`, under the name that fleet specifications use; it also says what is stopped."""
    ready = await readyz(request)
    if not isinstance(ready, Health):
        return ready
    return ServiceHealth(status=ready.status, stoppedInPipeline=await _stopped(part_of(request, Database)))


@router.get("/readyz", summary="Can it do its work?", responses=problems(503), response_model=Health)
async def readyz(request: Request) -> Any:
    """The database answers within a second and keeps what is written, its schema is current, partitions are ready.

    And readings can be stored: no commit failed just now, and where there was none, the question writes something.
    """
    fault = await find_fault(request.app.state.parts)
    if fault is None:
        return Health(status="ok")
    body = problem_body(request.scope, HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", fault)
    return Response(body, HTTPStatus.SERVICE_UNAVAILABLE, retry_later(), MEDIA_TYPE)


async def _stopped(database: Database) -> list[str] | None:
    look = asyncio.create_task(_look_for_stopped(database))
    done, _ = await asyncio.wait({look}, timeout=DATABASE_ANSWERS_WITHIN_S)  # as below
    if not done:
        look.cancel()
        return None
    return look.result()


async def _look_for_stopped(database: Database) -> list[str] | None:
    try:
        async with database.connection() as connection:
            found = await fetch_one(connection, sqlfiles.load("ingest_api.health", "find_stopped_pipeline"), {})
    except DatabaseUnavailableError:  # a moment ago it answered
        return None
    return list(found["stopped"]) if found else None


async def say_fault_at_start(parts: Parts) -> None:
    """A line of the log, where this process begins without being ready."""
    if fault := await find_fault(parts):
        logger.warning("not ready: %s", fault)


async def find_fault(parts: Parts) -> str | None:
    """What keeps this process from its work; ``None``: it is ready."""
    look = asyncio.create_task(_look(parts))
    # wait() and not timeout(): a query to a frozen server does not let itself be cancelled in time.
    done, _ = await asyncio.wait({look}, timeout=DATABASE_ANSWERS_WITHIN_S)
    if not done:
        look.cancel()
        return f"the database did not answer within {DATABASE_ANSWERS_WITHIN_S:g} s"
    return look.result()


async def _look(parts: Parts) -> str | None:
    database, workers = parts.get(Database), parts.get(ApiSettings).workers
    today = utc_day(datetime.now(UTC))
    try:
        if fault := await database.find_fault(workers * API_WORKER_CONNECTIONS):
            return fault
        async with database.connection() as connection:
            schema = await fetch_one(connection, sqlfiles.load("ingest_api.health", "find_schema_revision"), {})
            if fault := fault_of_revision(schema["revision"] if schema else None):
                return fault
            ready = await fetch_one(
                connection,
                sqlfiles.load("ingest_api.health", "count_ready_partitions"),
                {"days": [today, today + timedelta(days=1)]},
            )
    except (DatabaseUnavailableError, SchemaOutdatedError) as error:
        return error.detail
    if ready is None or ready["partitions"] < 2 * 2:
        return "partitions for today and tomorrow are missing; run fleetwatt partitions"
    return await parts.get(StoringHealth).fault()
