"""``/v1/mappings``: which meter fed which vehicle, and when."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from pydantic import Discriminator, Field, Tag, model_validator

from ingest_api.auth.admin_token import require_admin
from ingest_api.database import Connection, Database, Row, fetch_all, fetch_one
from ingest_api.http.openapi import problems, success_headers
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.wire import (
    ARRAY,
    OBJECT,
    ONLY_KNOWN_FIELDS,
    Instant,
    SentInstant,
    Wire,
    checked_device_id,
    refuse_unknown_fields,
)
from ingest_api.registry.devices import register
from ingest_api.registry.mapping_plan import SINCE_ALWAYS, MappingPlan, MeterMapping
from ingest_api.registry.restated_days import request_builds, request_hours
from ingest_api.settings import ApiSettings
from warehouse import sqlfiles
from warehouse.contract.errors import MappingNotFoundError
from warehouse.contract.readings import DEVICE_ID_PATTERN
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.readings.device_quota import DeviceQuota

router = APIRouter(prefix="/v1/mappings", tags=["mappings"], route_class=PlainRequests)

MAX_MAPPINGS = 10_000
_OF_AN_ANSWER = ("id", "validTo")
_ID_FIELD = Field(pattern=f"^{DEVICE_ID_PATTERN}$")


class NewMapping(Wire):
    """From `validFrom` on, this meter feeds this vehicle."""

    model_config = ONLY_KNOWN_FIELDS

    vehicle_id: Annotated[str, _ID_FIELD] = Field(examples=["veh-1"])
    meter_id: Annotated[str, _ID_FIELD] = Field(examples=["meter-1"])
    valid_from: SentInstant | None = Field(
        default=None,
        description="Default: since always (1970-01-01) where neither side was ever mapped, else now.",
        examples=["2026-02-08T04:00:00.000Z"],
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_does_nothing(cls, sent: Any) -> Any:
        """An answer can be sent back as it is, with its id; an end that was sent would not be heeded."""
        if not isinstance(sent, dict):
            return sent
        if sent.get("validTo") is not None:
            raise ValueError("validTo cannot be sent: a mapping ends where the vehicle's next one begins, or by DELETE")
        return refuse_unknown_fields(cls, {name: sent[name] for name in sent if name not in _OF_AN_ANSWER})


def _shape(sent: Any) -> str:
    return ARRAY if isinstance(sent, list) else OBJECT


NewMappings = Annotated[
    Annotated[NewMapping, Tag(OBJECT)] | Annotated[list[NewMapping], Field(max_length=MAX_MAPPINGS), Tag(ARRAY)],
    Discriminator(_shape),
]
"""One, or several: what is wrong is said of the shape that was sent."""


class Mapping(Wire):
    """A meter feeds a vehicle in `[validFrom, validTo)`; open where `validTo` is null."""

    id: int = Field(examples=[17])
    vehicle_id: str = Field(examples=["veh-1"])
    meter_id: str = Field(examples=["meter-1"])
    valid_from: Instant
    valid_to: Instant | None

    @classmethod
    def of(cls, mapping: MeterMapping) -> "Mapping":
        """Write a stored mapping."""
        return cls(
            id=mapping.mapping_id or 0,
            vehicle_id=mapping.vehicle_id,
            meter_id=mapping.meter_id,
            valid_from=mapping.valid_from,
            valid_to=mapping.valid_to,
        )


class MappedFleet(Wire):
    """The mappings that now hold, in the order of the request."""

    created: int = Field(description="How many are new.", examples=[100])
    items: list[Mapping]


class Mappings(Wire):
    """A page of mappings in the order of their making."""

    items: list[Mapping]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


@router.post(
    "",
    status_code=201,
    summary="Map vehicles to meters",
    response_model=Mapping | MappedFleet,
    responses={
        201: {"description": "Mapped.", "headers": success_headers()},
        200: {"description": "That is how it was mapped already.", "model": Mapping | MappedFleet},
        **problems(400, 401, 409, 422, 503),
    },
    dependencies=[Depends(require_admin)],
)
async def post_mappings(
    request: Request,
    response: Response,
    body: Annotated[NewMappings, Body()],
) -> Any:
    """One mapping, or an array of them to provision a fleet: then all of them, or none.

    It ends the vehicle's open mapping where it begins. Devices not seen before are registered.
    """
    wishes = body if isinstance(body, list) else [body]
    async with part_of(request, Database).connection() as connection, connection.transaction():
        mappings, created = await _map(connection, wishes, DeviceQuota.of(part_of(request, ApiSettings)))
    response.status_code = 201 if created else 200
    if isinstance(body, list):
        return MappedFleet(created=created, items=[Mapping.of(mapping) for mapping in mappings])
    return Mapping.of(mappings[0])


@router.get("", summary="Mappings of a vehicle, of a meter, or all", responses=problems(422, 503))
async def list_mappings(
    request: Request,
    vehicleId: str | None = None,  # noqa: N803 - the parameter's public name
    meterId: str | None = None,  # noqa: N803
    limit: Annotated[AskedInteger, Query(ge=1, le=1000, description="Mappings a page.")] = 100,
    cursor: Annotated[AskedInteger, Query(ge=0, le=2**63 - 1, description="`nextCursor` of the page before.")] = 0,
) -> Mappings:
    """In the order of their making."""
    asked = {
        "vehicle_id": None if vehicleId is None else checked_device_id(vehicleId),
        "meter_id": None if meterId is None else checked_device_id(meterId),
        "after": cursor,
        "limit": limit + 1,
    }
    async with part_of(request, Database).connection() as connection:
        rows = await fetch_all(connection, sqlfiles.load("ingest_api.registry", "list_mappings"), asked)
    more = str(rows[limit - 1]["mapping_id"]) if len(rows) > limit else None
    return Mappings(items=[Mapping.of(MeterMapping(**row)) for row in rows[:limit]], next_cursor=more)


@router.delete(
    "/{id}", summary="End a mapping now", responses=problems(401, 404, 422, 503), dependencies=[Depends(require_admin)]
)
async def end_mapping(
    request: Request, mapping_id: Annotated[AskedInteger, Path(alias="id", ge=1, le=2**63 - 1)]
) -> Mapping:
    """Ends it now; one that has ended stays as it is, one that has not begun is removed."""
    async with part_of(request, Database).connection() as connection, connection.transaction():
        found: Row | None = await fetch_one(
            connection, sqlfiles.load("ingest_api.registry", "find_mapping"), {"mapping_id": mapping_id}
        )
        if found is None:
            raise MappingNotFoundError(f"no mapping has the id {mapping_id}")
        mapping = MeterMapping(**found)
        now = _now()
        if mapping.valid_from >= now:
            await connection.execute(sqlfiles.load("ingest_api.registry", "delete_mapping"), {"mapping_id": mapping_id})
            mapping.valid_to = mapping.valid_from
        elif mapping.valid_to is None or mapping.valid_to > now:
            mapping.valid_to = now
            await _close(connection, [mapping])
    return Mapping.of(mapping)


def _now() -> datetime:
    """The present, to the millisecond: as precise as it is written in the answer, so that it can be sent back."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


