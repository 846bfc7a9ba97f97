"""What is counted for monitoring: ``GET /metrics`` in the text format of Prometheus, with what the ledger says.

Nothing is labelled by device. Where several processes serve, each writes what it counts into a folder that the parent
names in the environment, and whichever is asked answers for all.
"""

import os
from collections.abc import Iterable, Mapping
from functools import cache

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as written
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest_api.http.openapi import success_headers
from ingest_api.http.parts import part_of
from ingest_api.observability.ledger_figures import LedgerFigures
from ingest_api.settings import ApiSettings
from warehouse.contract.errors import FleetwattError
from warehouse.disk import disk_of
from warehouse.postgres.readings.reading_store import Outcome

router = APIRouter(tags=["health"])

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OTHER_ROUTE = "other"

REQUESTS = Counter("fleet_requests", "Requests answered, by route and status.", ["route", "status"])
ITEMS = Counter(
    "fleet_telemetry_items", "Items of telemetry that were dealt with, by what became of them.", ["outcome"]
)
REJECTED = Counter("fleet_telemetry_rejected", "Items of telemetry that are no valid readings, by code.", ["code"])
COUNTED_ONLY = Counter(
    "fleet_quarantine_counted_only", "Refused items whose bytes the quarantine has no room for, by code.", ["code"]
)
COMMIT_READINGS = Histogram(
    "fleet_commit_readings", "Readings stored in one transaction.", buckets=(1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
)
COMMIT_SECONDS = Histogram(
    "fleet_commit_seconds",
    "How long a transaction took, from the first statement to the answer.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
)
FAILED_COMMITS = Counter("fleet_failed_commits", "Transactions that failed, by the product's error code.", ["code"])
DISK_USED = Gauge(
    "fleet_disk_used_ratio",
    "How full the disk of HOME is as this process sees it, 0 to 1.",
    multiprocess_mode="livemax",
)
DISK_FREE = Gauge(
    "fleet_disk_free_bytes", "What is free on the disk of HOME as this process sees it.", multiprocess_mode="livemin"
)
WAITING_ITEMS = Gauge("fleet_waiting_items", "Items that wait to be stored.", multiprocess_mode="livesum")
WAITING_BYTES = Gauge("fleet_waiting_bytes", "Bytes of bodies that wait to be stored.", multiprocess_mode="livesum")

CONNECTIONS = Gauge("fleet_connections", "Connections that are open.", multiprocess_mode="livesum")
UNWELCOME_CONNECTIONS = Counter(
    "fleet_unwelcome_connections", "Connections that there was no room for, by what became of them.", ["outcome"]
)

REFUSED_TOKENS = Counter(
    "fleet_refused_tokens", "Requests of which nobody knows who sent them, by what was wrong.", ["code"]
)


class CountedRequests:
    """A layer that counts what the framework's routes answer, by the route's pattern and never by its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                count_request(getattr(scope.get("route"), "path", OTHER_ROUTE), message["status"])
            await send(message)

        await self._app(scope, receive, send_counted)


def count_request(route: str, status: int) -> None:
    """Count an answered request."""
    _requests(route, status).inc()


def count_commit(outcomes: Iterable[Outcome], seconds: float) -> None:
    """Count a transaction, and what became of the items in it."""
    accepted = duplicates = conflicts = rejected = 0
    for outcome in outcomes:
        accepted += outcome.accepted
        duplicates += outcome.duplicates
        conflicts += len(outcome.conflicts)
        for rejection in outcome.rejections:
            rejected += 1
            REJECTED.labels(rejection.code).inc()
    COMMIT_SECONDS.observe(seconds)
    COMMIT_READINGS.observe(accepted)
    for name, number in (
        ("accepted", accepted),
        ("duplicate", duplicates),
        ("conflict", conflicts),
        ("rejected", rejected),
    ):
        if number:
            _items(name).inc(number)


def count_counted_only(by_code: Mapping[str, int]) -> None:
    """Count refused items whose bytes are not kept."""
    for code, number in by_code.items():
        COUNTED_ONLY.labels(code).inc(number)


def count_failed_commit(error: Exception) -> None:
    """Count a transaction that failed."""
    FAILED_COMMITS.labels(error.code if isinstance(error, FleetwattError) else "internal_error").inc()


def note_waiting(items: int, size_bytes: int) -> None:
    """Note how much waits to be stored now."""
    WAITING_ITEMS.set(items)
    WAITING_BYTES.set(size_bytes)


def note_connections(number: int) -> None:
    """Note how many connections are open now."""
    CONNECTIONS.set(number)


def count_unwelcome_connection(outcome: str) -> None:
    """Count one that there was no room for: ``closed_for_another`` or ``turned_away``."""
    UNWELCOME_CONNECTIONS.labels(outcome).inc()


def count_refused_token(code: str) -> None:
    """Count a request that was refused for its token."""
    REFUSED_TOKENS.labels(code).inc()


def leave() -> None:
    """Take this process's gauges away: what waited here waits no more."""
    if _FOLDER in os.environ:
        mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    response_class=PlainTextResponse,
    responses={200: {"description": "The text format of Prometheus.", "headers": success_headers()}},
)
async def get_metrics(request: Request) -> Response:
    """Counters of all processes that serve this address, and what the ledger says: that is read every 15 s at most."""
    ledger = part_of(request, LedgerFigures)
    await ledger.refresh()
    text = await run_in_threadpool(_counted, part_of(request, ApiSettings))
    return Response(text + written(ledger), media_type=CONTENT_TYPE_LATEST)


def _counted(settings: ApiSettings) -> bytes:
    disk = disk_of(settings.home)
    DISK_USED.set(disk.used_ratio)
    DISK_FREE.set(disk.free_bytes)
    registry = REGISTRY
    if _FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return written(registry)


@cache
def _requests(route: str, status: int) -> Counter:
    return REQUESTS.labels(route, str(status))


@cache
def _items(outcome: str) -> Counter:
    return ITEMS.labels(outcome)
