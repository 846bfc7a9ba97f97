"""A vehicle's ``/sessions`` and ``/days``, a meter's ``/standby``: the newest released days, from PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ingest_api.charging.charging_reads import DaySpan, SessionSpan, StandbySpan, list_days, list_sessions, list_standby
from ingest_api.charging.charging_schemas import Sessions, StandbyDays, session_of, standby_of
from ingest_api.charging.day_schemas import VehicleDays, day_of
from ingest_api.database import AnalyticsDatabase
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import AskedDay, AskedInstant
from ingest_api.registry.device_store import find_device
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.charging.efficiency_store import KEPT_DAYS

router = APIRouter(prefix="/v1", tags=["charging"], route_class=PlainRequests)

Limit = Annotated[AskedInteger, Query(ge=1, le=1000, description="How many a page.")]
Cursor = Annotated[str, Query(max_length=128, description="`nextCursor` of the page before.")]


@router.get(
    "/vehicles/{vehicleId}/sessions",
    summary="A vehicle's charging sessions, newest first",
    responses=read_responses(paged=True) | problems(404, 422, 503),
    response_model=Sessions,
)
async def get_sessions(
    request: Request,
    vehicleId: str,  # noqa: N803 - the parameter's public name
    since: Annotated[AskedInstant | None, Query(alias="from", description="Ended at this instant or later.")] = None,
    until: Annotated[AskedInstant | None, Query(alias="to", description="Ended before this instant.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:
    """Those of the newest 90 days that were released. A day is there once its pipeline has run, hours after its end."""
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        vehicle = await find_device(connection, DeviceKind.VEHICLE, vehicleId)
        span = SessionSpan(vehicle["vehicle_id"], since, until, limit, cursor)
        rows, next_cursor = await list_sessions(connection, span)
    return read_answer(request, Sessions(items=[session_of(row) for row in rows], next_cursor=next_cursor))


@router.get(
    "/vehicles/{vehicleId}/days",
    summary="A vehicle's efficiency by day, newest first",
    responses=read_responses(paged=True) | problems(404, 422, 503),
    response_model=VehicleDays,
)
async def get_days(
    request: Request,
    vehicleId: str,  # noqa: N803
    days: Annotated[AskedInteger, Query(ge=1, le=KEPT_DAYS, description="Up to yesterday, UTC.")] = 90,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:
    """Those of them that were released: a day is there once its pipeline has run, hours after its end."""
    since = datetime.now(UTC).date() - timedelta(days=days)
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        vehicle = await find_device(connection, DeviceKind.VEHICLE, vehicleId)
        rows, next_cursor = await list_days(connection, DaySpan(vehicle["vehicle_id"], since, limit, cursor))
    return read_answer(request, VehicleDays(items=[day_of(row) for row in rows], next_cursor=next_cursor))


@router.get(
    "/meters/{meterId}/standby",
    summary="What a meter drew between sessions, by day, newest first",
    responses=read_responses(paged=True) | problems(404, 422, 503),
    response_model=StandbyDays,
)
async def get_standby(
    request: Request,
    meterId: str,  # noqa: N803
    since: Annotated[AskedDay | None, Query(alias="from", description="This day or later.")] = None,
    until: Annotated[AskedDay | None, Query(alias="to", description="Before this day.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:
    """Those of the newest 90 days that were released, UTC."""
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        meter = await find_device(connection, DeviceKind.METER, meterId)
        rows, next_cursor = await list_standby(connection, StandbySpan(meter["meter_id"], since, until, limit, cursor))
    return read_answer(request, StandbyDays(items=[standby_of(row) for row in rows], next_cursor=next_cursor))
