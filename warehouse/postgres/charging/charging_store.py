"""Keeps copies of what readers see of the newest days' sessions and standby, written with the release of each day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import psycopg

from warehouse import sqlfiles
from warehouse.postgres.charging.copied_rows import copy_rows

_PACKAGE = "warehouse.postgres.charging"

KEPT_DAYS = 90
"""How many days are kept, up to the newest one that was released."""
SESSION_COLUMNS = (
    *("day", "session_id", "kind", "vehicle_id", "meter_id", "started_at", "ended_at", "ac_kwh", "dc_kwh"),
    *("efficiency_ratio", "ac_hours", "dc_hours", "ac_mean_kw", "dc_mean_kw", "ac_plateau_kw", "dc_plateau_kw"),
    *("mean_voltage_volts", "soc_start_percent", "soc_end_percent", "mean_battery_temp_celsius"),
    *("ac_coverage", "dc_coverage", "ac_flags", "dc_flags", "is_qualified"),
)
STANDBY_COLUMNS = ("day", "meter_id", "idle_watts", "idle_hours", "idle_kwh", "between_kwh", "session_kwh")


class ChargingDay(NamedTuple):
    """What a day has: rows as ``copy_rows`` takes them."""

    day: date
    sessions: bytes
    """In the order of ``SESSION_COLUMNS``."""
    session_ids: Sequence[str]
    standby: bytes
    """In the order of ``STANDBY_COLUMNS``."""


def is_kept(transaction: psycopg.Connection, day: date) -> bool:
    """Whether a day is among the newest ones."""
    newest = _newest_day(transaction)
    return newest is None or day > newest - timedelta(days=KEPT_DAYS)


def replace_day(transaction: psycopg.Connection, replaced: ChargingDay) -> None:
    """Put these rows in place of what there is of the day, and forget days that are too old then.

    Whoever calls holds ``lock_charging``, and the day ``is_kept``.
    """
    parameters = {"day": replaced.day, "session_ids": list(replaced.session_ids)}
    for name in ("delete_sessions_of_day", "delete_standby_of_day"):
        transaction.execute(sqlfiles.load(_PACKAGE, name), parameters)
    copy_rows(transaction, "charging_sessions", SESSION_COLUMNS, replaced.sessions)
    copy_rows(transaction, "meter_standby", STANDBY_COLUMNS, replaced.standby)
    newest = _newest_day(transaction)
    if newest:
        last_forgotten = {"day": newest - timedelta(days=KEPT_DAYS)}
        for name in ("forget_sessions", "forget_standby"):
            transaction.execute(sqlfiles.load(_PACKAGE, name), last_forgotten)


def _newest_day(transaction: psycopg.Connection) -> date | None:
    row = transaction.execute(sqlfiles.load(_PACKAGE, "find_newest_day")).fetchone()
    return row[0] if row else None
