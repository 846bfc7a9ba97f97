"""A change that reaches into the past: the days that the lake has of a device are to be built anew."""

from collections.abc import Iterable
from datetime import date, datetime

from ingest_api.database import Connection
from warehouse import sqlfiles
from warehouse.contract.partitions import utc_day


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
    await connection.execute(sqlfiles.load("ingest_api", "request_builds"), parameters)
