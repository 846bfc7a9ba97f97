"""``/v1/vehicles`` and ``/v1/meters``: the current state of devices, and their settings."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from ingest_api.auth.gate import Gate
from ingest_api.database import Database, Row
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests, any_of
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import NO_NUL
from ingest_api.registry.device_lists import BY_ID, CHARGING, SORTS, Asked, list_devices
from ingest_api.registry.device_schemas import (
    OF_ADMINISTRATORS,
    Meter,
    Meters,
    SettingsChange,
    Vehicle,
    Vehicles,
    meter_of,
    vehicle_of,
)
from ingest_api.registry.device_store import change_settings, find_device
from ingest_api.registry.registrar import Registrar
from warehouse.contract.reporting import Reporting
from warehouse.contract.tables import DeviceKind
from warehouse.contract.tokens import Scope

router = APIRouter(prefix="/v1", tags=["devices"], route_class=PlainRequests)

Limit = Annotated[AskedInteger, Query(ge=1, le=1000, description="Devices a page.")]
Cursor = Annotated[str, Query(max_length=1024, description="`nextCursor` of the page before.")]
Statuses = Annotated[
    str | None,
    Query(
        pattern=any_of((*Reporting, CHARGING)),
        max_length=100,
        description="One or several, with commas; `charging` are those online ones that charge.",
    ),
]
Search = Annotated[
    str | None, Query(min_length=1, max_length=100, pattern=NO_NUL, description="A part of an id or a display name.")
]
Site = Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="Exactly this one.")]
Tag = Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="It has this one.")]
Model = Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="Exactly this one.")]


def _sort(kind: DeviceKind) -> Any:
    words = "With a minus before it the other way round. What is not known comes last."
    return Query(pattern=f"^-?({'|'.join(SORTS[kind])})$", description=words)


@router.get(
    "/meters",
    summary="Meters and their current state",
    responses=read_responses(paged=True) | problems(422, 503),
    response_model=Meters,
)
async def list_meters(  # noqa: PLR0913, PLR0917 - each is a parameter of the query
    request: Request,
    status: Statuses = None,
    search: Search = None,
    model: Model = None,
    site: Site = None,
    tag: Tag = None,
    sort: Annotated[str, _sort(DeviceKind.METER)] = BY_ID,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:
    """Every meter, or those that are asked for, a page at a time."""
    asked = Asked(_words(status), search, model, site, tag, sort, limit, cursor)
    rows, next_cursor = await _page(request, DeviceKind.METER, asked)
    return read_answer(request, Meters(items=[meter_of(row) for row in rows], next_cursor=next_cursor))


@router.get(
    "/vehicles",
    summary="Vehicles and their current state",
    responses=read_responses(paged=True) | problems(422, 503),
    response_model=Vehicles,
)
async def list_vehicles(  # noqa: PLR0913, PLR0917
    request: Request,
    status: Statuses = None,
    search: Search = None,
    model: Model = None,
    site: Site = None,
    tag: Tag = None,
    sort: Annotated[str, _sort(DeviceKind.VEHICLE)] = BY_ID,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:
    """Every vehicle, or those that are asked for, a page at a time."""
    asked = Asked(_words(status), search, model, site, tag, sort, limit, cursor)
    rows, next_cursor = await _page(request, DeviceKind.VEHICLE, asked)
    return read_answer(request, Vehicles(items=[vehicle_of(row) for row in rows], next_cursor=next_cursor))


@router.get("/meters/{meterId}", summary="One meter's current state", responses=problems(404, 422, 503))
async def get_meter(request: Request, meterId: str) -> Meter:  # noqa: N803 - the parameter's public name
    """The newest reading of a meter, and its settings."""
    async with part_of(request, Database).connection() as connection:
        return meter_of(await find_device(connection, DeviceKind.METER, meterId))


@router.get("/vehicles/{vehicleId}", summary="One vehicle's current state", responses=problems(404, 422, 503))
async def get_vehicle(request: Request, vehicleId: str) -> Vehicle:  # noqa: N803 - the parameter's public name
    """The newest reading of a vehicle, and its settings."""
    async with part_of(request, Database).connection() as connection:
        return vehicle_of(await find_device(connection, DeviceKind.VEHICLE, vehicleId))


@router.patch(
    "/meters/{meterId}",
    summary="Change a meter's settings",
    responses=problems(400, 422, 503),
)
async def change_meter(request: Request, meterId: str, change: SettingsChange) -> Meter:  # noqa: N803
    """Changes the settings that are given; a meter not seen before is registered.

    Some decide what energy is: `energyKind`, `maxPowerKw`, `maxResetKwh` and `rolloverKwh` need the scope `admin`.
    """
    return meter_of(await _change(request, DeviceKind.METER, meterId, change))


@router.patch(
    "/vehicles/{vehicleId}",
    summary="Change a vehicle's settings",
    responses=problems(400, 422, 503),
)
async def change_vehicle(request: Request, vehicleId: str, change: SettingsChange) -> Vehicle:  # noqa: N803
    """Changes the settings that are given; a vehicle not seen before is registered.

    Some decide what energy is: `energyKind`, `maxPowerKw`, `maxResetKwh` and `rolloverKwh` need the scope `admin`.
    """
    return vehicle_of(await _change(request, DeviceKind.VEHICLE, vehicleId, change))


async def _change(request: Request, kind: DeviceKind, external_id: str, change: SettingsChange) -> Row:
    if OF_ADMINISTRATORS & change.model_fields_set:
        what = "to change energyKind, maxPowerKw, maxResetKwh or rolloverKwh"
        part_of(request, Gate).require_scope(request.scope, Scope.ADMIN, what)
    async with part_of(request, Database).connection() as connection:
        await change_settings(connection, kind, external_id, change, Registrar.of(request))
        return await find_device(connection, kind, external_id)


async def _page(request: Request, kind: DeviceKind, asked: Asked) -> tuple[list[Row], str | None]:
    async with part_of(request, Database).connection() as connection:
        return await list_devices(connection, kind, asked)


def _words(listed: str | None) -> list[str]:
    return listed.split(",") if listed else []
