"""Composes the HTTP tier: its routes, its layers, and what lives between start-up and shutdown."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

import psycopg
from fastapi import FastAPI
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ingest_api.analytics import fleet_route, performance_route
from ingest_api.analytics.fleet_answers import FleetAnswers
from ingest_api.audit import audit_routes
from ingest_api.auth.acting_caller import ActingCaller
from ingest_api.auth.gate import Asks, Gate
from ingest_api.auth.known_tokens import KnownTokens
from ingest_api.auth.route_scopes import RouteScopes, scope_of
from ingest_api.auth.sessions import Sessions
from ingest_api.auth.sign_in import SignIn
from ingest_api.auth.token_gate import StillValid, TokenGate
from ingest_api.bodies.deadline import DeadlineMiddleware, Deadlines
from ingest_api.bodies.limits import MemoryBudget
from ingest_api.charging import charging_routes
from ingest_api.commit.acting import Acting
from ingest_api.commit.group_commit import GroupCommit
from ingest_api.commit.loop_connection import open_writer
from ingest_api.corrections import correction_routes
from ingest_api.dagster_proxy import dagster_route
from ingest_api.dagster_proxy.changes import ToldChanges
from ingest_api.dagster_proxy.dagster_pages import DagsterPages
from ingest_api.dagster_proxy.dagster_server import DagsterServer
from ingest_api.dashboard import device_pages, findings_page, fleet_page
from ingest_api.data_health import day_routes, quarantine_routes
from ingest_api.database import AnalyticsDatabase, Database
from ingest_api.database_pulse import DatabasePulse
from ingest_api.findings import act_routes, finding_routes
from ingest_api.health import health_routes
from ingest_api.health.storing_health import StoringHealth
from ingest_api.http import openapi, problems
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.cors import CrossOriginReads
from ingest_api.http.ending import Ending
from ingest_api.http.head_requests import HeadAsGet
from ingest_api.http.parts import Parts
from ingest_api.http.relative_redirects import RelativeRedirects
from ingest_api.http.request_id import RequestIds
from ingest_api.http.safe_answers import SafeAnswers
from ingest_api.live import live_route, now_route
from ingest_api.live.fleet_now import FleetNows
from ingest_api.live.fleet_watch import FleetWatch
from ingest_api.observability import metrics
from ingest_api.observability.ledger_figures import LedgerFigures
from ingest_api.oidc.provider import Provider
from ingest_api.pages import assets, docs_page, provider_page, sign_in_page
from ingest_api.registry import device_routes, mapping_routes
from ingest_api.series import series_routes
from ingest_api.server.connections import Connections
from ingest_api.server.descriptors import room_for_connections
from ingest_api.server.unread_body import NoUnreadBody
from ingest_api.settings import ApiSettings
from ingest_api.telemetry import telemetry_route
from ingest_api.telemetry.hot_path import HotPath
from ingest_api.telemetry.ingest import MovingWindow, TelemetryIngest
from ingest_api.telemetry.rate_limits import RateLimits
from ingest_api.tokens import token_routes
from ingest_api.users import me_route
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.listening import OPEN, is_loopback
from warehouse.postgres.readings.device_quota import DeviceQuota, DeviceRoom
from warehouse.postgres.readings.quarantine import QuarantineQuota
from warehouse.postgres.readings.reading_store import ReadingStore
from warehouse.postgres.server_fitness import API_WORKER_CONNECTIONS
from warehouse.settings import read

DESCRIPTION = """Charging efficiency for vehicle fleets: send readings, ask what the last 24 hours were worth.

