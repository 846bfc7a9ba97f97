"""A change that reaches into the past: it queues rebuilds of a device's days in the lake and hours in PostgreSQL."""

from collections.abc import Iterable
from datetime import date, datetime

from ingest_api.database import Connection
from warehouse import sqlfiles
from warehouse.contract.partitions import utc_day
from warehouse.contract.tables import DeviceKind


async def request_builds(
    connection: Connection,
    reason: str,
    *,
    meter_ids: Iterable[int] = (),
    vehicle_ids: Iterable[int] = (),
    since: datetime | None = None,
) -> None:
    """Ask, in the transaction of the change, for each day of the lake on which one of these devices has readings.

    ``since``: the instant from which on the change holds; without it, it always has.
    """
    parameters = {
        "meter_ids": list(meter_ids),
        "vehicle_ids": list(vehicle_ids),
        "first_day": utc_day(since) if since else date.min,
        "reason": reason,
    }
    await connection.execute(sqlfiles.load("ingest_api.registry", "request_builds"), parameters)


async def request_hours(
    connection: Connection, kind: DeviceKind, changes: Iterable[tuple[int, datetime | None]]
) -> None:
    """Ask, in the transaction of the change, for the closed hours of these devices, each from an instant on, or all.

    A vehicle's meters come with it: those that were ever mapped to it.
    """
    asked = list(changes)
    if not asked:
        return
    device_ids, since = (list(column) for column in zip(*asked, strict=True))
    parameters = {"kind": kind, "device_ids": device_ids, "since": since}
    await connection.execute(sqlfiles.load("ingest_api.registry", "request_hours"), parameters)
