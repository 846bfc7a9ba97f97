"""``/v1/vehicles`` and ``/v1/meters``: the current state of devices, and their settings."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from psycopg.sql import SQL, Identifier, Placeholder
from pydantic import Field, model_validator

from ingest_api.auth.admin_token import require_admin
from ingest_api.database import Connection, Database, Row
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.wire import ONLY_KNOWN_FIELDS, Instant, Wire, checked_device_id, refuse_unknown_fields, written
from ingest_api.registry.restated_days import request_builds, request_hours
from ingest_api.settings import ApiSettings
from warehouse import sqlfiles
from warehouse.contract.energy import EnergyKind
from warehouse.contract.errors import MeterNotFoundError, TooManyDevicesError, VehicleNotFoundError
from warehouse.contract.readings import SMALLEST_KWH
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.readings.device_quota import DeviceQuota

router = APIRouter(prefix="/v1", tags=["devices"], route_class=PlainRequests)

_IN_THE_RULE = {
    "energy_kind",
    "max_power_kw",
    "resolution_kwh",
    "rollover_kwh",
    "max_reset_kwh",
    "expected_interval_s",
}
"""The settings that decide what past readings amount to."""

Limit = Annotated[AskedInteger, Query(ge=1, le=1000, description="Devices a page.")]
Cursor = Annotated[str, Query(max_length=64, description="`nextCursor` of the page before.")]


class Settings(Wire):
    """What the energy rule knows of a device. `null` means unknown."""

    energy_kind: EnergyKind = Field(description="A register that grows, or energy per interval.", examples=["counter"])
    max_power_kw: float | None = Field(description="Bounds how fast the register can grow.", examples=[22])
    resolution_kwh: float | None = Field(description="The register's smallest step.", examples=[0.01])
    rollover_kwh: float | None = Field(
        description="Where the register starts over at 0; where it shows more than this, it does not.",
        examples=[100000],
    )
    max_reset_kwh: float | None = Field(
        description="The most it can show after it restarted: what one battery takes, with its losses.", examples=[150]
    )
    expected_interval_seconds: int = Field(description="How often it reports.", examples=[60])
    model: str | None = Field(examples=["Wallbox 22"])
    display_name: str | None = Field(examples=["Depot north, bay 4"])


def _without_default(schema: dict[str, Any]) -> None:
    """A generated client that fills in defaults would change what nobody meant to change."""
    schema.pop("default", None)


class SettingsChange(Wire):
    """The settings to change: a field that is left out stays, `null` makes it unknown. A number is a JSON number."""

    model_config = ONLY_KNOWN_FIELDS

    energy_kind: EnergyKind = Field(default=EnergyKind.COUNTER, json_schema_extra=_without_default)
    max_power_kw: float | None = Field(default=None, ge=SMALLEST_KWH, le=1e6, allow_inf_nan=False, strict=True)
    resolution_kwh: float | None = Field(default=None, ge=SMALLEST_KWH, le=1e6, allow_inf_nan=False, strict=True)
    rollover_kwh: float | None = Field(default=None, ge=SMALLEST_KWH, le=1e9, allow_inf_nan=False, strict=True)
    max_reset_kwh: float | None = Field(default=None, ge=SMALLEST_KWH, le=1e9, allow_inf_nan=False, strict=True)
    expected_interval_seconds: int = Field(default=60, ge=1, le=86_400, strict=True, json_schema_extra=_without_default)
    model: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")
    display_name: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")

    _known = model_validator(mode="before")(refuse_unknown_fields)


class _State(Wire):
    timestamp: Instant | None = Field(description="Of the newest reading.")
    received_at: Instant | None = Field(description="When that reading was stored.")
    age_seconds: float | None = Field(description="How long ago the newest reading was taken.", examples=[31.2])
    settings: Settings


class Meter(_State):
    """The current state of a meter; readings are null until its first one."""

    meter_id: str = Field(examples=["meter-1"])
    kwh_consumed_ac: float | None = Field(examples=[12034.123])
    voltage: float | None = Field(examples=[230.1])


class Vehicle(_State):
    """The current state of a vehicle; readings are null until its first one."""

    vehicle_id: str = Field(examples=["veh-1"])
    kwh_delivered_dc: float | None = Field(examples=[8123.456])
    soc: float | None = Field(description="State of charge, percent.", examples=[63.5])
    battery_temp: float | None = Field(description="Celsius.", examples=[31.5])


class Meters(Wire):
    """A page of meters in the order of their ids."""

    items: list[Meter]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


class Vehicles(Wire):
    """A page of vehicles in the order of their ids."""

    items: list[Vehicle]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


@router.get("/meters", summary="Meters and their current state", responses=problems(422, 503), response_model=Meters)
async def list_meters(request: Request, limit: Limit = 100, cursor: Cursor = "") -> Response:
    """Every meter, a page at a time."""
    rows, next_cursor = await _page(request, DeviceKind.METER, limit, cursor)
    return written(Meters(items=[_meter(row) for row in rows], next_cursor=next_cursor))


@router.get(
    "/vehicles", summary="Vehicles and their current state", responses=problems(422, 503), response_model=Vehicles
)
async def list_vehicles(request: Request, limit: Limit = 100, cursor: Cursor = "") -> Response:
    """Every vehicle, a page at a time."""
    rows, next_cursor = await _page(request, DeviceKind.VEHICLE, limit, cursor)
    return written(Vehicles(items=[_vehicle(row) for row in rows], next_cursor=next_cursor))


@router.get("/meters/{meterId}", summary="One meter's current state", responses=problems(404, 422, 503))
async def get_meter(request: Request, meterId: str) -> Meter:  # noqa: N803 - the parameter's public name
    """The newest reading of a meter, and its settings."""
    async with part_of(request, Database).connection() as connection:
        return _meter(await _find(connection, DeviceKind.METER, meterId))


@router.get("/vehicles/{vehicleId}", summary="One vehicle's current state", responses=problems(404, 422, 503))
async def get_vehicle(request: Request, vehicleId: str) -> Vehicle:  # noqa: N803 - the parameter's public name
    """The newest reading of a vehicle, and its settings."""
    async with part_of(request, Database).connection() as connection:
        return _vehicle(await _find(connection, DeviceKind.VEHICLE, vehicleId))


@router.patch(
    "/meters/{meterId}",
    summary="Change a meter's settings",
    responses=problems(400, 401, 422, 503),
    dependencies=[Depends(require_admin)],
)
async def change_meter(request: Request, meterId: str, change: SettingsChange) -> Meter:  # noqa: N803
    """Changes the settings that are given; a meter not seen before is registered."""
    return _meter(await _change(request, DeviceKind.METER, meterId, change))


@router.patch(
    "/vehicles/{vehicleId}",
    summary="Change a vehicle's settings",
    responses=problems(400, 401, 422, 503),
    dependencies=[Depends(require_admin)],
)
async def change_vehicle(request: Request, vehicleId: str, change: SettingsChange) -> Vehicle:  # noqa: N803
    """Changes the settings that are given; a vehicle not seen before is registered."""
    return _vehicle(await _change(request, DeviceKind.VEHICLE, vehicleId, change))


async def register(
    connection: Connection, kind: DeviceKind, external_ids: Sequence[str], quota: DeviceQuota
) -> dict[str, int]:
    """Register these devices where they are not yet; returns the surrogate id of each.

    Raises:
        TooManyDevicesError: there is no room for all of them.
    """
    names = {"devices": Identifier(kind.devices), "device_id": Identifier(kind.device_id)}
    parameters = {"external_ids": list(external_ids)}
    find = sqlfiles.load("warehouse.postgres.readings", "find_devices").format(**names)
    found = await (await connection.execute(find, parameters)).fetchall()
    if len(found) < len(external_ids):
        counted = await connection.execute(sqlfiles.load("warehouse.postgres.readings", "count_registered"))
        (count,) = await counted.fetchall()
        wanted = len(external_ids) - len(found)
        if wanted > quota.left(**count):
            raise TooManyDevicesError(f"{wanted:,} new {kind}{'s' if wanted > 1 else ''}: {quota.why_full(**count)}")
        await connection.execute(
            sqlfiles.load("warehouse.postgres.readings", "register_devices").format(**names), parameters
        )
        found = await (await connection.execute(find, parameters)).fetchall()
    return {row["external_id"]: row[kind.device_id] for row in found}


async def _change(request: Request, kind: DeviceKind, external_id: str, change: SettingsChange) -> Row:
    quota = DeviceQuota.of(part_of(request, ApiSettings))
    async with part_of(request, Database).connection() as connection:
        await _apply(connection, kind, external_id, change, quota)
        return await _find(connection, kind, external_id)


async def _apply(
    connection: Connection, kind: DeviceKind, external_id: str, change: SettingsChange, quota: DeviceQuota
) -> None:
    given = change.model_dump(exclude_unset=True)
    if "expected_interval_seconds" in given:
        given["expected_interval_s"] = given.pop("expected_interval_seconds")
    async with connection.transaction():
        ids = await register(connection, kind, [checked_device_id(external_id)], quota)
        if given:
            assignments = SQL(", ").join(
                SQL("{} = {}").format(Identifier(column), Placeholder(column)) for column in given
            )
            statement = sqlfiles.load("ingest_api.registry", "update_device").format(
                devices=Identifier(kind.devices), assignments=assignments
            )
            await connection.execute(statement, {**given, "external_id": external_id})
        if _IN_THE_RULE & given.keys():
            meter_ids, vehicle_ids = (list(ids.values()) if kind is each else [] for each in DeviceKind)
            reason = f"settings of {kind} {external_id} changed"
            await request_builds(connection, reason, meter_ids=meter_ids, vehicle_ids=vehicle_ids)
            await request_hours(connection, kind, [(device_id, None) for device_id in ids.values()])


async def _page(request: Request, kind: DeviceKind, limit: int, cursor: str) -> tuple[list[Row], str | None]:
    async with part_of(request, Database).connection() as connection:
        rows = await _select(connection, kind, SQL(">"), cursor.replace("\0", ""), limit + 1)
    return rows[:limit], rows[limit - 1]["external_id"] if len(rows) > limit else None


async def _find(connection: Connection, kind: DeviceKind, external_id: str) -> Row:
    for row in await _select(connection, kind, SQL("="), checked_device_id(external_id), 1):
        return row
    not_found = MeterNotFoundError if kind is DeviceKind.METER else VehicleNotFoundError
    raise not_found(f"no {kind} has the id {external_id}")


async def _select(connection: Connection, kind: DeviceKind, comparison: SQL, external_id: str, limit: int) -> list[Row]:
    query = sqlfiles.load("ingest_api.registry", "list_devices").format(
        devices=Identifier(kind.devices),
        latest=Identifier(kind.latest),
        device_id=Identifier(kind.device_id),
        comparison=comparison,
    )
    cursor = await connection.execute(query, {"external_id": external_id, "limit": limit})
    return await cursor.fetchall()


def _meter(row: Row) -> Meter:
    return Meter(meter_id=row["external_id"], kwh_consumed_ac=row["kwh"], voltage=row["voltage_volts"], **_common(row))


def _vehicle(row: Row) -> Vehicle:
    return Vehicle(
        vehicle_id=row["external_id"],
        kwh_delivered_dc=row["kwh"],
        soc=row["soc_percent"],
        battery_temp=row["battery_temp_celsius"],
        **_common(row),
    )


def _common(row: Row) -> dict[str, Any]:
    ts: datetime | None = row["ts"]
    return {
        "timestamp": ts,
        "received_at": row["received_at"],
        "age_seconds": None if ts is None else max(0.0, round((datetime.now(UTC) - ts).total_seconds(), 3)),
        "settings": Settings.model_validate({**row, "expected_interval_seconds": row["expected_interval_s"]}),
    }
