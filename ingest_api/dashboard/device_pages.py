"""``/vehicles``, ``/meters`` and one of either: what it does now, did over time, and what its days were worth."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response

from ingest_api.analytics.performance import Performance, Window, measure
from ingest_api.charging.charging_reads import DaySpan, SessionSpan, list_days, list_sessions
from ingest_api.charging.charging_schemas import session_of
from ingest_api.charging.day_schemas import day_of
from ingest_api.dashboard.dot_charts import days_chart
from ingest_api.dashboard.shell import PageRoute, looker_of, show
from ingest_api.database import AnalyticsDatabase, Connection, Database, Row
from ingest_api.findings.told_findings import find_page
from ingest_api.http.parts import part_of
from ingest_api.http.wire import checked_device_id
from ingest_api.registry.device_lists import BY_ID, CHARGING, SORTS, Asked, list_devices
from ingest_api.registry.device_schemas import meter_of, vehicle_of
from ingest_api.registry.device_store import find_device
from ingest_api.settings import ApiSettings
from warehouse.contract.errors import InvalidRequestError, VehicleNotMappedError
from warehouse.contract.findings import ACTIVE
from warehouse.contract.reporting import Reporting
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.findings.finding_reads import Asked as AskedFindings

router = APIRouter(include_in_schema=False, route_class=PageRoute)

RANGES = {"day": 24, "week": 7 * 24, "month": 30 * 24}
"""Hours."""
DAYS = 90
A_PAGE = 100
SESSIONS = 30
_STATUSES = (*Reporting, CHARGING)
_WRITE = {DeviceKind.VEHICLE: vehicle_of, DeviceKind.METER: meter_of}


@router.get("/vehicles")
async def get_vehicles(request: Request) -> Response:
    """All of them, or those that are asked for."""
    return await _list(request, DeviceKind.VEHICLE)


@router.get("/meters")
async def get_meters(request: Request) -> Response:
    """All of them, or those that are asked for."""
    return await _list(request, DeviceKind.METER)


@router.get("/vehicles/{id}")
async def get_vehicle(request: Request) -> Response:
    """One vehicle, and the meters that it charges at."""
    return await _one(request, DeviceKind.VEHICLE)


@router.get("/meters/{id}")
async def get_meter(request: Request) -> Response:
    """One meter."""
    return await _one(request, DeviceKind.METER)


async def _list(request: Request, kind: DeviceKind) -> Response:
    given = {name: value.strip() for name, value in request.query_params.items()}
    status, sort = given.get("status", ""), given.get("sort", BY_ID)
    if status not in ("", *_STATUSES) or sort.removeprefix("-") not in SORTS[kind]:
        raise InvalidRequestError(f"status is one of {', '.join(_STATUSES)}; sort one of {', '.join(SORTS[kind])}")
    search, cursor = given.get("search", "").replace("\0", ""), given.get("cursor", "")
    asked = Asked([status] if status else [], search or None, sort=sort, limit=A_PAGE, cursor=cursor)
    looker = await looker_of(request)
    async with part_of(request, Database).connection() as connection:
        rows, next_cursor = await list_devices(connection, kind, asked)
    return await show(
        request,
        "devices.html",
        looker,
        kind=f"{kind}s",
        devices=[_WRITE[kind](row) for row in rows],
        asked={"status": status, "search": search, "sort": sort, "cursor": cursor},
        next_cursor=next_cursor,
        statuses=_STATUSES,
    )


async def _one(request: Request, kind: DeviceKind) -> Response:
    external_id = checked_device_id(request.path_params["id"])
    asked = request.query_params.get("range", "day")
    if asked not in RANGES:
        raise InvalidRequestError(f"range is one of {', '.join(RANGES)}")
    looker = await looker_of(request)
    threshold = part_of(request, ApiSettings).efficiency_threshold
    now = datetime.now(UTC)
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        row = await find_device(connection, kind, external_id)
        days: list[Row] = []
        sessions: list[Row] = []
        performance = None
        if kind is DeviceKind.VEHICLE:
            since = now.date() - timedelta(days=DAYS)
            days, _ = await list_days(connection, DaySpan(row["vehicle_id"], since, DAYS, ""))
            sessions, _ = await list_sessions(connection, SessionSpan(row["vehicle_id"], None, None, SESSIONS, ""))
            performance = await _performance(connection, external_id, Window(now - timedelta(hours=24), now), threshold)
    async with part_of(request, Database).connection() as connection:
        findings = await find_page(connection, AskedFindings(states=ACTIVE, subject=external_id))
    written = [day_of(each) for each in days]
    return await show(
        request,
        "device.html",
        looker,
        kind=f"{kind}s",
        device=_WRITE[kind](row),
        external_id=external_id,
        performance=performance,
        days=written,
        days_drawn=days_chart(written, threshold),
        sessions=[session_of(each) for each in sessions],
        findings=findings.items,
        ranges=tuple(RANGES),
        range=asked,
        hours=RANGES[asked],
    )


async def _performance(connection: Connection, vehicle_id: str, window: Window, threshold: float) -> Performance | None:
    """What the window was worth; ``None``: no meter is mapped to it."""
    try:
        return await measure(connection, vehicle_id, window, threshold)
    except VehicleNotMappedError:
        return None
