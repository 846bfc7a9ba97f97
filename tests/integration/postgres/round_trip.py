"""One trip of readings through every kind of session that the product has, and all that was answered on the way."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psycopg
from dagster._core.instance import InstanceRef

from dbt_like_sql.catalog import Catalog
from orchestration.dagster_runtime.instance import instance_settings
from orchestration.dagster_runtime.own_database import make_database, storage_url
from tests.closed_hours import leave_only
from tests.conftest import serving
from tests.dropped_database import drop_database
from tests.factories import iso, meter_payload, ramp, vehicle_payload
from warehouse.contract.partitions import Stream, midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.postgres.migrate import migrate

_SAYS_WHEN = "late_readings"
"""The dataset that holds the instants at which something came in: other ones each time."""

DAY = datetime.now(UTC).date() - timedelta(days=3)
NOON = midnight(DAY) + timedelta(hours=12)
Answers = dict[str, Any]


def ask_api(url: str) -> Answers:
    """What the API answers to readings and to questions about them."""
    posted = meter_payload(meterId="met-1", timestamp=iso(NOON))
    meters = ramp(meter_payload, "kwhConsumedAc", midnight(DAY), 1440, 1000.0, 0.0333)[::30]
    vehicles = ramp(vehicle_payload, "kwhDeliveredDc", midnight(DAY), 1440, 500.0, 0.03)[::30]
    lines = b"\n".join(json.dumps(reading).encode() for reading in [*meters, *vehicles, {"meterId": 'a\\b"c'}])
    mapping = {"vehicleId": "veh-1", "meterId": "meter-1", "validFrom": iso(midnight(DAY) - timedelta(days=1))}
    at = iso(midnight(DAY) + timedelta(days=1))
    with serving(database_url=url) as client:
        return {
            "first": _told(client.post("/v1/telemetry", json=posted)),
            "again": _told(client.post("/v1/telemetry", json=posted)),
            "other": _told(client.post("/v1/telemetry", json={**posted, "kwhConsumedAc": 101.5})),
            "stream": _told(
                client.post("/v1/telemetry", content=lines, headers={"Content-Type": "application/x-ndjson"})
            ),
            "mapping": _told(client.post("/v1/mappings", json=mapping)),
            "performance": _told(client.get("/v1/analytics/performance/veh-1", params={"at": at})),
            "fleet": _told(client.get("/v1/analytics/fleet", params={"hours": 3})),
            "meters": _told(client.get("/v1/meters")),
            "vehicles": _told(client.get("/v1/vehicles")),
            "mappings": _told(client.get("/v1/mappings")),
            "ready": _told(client.get("/readyz")),
        }


def run_jobs(url: str, home: Path) -> Answers:
    """What the hours and the day's exports come to."""
    applied = migrate(url)
    hours = write_hours(url)
    pipeline = DailyPipeline(url, Lake(home / "lake"), Catalog.load())
    pipeline.seal(DAY)
    exported = [pipeline.export(stream, DAY).rows for stream in Stream]
    return {"applied": applied, "hours": hours, "exported": exported, "files": _files(pipeline)}


def write_hours(url: str) -> list[tuple[Any, ...]]:
    """What the hours of the day come to."""
    with connect(url) as connection:
        leave_only(connection, DAY)
        write_closed_hours(connection, lambda _: None)
        query = (
            "SELECT starts_at, kind, device_id, energy_kwh, reading_count, flags FROM device_hourly "
            "WHERE starts_at >= %s AND starts_at < %s ORDER BY starts_at, kind, device_id"
        )
        return connection.execute(query, [midnight(DAY), midnight(DAY) + timedelta(days=1)]).fetchall()


def run_whole_day(url: str, home: Path) -> Answers:
    """What the whole daily pipeline makes of a day."""
    pipeline = DailyPipeline(url, Lake(home / "lake"), Catalog.load())
    pipeline.run(DAY)
    return {"files": _files(pipeline)}


def read_back(url: str) -> Answers:
    """What is stored, as text, so that no session's settings stand between."""
    with psycopg.connect(url, options="-c timezone=UTC -c datestyle=ISO,YMD -c search_path=public") as connection:
        query = b"SELECT x::text FROM (SELECT ts, kwh FROM meter_readings UNION ALL SELECT ts, kwh FROM "
        query += b"vehicle_readings) AS x ORDER BY 1"
        refused = connection.execute("SELECT encode(raw, 'hex'), code, source FROM quarantined_readings ORDER BY 1, 2")
        return {"stored": connection.execute(query).fetchall(), "quarantined": refused.fetchall()}


def use_dagster(url: str, name: str, folder: Path) -> Answers:
    """What Dagster's storage has of an event, in a database that it makes its tables in."""
    make_database(url, name)
    settings = instance_settings(folder, folder)
    settings["storage"]["custom"]["config"] = {"postgres_url": storage_url(url, name)}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=settings)) as instance:
        made = dg.AssetMaterialization("meters", partition="2026-02-08", metadata={"path": 'a\\b "c" ä'})
        instance.report_runless_asset_event(made)
        found = instance.get_latest_materialization_event(dg.AssetKey("meters"))
    assert found is not None
    assert found.asset_materialization is not None
    return {"metadata": found.asset_materialization.metadata["path"].value}


@contextmanager
def dropped_afterwards(server_url: str, names: Sequence[str]) -> Iterator[None]:
    """Without these databases, afterwards."""
    try:
        yield
    finally:
        with connect(server_url) as admin:
            for name in names:
                drop_database(admin, name)


def _told(answer: httpx.Response) -> tuple[int, Any]:
    body = answer.json()
    for each in [body, *body.get("items", [])]:
        # Of this very request, or of the moment at which it was stored.
        for name in (
            "requestId",
            "missingHours",
            "asOf",
            "generatedAt",
            "fromTs",
            "toTs",
            "firstSeenAt",
            "registeredAt",
            "receivedAt",
            "ageSeconds",
        ):
            each.pop(name, None)
    return answer.status_code, body


def _files(pipeline: DailyPipeline) -> dict[str, str]:
    found = [path for path in sorted(pipeline.lake.root.rglob("*.parquet")) if path.parts[-3] != _SAYS_WHEN]
    return {str(path.relative_to(pipeline.lake.root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
