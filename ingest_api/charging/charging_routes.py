"""``/v1/vehicles/{id}/sessions`` and ``/v1/meters/{id}/standby``: the newest released days, from PostgreSQL."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ingest_api.charging.charging_reads import SessionSpan, StandbySpan, list_sessions, list_standby
from ingest_api.charging.charging_schemas import Sessions, StandbyDays, session_of, standby_of
from ingest_api.database import AnalyticsDatabase
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.wire import AskedDay, AskedInstant, written
from ingest_api.registry.device_store import find_device
from warehouse.contract.tables import DeviceKind

router = APIRouter(prefix="/v1", tags=["charging"], route_class=PlainRequests)

Limit = Annotated[AskedInteger, Query(ge=1, le=1000, description="How many a page.")]
Cursor = Annotated[str, Query(max_length=128, description="`nextCursor` of the page before.")]


@router.get(
    "/vehicles/{vehicleId}/sessions",
    summary="A vehicle's charging sessions, newest first",
    responses=problems(404, 422, 503),
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
    return written(Sessions(items=[session_of(row) for row in rows], next_cursor=next_cursor))


@router.get(
    "/meters/{meterId}/standby",
    summary="What a meter drew between sessions, by day, newest first",
    responses=problems(404, 422, 503),
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
    return written(StandbyDays(items=[standby_of(row) for row in rows], next_cursor=next_cursor))
