"""The ingest tier as it is usually written: a FastAPI route, pydantic, a pooled connection, one transaction a request.

It is given what costs the product something: the ids of all devices are known from the start, nothing is looked up,
nothing is counted or kept in quarantine. The tables are the product's.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import psycopg
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from pydantic import AwareDatetime, BaseModel

POOL_SIZE = 16


class Meter(BaseModel):
    meterId: str  # noqa: N815 - the wire's name
    kwhConsumedAc: float  # noqa: N815
    voltage: float | None
    timestamp: AwareDatetime


class Vehicle(BaseModel):
    vehicleId: str  # noqa: N815
    soc: float | None
    kwhDeliveredDc: float  # noqa: N815
    batteryTemp: float | None  # noqa: N815
    timestamp: AwareDatetime


INSERT_METER = "INSERT INTO meter_readings (meter_id, ts, kwh, voltage_volts) VALUES (%s, %s, %s, %s)"
UPSERT_METER = """
    INSERT INTO meter_latest AS latest (meter_id, ts, kwh, voltage_volts, received_at) VALUES (%s, %s, %s, %s, now())
    ON CONFLICT (meter_id) DO UPDATE SET
        ts = excluded.ts, kwh = excluded.kwh, voltage_volts = excluded.voltage_volts, received_at = excluded.received_at
    WHERE latest.ts < excluded.ts
"""
INSERT_VEHICLE = """
    INSERT INTO vehicle_readings (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius) VALUES (%s, %s, %s, %s, %s)
"""
UPSERT_VEHICLE = """
    INSERT INTO vehicle_latest AS latest (vehicle_id, ts, kwh, soc_percent, battery_temp_celsius, received_at)
    VALUES (%s, %s, %s, %s, %s, now())
    ON CONFLICT (vehicle_id) DO UPDATE SET
        ts = excluded.ts, kwh = excluded.kwh, soc_percent = excluded.soc_percent,
        battery_temp_celsius = excluded.battery_temp_celsius, received_at = excluded.received_at
    WHERE latest.ts < excluded.ts
"""

_ids: dict[str, int] = {}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = os.environ["FLEET_DATABASE_URL"]
    with psycopg.connect(url) as connection:
        _ids.update(connection.execute("SELECT external_id, meter_id FROM meters").fetchall())
        _ids.update(connection.execute("SELECT external_id, vehicle_id FROM vehicles").fetchall())
    async with AsyncConnectionPool(url, min_size=POOL_SIZE, timeout=60) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan)


@app.post("/v1/telemetry", status_code=201)
async def post_telemetry(reading: Meter | Vehicle) -> dict[str, str]:
    """Store one reading: history and current state in one transaction."""
    values: tuple[int, datetime, float, float | None] | tuple[int, datetime, float, float | None, float | None]
    if isinstance(reading, Meter):
        insert, upsert = INSERT_METER, UPSERT_METER
        values = (_ids[reading.meterId], reading.timestamp, reading.kwhConsumedAc, reading.voltage)
    else:
        insert, upsert = INSERT_VEHICLE, UPSERT_VEHICLE
        identity = _ids[reading.vehicleId]
        values = (identity, reading.timestamp, reading.kwhDeliveredDc, reading.soc, reading.batteryTemp)
    async with app.state.pool.connection() as connection:
        await connection.execute(insert, values)
        await connection.execute(upsert, values)
    return {"status": "stored"}