Errors are `application/problem+json`; branch on their `code`. Only 429, 502, 503 and 504 are worth a retry."""

_ROUTES = (
    *(performance_route, fleet_route, finding_routes, act_routes, device_routes, charging_routes, mapping_routes),
    *(now_route, live_route, series_routes, day_routes, quarantine_routes),
    *(correction_routes, token_routes, me_route, audit_routes),
    *(health_routes, metrics),
    *(sign_in_page, provider_page, docs_page, assets, dagster_route),
    *(fleet_page, findings_page, device_pages),
)


def create_app(settings: ApiSettings | None = None) -> ASGIApp:
    """The application in its layers; without settings it reads them from the environment.

    Raises:
        DatabaseUnavailableError: no database is configured.
        InvalidSettingError: a setting is not valid.
        ListeningError: the host stands for no address.
    """
    settings = settings or read(ApiSettings)
    budget, pulse = MemoryBudget(settings.max_held_bytes), DatabasePulse()
    clients = ClientAddresses(settings.trusted_networks)
    gate = gate_of(settings, clients, lambda: cast(Parts, app.state.parts).get(Sessions))
    dagster = DagsterServer.of(settings) if gate.asks is Asks.EVERYBODY else None
    app = create_routes(settings, Parts(budget, clients, pulse, gate, *filter(None, [dagster, Provider.of(settings)])))
    still_valid = StillValid(ActingCaller(app, clients), gate)
    deadlines = Deadlines(pulse, health_routes.PROBES | provider_page.PATHS, sign_in_page.HASHING | me_route.HASHING)
    within_deadline = DeadlineMiddleware(still_valid, settings.limits, budget, clients, deadlines)
    pages: ASGIApp = RelativeRedirects(within_deadline)
    if dagster:
        changes = ToldChanges(lambda: cast(Parts, app.state.parts).get(Database))
        pages = DagsterPages(pages, dagster, gate, budget, clients, settings.limits.body_bytes, changes)
    gated = TokenGate(pages, gate, RouteScopes(all_routes(app, settings)))
    others: ASGIApp = RequestIds(HeadAsGet(metrics.CountedRequests(gated)))
    if origins := settings.origins:
        others = CrossOriginReads(others, origins)
    others = SafeAnswers(others, clients, settings.public_url)
    return NoUnreadBody(HotPath(others, gate, ingest=lambda: cast(Parts, app.state.parts).get(TelemetryIngest)))


def gate_of(settings: ApiSettings, clients: ClientAddresses, sessions: Callable[[], Sessions]) -> Gate:
    """Who has to prove who they are, and by which tokens and sessions.

    Raises:
        ListeningError: the host stands for no address.
    """
    admin_token = settings.admin_token.get_secret_value() if settings.admin_token else None
    return Gate(Asks.by(settings), KnownTokens(settings.address_of(Role.INGEST) or ""), clients, sessions, admin_token)


def all_routes(app: FastAPI, settings: ApiSettings) -> list[BaseRoute]:
    """Every route of the application, in the order in which the framework looks for one."""
    routers = [telemetry_route.router_for(settings.limits), *(module.router for module in _ROUTES)]
    own = [route for route in app.router.routes if isinstance(route, Route)]
    return [*(route for router in routers for route in router.routes), *own]


def create_routes(settings: ApiSettings, shared: Parts) -> FastAPI:
    """Every route, that of telemetry too, as the framework serves them. ``shared``: what the layers around it use too.

    Raises:
        DatabaseUnavailableError: no database is configured.
    """
    url = settings.address_of(Role.INGEST)
    if url is None:
        raise DatabaseUnavailableError("set FLEET_DATABASE_URL, or start everything with fleetwatt up")
    app = FastAPI(
        title="Fleetwatt",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # the framework's pages take their scripts from other hosts; ours are in ingest_api/pages
        redoc_url=None,
        lifespan=partial(_lifespan, settings=settings, url=url, shared=shared),
    )
    problems.install(app)
    app.include_router(telemetry_route.router_for(settings.limits))
    for module in _ROUTES:
        app.include_router(module.router)
    openapi.complete(app, scope_of)
    app.add_middleware(problems.UnhandledErrorMiddleware)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI, settings: ApiSettings, url: str, shared: Parts) -> AsyncIterator[dict[str, Parts]]:
    room = DeviceRoom(DeviceQuota.of(settings))

    def make_store(connection: psycopg.Connection) -> ReadingStore:
        store = ReadingStore(
            connection,
            QuarantineQuota.of(settings),
            register_unknown=settings.register_unknown_devices,
            room=room,
            note_counted_only=metrics.count_counted_only,
        )
        store.learn_devices()
        return store

    clients, pulse, gate = shared.get(ClientAddresses), shared.get(DatabasePulse), shared.get(Gate)
    is_open = gate.asks is not Asks.EVERYBODY and not is_loopback(settings.host)
    name = f"api, {OPEN}" if is_open else "fleetwatt"
    database = Database(url, name, pulse)
    reads = AnalyticsDatabase(settings.read_dsn.get_secret_value() if settings.read_dsn else url, pulse=pulse)
    commits = GroupCommit(
        partial(open_writer, url, settings.workers * API_WORKER_CONNECTIONS),
        make_store,
        max_waiting_items=settings.max_waiting_readings,
        max_waiting_bytes=settings.max_held_bytes,
        pulse=pulse,
    )
    rate_limits = RateLimits(settings.max_readings_per_minute, settings.bytes_per_minute)
    window = MovingWindow(settings.accepted_age, settings.accepted_ahead)
    ingest = TelemetryIngest(commits, window, settings.limits, shared.get(MemoryBudget), rate_limits, clients, gate)
    most_connections = min(settings.max_connections, room_for_connections())
    connections = Connections(most_connections, settings.max_connections_per_address, clients)
    fleet = FleetAnswers(reads, settings.efficiency_threshold)
    storing = StoringHealth(commits, database)
    figures = LedgerFigures(database, reads)
    acting, sign_in = Acting(url, pulse), SignIn(database)
    watch = FleetWatch(reads, FleetNows(reads, database))
    these = (
        settings,
        database,
        reads,
        fleet,
        watch,
        Ending(),
        ingest,
        connections,
        storing,
        figures,
        acting,
        sign_in,
    )
    parts = app.state.parts = shared.and_these(*these, Sessions(database, clients))
    await database.open()
    await reads.open()
    tasks = [
        *gate.begin(),
        asyncio.create_task(fleet.keep_ready(), name="fleet-answers"),
        asyncio.create_task(health_routes.say_fault_at_start(parts), name="first-look"),
    ]
    yield {"parts": parts}  # where the HTTP protocol finds it, which knows no application
    for task in tasks:
        task.cancel()
    # Each may have to give up a frozen database.
    await asyncio.gather(watch.close(), commits.close(), database.close(), reads.close(), _close_dagster(shared))
    sign_in.close()
    metrics.leave()


async def _close_dagster(shared: Parts) -> None:
    if dagster := shared.find(DagsterServer):
        await dagster.close()
