"""Readings for tests: valid as they come, with what a test cares about put in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from warehouse.postgres.readings.quarantine import QuarantineQuota

QUOTA = QuarantineQuota(max_rows=10_000, max_bytes=10_000_000)
"""Of the quarantine."""


def now_s() -> datetime:
    """The present, without its fraction of a second."""
    return datetime.now(UTC).replace(microsecond=0)


def iso(ts: datetime) -> str:
    """An instant as devices write it."""
    return ts.astimezone(UTC).isoformat().replace("+00:00", "Z")


def meter_payload(**fields: Any) -> dict[str, Any]:
    """A meter's reading as it is posted."""
    reading = {"meterId": "meter-1", "kwhConsumedAc": 100.0, "voltage": 230.0, "timestamp": iso(now_s())}
    return {**reading, **fields}


def vehicle_payload(**fields: Any) -> dict[str, Any]:
    """A vehicle's reading as it is posted."""
    reading = {
        "vehicleId": "veh-1",
        "soc": 50.0,
        "kwhDeliveredDc": 90.0,
        "batteryTemp": 30.0,
        "timestamp": iso(now_s()),
    }
    return {**reading, **fields}


def ramp(payload: Any, register: str, start: datetime, minutes: int, first: float, per_minute: float) -> list[Any]:
    """A device that reports each minute and whose register grows evenly."""
    return [
        payload(
            **{register: round(first + minute * per_minute, 6), "timestamp": iso(start + timedelta(minutes=minute))}
        )
        for minute in range(minutes)
    ]
