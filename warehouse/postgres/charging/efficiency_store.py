"""Keeps a copy of what readers see of each vehicle's newest days, written with the release of each day."""

from datetime import date, timedelta

import psycopg

from warehouse import sqlfiles
from warehouse.postgres.charging.copied_rows import copy_rows

_PACKAGE = "warehouse.postgres.charging"

KEPT_DAYS = 400
"""How many days are kept, up to the newest one that was released: a year beside the same month of the year before."""
EFFICIENCY_COLUMNS = (
    *("day", "vehicle_id", "ac_kwh", "dc_kwh", "efficiency_ratio", "status", "mapped_hours"),
    *("lost_against_threshold_kwh", "lost_against_target_kwh", "standby_kwh", "ac_coverage_ratio", "dc_coverage_ratio"),
    *("mean_battery_temp_celsius", "coarse_edge", "partly_mapped", "flags"),
)


def replace_efficiency(transaction: psycopg.Connection, day: date, rows: bytes) -> None:
    """Put rows in the order of ``EFFICIENCY_COLUMNS`` in place of what there is of the day, and forget what is too old.

    A day that is too old itself is left out. Whoever calls holds ``lock_charging``.
    """
    newest = _newest_day(transaction)
    if newest and day <= newest - timedelta(days=KEPT_DAYS):
        return
    transaction.execute(sqlfiles.load(_PACKAGE, "delete_efficiency_of_day"), {"day": day})
    copy_rows(transaction, "daily_vehicle_efficiency", EFFICIENCY_COLUMNS, rows)
    last_forgotten = max(newest or day, day) - timedelta(days=KEPT_DAYS)
    transaction.execute(sqlfiles.load(_PACKAGE, "forget_efficiency"), {"day": last_forgotten})


def _newest_day(transaction: psycopg.Connection) -> date | None:
    row = transaction.execute(sqlfiles.load(_PACKAGE, "find_newest_efficiency")).fetchone()
    return row[0] if row else None
