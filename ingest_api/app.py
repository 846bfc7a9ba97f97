"""Composes the HTTP tier: its routes, its layers, and what lives between start-up and shutdown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import cast

import psycopg
from fastapi import FastAPI

from ingest_api import analytics, devices, health, mappings, openapi, problems, telemetry_route
from ingest_api.database import Database
from ingest_api.group_commit import GroupCommit
from ingest_api.request_id import RequestIds
from ingest_api.settings import ApiSettings
from ingest_api.state import State
from ingest_api.telemetry import HotPath, TelemetryIngest
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.contract.readings import AcceptedWindow
from warehouse.postgres.connection import open_connection
from warehouse.postgres.reading_store import ReadingStore

DESCRIPTION = """Charging efficiency for vehicle fleets: send readings, ask what the last 24 hours were worth.

Errors are `application/problem+json`; branch on their `code`. Only 429, 502, 503 and 504 are worth a retry."""


def create_app(settings: ApiSettings | None = None) -> FastAPI:
    """The application; without settings it reads them from the environment.

    Raises:
        DatabaseUnavailableError: no database is configured.
    """
    settings = settings or ApiSettings()
    if settings.database_url is None:
        raise DatabaseUnavailableError("set FLEET_DATABASE_URL, or start everything with fleetwatt up")

    app = FastAPI(
        title="Fleetwatt",
        version="1",
        description=DESCRIPTION,
        lifespan=partial(_lifespan, settings=settings, url=settings.database_url),
    )
    problems.install(app)
    for module in (telemetry_route, analytics, devices, mappings, health):
        app.include_router(module.router)
    openapi.complete(app)
    app.add_middleware(HotPath, ingest=lambda: cast(State, app.state.fleetwatt).ingest)
    app.add_middleware(problems.LastResort)
    app.add_middleware(RequestIds)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI, settings: ApiSettings, url: str) -> AsyncIterator[None]:
    def make_store(connection: psycopg.Connection) -> ReadingStore:
        return ReadingStore(connection, register_unknown=settings.register_unknown_devices)

    def window() -> AcceptedWindow:
        return AcceptedWindow.around(datetime.now(UTC), age=settings.accepted_age, ahead=settings.accepted_ahead)

    database = Database(url)
    commits = GroupCommit(partial(open_connection, url), make_store)
    app.state.fleetwatt = State(settings, database, TelemetryIngest(commits, window))
    await database.open()
    yield
    await commits.close()
    await database.close()
