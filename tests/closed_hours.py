"""Which of the closed hours of ``device_hourly`` are left to be written: an empty database has 214 of eight days."""

from datetime import date, timedelta

import psycopg

from warehouse.contract.partitions import midnight
from warehouse.postgres.hours.device_hours import KEPT


def leave_only(connection: psycopg.Connection, day: date) -> None:
    """Confirm all hours but those of a day, as if nothing had been reported in them."""
    begin = midnight(day)
    connection.execute(
        "INSERT INTO hourly_ledger SELECT hour, now() FROM generate_series(%s, now(), '1 hour'::interval) AS hour "
        "WHERE hour < %s OR hour > %s ON CONFLICT DO NOTHING",
        [begin - KEPT, begin, begin + timedelta(days=1)],
    )