async def _map(
    connection: Connection, wishes: Sequence[NewMapping], quota: DeviceQuota
) -> tuple[list[MeterMapping], int]:
    """The mappings that then hold, in the order of the wishes, and how many of them are new."""
    vehicle_ids = sorted({wish.vehicle_id for wish in wishes})
    meter_ids = sorted({wish.meter_id for wish in wishes})
    # Meters first, as ingest does: whoever registers both waits for the other, and never the other way round too.
    meters = await register(connection, DeviceKind.METER, meter_ids, quota)
    vehicles = await register(connection, DeviceKind.VEHICLE, vehicle_ids, quota)
    await fetch_all(connection, sqlfiles.load("ingest_api.registry", "lock_vehicles"), {"vehicle_ids": vehicle_ids})
    standing = await fetch_all(
        connection,
        sqlfiles.load("ingest_api.registry", "find_mappings"),
        {"vehicle_ids": vehicle_ids, "meter_ids": meter_ids},
    )
    plan = MappingPlan.on((MeterMapping(**row) for row in standing), _now())
    mappings = [plan.add(wish.vehicle_id, wish.meter_id, wish.valid_from) for wish in wishes]
    await _close(connection, plan.closed)
    await _open(connection, plan.opened, vehicles, meters)
    if plan.opened:
        since = min(mapping.valid_from for mapping in plan.opened)
        await request_builds(connection, "vehicles were mapped anew", vehicle_ids=vehicles.values(), since=since)
        # What has been so since always, and is, cuts no hour in two: a fleet that reports already is mapped at no cost.
        cuts = [each for each in plan.opened if each.valid_from > SINCE_ALWAYS or each.valid_to]
        await request_hours(
            connection, DeviceKind.VEHICLE, [(vehicles[each.vehicle_id], each.valid_from) for each in cuts]
        )
    return mappings, len(plan.opened)


async def _close(connection: Connection, closed: Sequence[MeterMapping]) -> None:
    parameters = {
        "mapping_ids": [mapping.mapping_id for mapping in closed],
        "valid_tos": [mapping.valid_to for mapping in closed],
    }
    await connection.execute(sqlfiles.load("ingest_api.registry", "close_mappings"), parameters)


async def _open(
    connection: Connection, opened: Sequence[MeterMapping], vehicles: dict[str, int], meters: dict[str, int]
) -> None:
    parameters = {
        "vehicle_ids": [vehicles[mapping.vehicle_id] for mapping in opened],
        "meter_ids": [meters[mapping.meter_id] for mapping in opened],
        "valid_froms": [mapping.valid_from for mapping in opened],
        "valid_tos": [mapping.valid_to for mapping in opened],
    }
    rows = await fetch_all(connection, sqlfiles.load("ingest_api.registry", "open_mappings"), parameters)
    stored = {(row["vehicle_id"], row["valid_from"]): row["mapping_id"] for row in rows}
    for mapping in opened:
        mapping.mapping_id = stored[vehicles[mapping.vehicle_id], mapping.valid_from]
