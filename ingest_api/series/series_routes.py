"""``/v1/vehicles/{id}/series`` and ``/v1/meters/{id}/series``: power and what else was measured, over time."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ingest_api.database import AnalyticsDatabase
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import AskedInstant
from ingest_api.registry.device_store import find_device
from ingest_api.series.grid import LEAST_STEP_S, MOST_POINTS, MOST_STEP_S, grid_of
from ingest_api.series.series import meter_series, newest_marks, vehicle_series
from ingest_api.series.series_schemas import MeterSeries, VehicleSeries, meter_answer, table_of, vehicle_answer
from warehouse.contract.tables import DeviceKind

router = APIRouter(prefix="/v1", tags=["series"], route_class=PlainRequests)

Since = Annotated[AskedInstant | None, Query(alias="from", description="Default: 24 hours before `to`.")]
Until = Annotated[AskedInstant | None, Query(alias="to", description="Default: now.")]
Step = Annotated[
    AskedInteger | None,
    Query(
        ge=LEAST_STEP_S,
        le=MOST_STEP_S,
        description=f"Seconds from point to point. Default: as short as {MOST_POINTS} points allow.",
    ),
]


@router.get(
    "/vehicles/{vehicleId}/series",
    summary="A vehicle's power, state of charge, temperature and voltage over time",
    responses=read_responses() | problems(404, 422, 503),
    response_model=VehicleSeries,
)
async def get_vehicle_series(
    request: Request,
    vehicleId: str,  # noqa: N803 - the parameter's public name
    since: Since = None,
    until: Until = None,
    step: Step = None,
) -> Response:
    """At most 2,000 points, evenly spaced, cut to whole steps; what is not known is null."""
    grid = grid_of(since, until, step, datetime.now(UTC))
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        row = await find_device(connection, DeviceKind.VEHICLE, vehicleId)
        ac, dc, meters = await vehicle_series(connection, grid, row)
    answer = vehicle_answer(grid, row["external_id"], (ac, dc), meters, newest_marks(ac, dc))
    return read_answer(request, answer, table_of(grid, answer))


@router.get(
    "/meters/{meterId}/series",
    summary="A meter's power and voltage over time",
    responses=read_responses() | problems(404, 422, 503),
    response_model=MeterSeries,
)
async def get_meter_series(
    request: Request,
    meterId: str,  # noqa: N803
    since: Since = None,
    until: Until = None,
    step: Step = None,
) -> Response:
    """At most 2,000 points, evenly spaced, cut to whole steps; what is not known is null."""
    grid = grid_of(since, until, step, datetime.now(UTC))
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        row = await find_device(connection, DeviceKind.METER, meterId)
        ac = await meter_series(connection, grid, row)
    answer = meter_answer(grid, row["external_id"], ac, newest_marks(ac))
    return read_answer(request, answer, table_of(grid, answer))
