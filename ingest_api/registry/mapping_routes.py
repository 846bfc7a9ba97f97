"""``/v1/mappings``: which meter fed which vehicle, and when."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response

from ingest_api.database import Database
from ingest_api.http.openapi import problems, success_headers
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import checked_device_id
from ingest_api.registry.mapping_schemas import MappedFleet, Mapping, Mappings, NewMappings
from ingest_api.registry.mapping_store import end_now, find_mappings, map_vehicles
from ingest_api.registry.registrar import Registrar

router = APIRouter(prefix="/v1/mappings", tags=["mappings"], route_class=PlainRequests)


@router.post(
    "",
    status_code=201,
    summary="Map vehicles to meters",
    response_model=Mapping | MappedFleet,
    responses={
        201: {"description": "Mapped.", "headers": success_headers()},
        200: {"description": "That is how it was mapped already.", "model": Mapping | MappedFleet},
        **problems(400, 409, 422, 503),
    },
)
async def post_mappings(
    request: Request,
    response: Response,
    body: Annotated[NewMappings, Body()],
) -> Any:
    """One mapping, or an array of them to provision a fleet: then all of them, or none.

    It ends the vehicle's open mapping where it begins. Devices not seen before are registered.
    """
    new_mappings = body if isinstance(body, list) else [body]
    async with part_of(request, Database).connection() as connection, connection.transaction():
        mappings, created = await map_vehicles(connection, new_mappings, Registrar.of(request))
    response.status_code = 201 if created else 200
    if isinstance(body, list):
        return MappedFleet(created=created, items=[Mapping.of(mapping) for mapping in mappings])
    return Mapping.of(mappings[0])


@router.get(
    "",
    summary="Mappings of a vehicle, of a meter, or all",
    responses=read_responses(paged=True) | problems(422, 503),
    response_model=Mappings,
)
async def list_mappings(
    request: Request,
    vehicleId: str | None = None,  # noqa: N803 - the parameter's public name
    meterId: str | None = None,  # noqa: N803
    limit: Annotated[AskedInteger, Query(ge=1, le=1000, description="Mappings a page.")] = 100,
    cursor: Annotated[AskedInteger, Query(ge=0, le=2**63 - 1, description="`nextCursor` of the page before.")] = 0,
) -> Response:
    """In the order of their making."""
    asked = {
        "vehicle_id": None if vehicleId is None else checked_device_id(vehicleId),
        "meter_id": None if meterId is None else checked_device_id(meterId),
        "after": cursor,
        "limit": limit + 1,
    }
    async with part_of(request, Database).connection() as connection:
        found = await find_mappings(connection, asked)
    more = str(found[limit - 1].mapping_id) if len(found) > limit else None
    return read_answer(request, Mappings(items=[Mapping.of(mapping) for mapping in found[:limit]], next_cursor=more))


@router.delete("/{id}", summary="End a mapping now", responses=problems(404, 422, 503))
async def end_mapping(
    request: Request, mapping_id: Annotated[AskedInteger, Path(alias="id", ge=1, le=2**63 - 1)]
) -> Mapping:
    """Ends it now; one that has ended stays as it is, one that has not begun is removed."""
    async with part_of(request, Database).connection() as connection, connection.transaction():
        return Mapping.of(await end_now(connection, mapping_id))
