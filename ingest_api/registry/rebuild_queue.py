"""A change that reaches into the past queues rebuilds: of days in the lake, and of hours in PostgreSQL."""

from collections.abc import Iterable
from datetime import date, datetime

from ingest_api.database import Connection
from warehouse import sqlfiles
from warehouse.contract.partitions import utc_day
from warehouse.contract.tables import DeviceKind


async def queue_rebuilds(
    connection: Connection,
    reason: str,
    *,
    meter_ids: Iterable[int] = (),
    vehicle_ids: Iterable[int] = (),
    since: datetime | None = None,
) -> None:
    """Queue, in the transaction of the change, each day of the lake on which one of these devices has readings.

    ``since``: the instant from which on the change holds; without it, it always has.
    """
    parameters = {
        "meter_ids": list(meter_ids),
        "vehicle_ids": list(vehicle_ids),
        "first_day": utc_day(since) if since else date.min,
        "reason": reason,
    }
    await connection.execute(sqlfiles.load("ingest_api.registry", "queue_rebuilds"), parameters)


async def queue_hours(connection: Connection, kind: DeviceKind, changes: Iterable[tuple[int, datetime | None]]) -> None:
    """Queue the closed hours of these devices, in the transaction of the change: all, or each from an instant on.

    A vehicle's meters come with it: those that were ever mapped to it.
    """
    changed = list(changes)
    if not changed:
        return
    device_ids, since = (list(column) for column in zip(*changed, strict=True))
    parameters = {"kind": kind, "device_ids": device_ids, "since": since}
    await connection.execute(sqlfiles.load("ingest_api.registry", "queue_hours"), parameters)
