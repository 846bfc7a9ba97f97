"""The documented face of ``POST /v1/telemetry``: a route of the framework, for OpenAPI, that calls the same code."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, Field
from pydantic.json_schema import models_json_schema

from ingest_api.bodies.limits import Limits
from ingest_api.http.openapi import problems, success_headers
from ingest_api.http.parts import part_of
from ingest_api.http.wire import Wire
from ingest_api.telemetry.ingest import JSON, NDJSON, PATH, TelemetryIngest
from warehouse.contract.readings import DEVICE_ID_PATTERN

DeviceId = Annotated[str, Field(pattern=f"^{DEVICE_ID_PATTERN}$")]
Timestamp = Annotated[AwareDatetime, Field(description="RFC 3339 with an offset; cut to microseconds.")]


class MeterTelemetry(Wire):
    """A reading of an AC meter."""

    type: Literal["meter"] = "meter"
    meter_id: DeviceId = Field(examples=["meter-1"])
    kwh_consumed_ac: float = Field(ge=0, le=1e9, description="The register, kWh.", examples=[12034.123])
    voltage: float | None = Field(ge=0, le=1500, description="null: no sensor fitted.", examples=[230.1])
    timestamp: Timestamp


class VehicleTelemetry(Wire):
    """A reading of a vehicle."""

    type: Literal["vehicle"] = "vehicle"
    vehicle_id: DeviceId = Field(examples=["veh-1"])
    soc: float | None = Field(ge=0, le=100, description="State of charge, percent; null: no sensor.", examples=[63.5])
    kwh_delivered_dc: float = Field(ge=0, le=1e9, description="The register, kWh.", examples=[8123.456])
    battery_temp: float | None = Field(ge=-60, le=120, description="Celsius; null: no sensor.", examples=[31.5])
    timestamp: Timestamp


class Stored(Wire):
    """What became of a single reading."""

    status: Literal["stored", "duplicate"]


class ItemError(Wire):
    """Why one item was not stored."""

    index: int = Field(description="Of the item in the array, or of the line; from 0.", examples=[3])
    code: str = Field(description="Stable.", examples=["out_of_range"])
    pointer: str = Field(description="JSON pointer to the field.", examples=["/soc"])
    detail: str = Field(examples=["soc lies between 0 and 100"])


class Counted(Wire):
    """`accepted + duplicates + conflicts + rejected` is the number of items sent."""

    accepted: int = Field(description="Stored by this request.", examples=[998])
    duplicates: int = Field(description="Stored before, with the same values.", examples=[1])
    conflicts: int = Field(description="Another reading is stored under the key; quarantined.", examples=[0])
    rejected: int = Field(description="Not valid; quarantined.", examples=[1])
    errors: list[ItemError] = Field(description="The first 100 of the items not stored.")
    request_id: str = Field(examples=["5f2e7a5001998e1c"])


_METER = {"meterId": "meter-1", "kwhConsumedAc": 12034.123, "voltage": 230.1, "timestamp": "2026-02-08T04:00:00.000Z"}
_VEHICLE = {
    "vehicleId": "veh-1",
    "soc": 63.5,
    "kwhDeliveredDc": 8123.456,
    "batteryTemp": 31.5,
    "timestamp": "2026-02-08T04:00:00.000Z",
}

_, _SCHEMAS = models_json_schema([(MeterTelemetry, "validation"), (VehicleTelemetry, "validation")])
_METER_SCHEMA, _VEHICLE_SCHEMA = (_SCHEMAS["$defs"][model.__name__] for model in (MeterTelemetry, VehicleTelemetry))
_READING = {"oneOf": [_METER_SCHEMA, _VEHICLE_SCHEMA]}


def router_for(limits: Limits) -> APIRouter:
    """The route, documented with these limits."""
    router = APIRouter(tags=["telemetry"])
    router.post(
        PATH,
        summary="Send readings",
        response_model=Stored | Counted,
        responses={
            201: {"description": "A single reading, stored.", "model": Stored, "headers": success_headers()},
            200: {
                "description": "A single reading that was stored before, or the account of an array or stream.",
                "headers": success_headers(),
            },
            **problems(400, 408, 409, 413, 415, 422, 429, 503),
        },
        openapi_extra={"parameters": [_CONTENT_ENCODING], "requestBody": _request_body(limits)},
    )(post_telemetry)
    return router


async def post_telemetry(request: Request) -> Response:
    """Durable when it answers 2xx: history and current state change in one transaction.

    Sending the same again is always safe. Valid items of an array are stored; each other one is reported by its index
    and kept in quarantine. A stream is stored chunk by chunk; where it ends early, with a 400, 413, 429 or 503, the
    answer has the account of what came before. But for a 400, `nextIndex` is the first line that nothing is known of.
    """
    answer = await part_of(request, TelemetryIngest).answer(request.scope, request.receive)
    return Response(answer.body, answer.status, dict(answer.headers), answer.media_type)


_CONTENT_ENCODING = {
    "name": "Content-Encoding",
    "in": "header",
    "required": False,
    "description": "How the body is compressed.",
    "schema": {"type": "string", "enum": ["identity", "gzip", "zstd"]},
}


def _request_body(limits: Limits) -> dict[str, Any]:
    array = {"type": "array", "items": _READING, "maxItems": limits.items}
    return {
        "required": True,
        "description": f"JSON: at most {limits.body_bytes} bytes as sent, {limits.decoded_bytes} decoded, "
        f"{limits.items} items. NDJSON: at most {limits.stream_bytes} bytes decoded, {limits.body_bytes} a line.",
        "content": {
            JSON: {
                "schema": {"oneOf": [*_READING["oneOf"], array]},
                "examples": {
                    "meter": {"summary": "A meter's reading", "value": _METER},
                    "vehicle": {"summary": "A vehicle's reading", "value": _VEHICLE},
                    "array": {"summary": "Several, in one transaction", "value": [_METER, _VEHICLE]},
                },
            },
            NDJSON: {
                "schema": {"type": "string", "description": f"One reading a line, {limits.items} in a transaction."}
            },
        },
    }
