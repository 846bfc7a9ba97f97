"""Keeps copies of what readers see of the newest days' sessions and standby, written with the release of each day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres.charging"
_LOCK = 0x63686172
"""'char' in ASCII: the first key of an advisory lock."""
_WRITING = 1

KEPT_DAYS = 90
"""How many days are kept, up to the newest one that was released."""
NULL = r"\N"
"""What stands for a missing value in the rows."""
SESSION_COLUMNS = (
    *("day", "session_id", "kind", "vehicle_id", "meter_id", "started_at", "ended_at", "ac_kwh", "dc_kwh"),
    *("efficiency_ratio", "ac_hours", "dc_hours", "ac_mean_kw", "dc_mean_kw", "ac_plateau_kw", "dc_plateau_kw"),
    *("mean_voltage_volts", "soc_start_percent", "soc_end_percent", "mean_battery_temp_celsius"),
    *("ac_coverage", "dc_coverage", "ac_flags", "dc_flags", "is_qualified"),
)
STANDBY_COLUMNS = ("day", "meter_id", "idle_watts", "idle_hours", "idle_kwh", "between_kwh", "session_kwh")


class ChargingDay(NamedTuple):
    """What a day has: rows as CSV without a header, ``NULL`` for what is missing."""

    day: date
    sessions: bytes
    """In the order of ``SESSION_COLUMNS``."""
    session_ids: Sequence[str]
    standby: bytes
    """In the order of ``STANDBY_COLUMNS``."""


def lock_charging(transaction: psycopg.Connection) -> None:
    """One transaction at a time replaces days, until it ends: a restatement may take a session to another day."""
    transaction.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, _WRITING))


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
    _copy(transaction, "charging_sessions", SESSION_COLUMNS, replaced.sessions)
    _copy(transaction, "meter_standby", STANDBY_COLUMNS, replaced.standby)
    newest = _newest_day(transaction)
    if newest:
        last_forgotten = {"day": newest - timedelta(days=KEPT_DAYS)}
        for name in ("forget_sessions", "forget_standby"):
            transaction.execute(sqlfiles.load(_PACKAGE, name), last_forgotten)


def _newest_day(transaction: psycopg.Connection) -> date | None:
    row = transaction.execute(sqlfiles.load(_PACKAGE, "find_newest_day")).fetchone()
    return row[0] if row else None


def _copy(transaction: psycopg.Connection, table: str, columns: Sequence[str], rows: bytes) -> None:
    copy = sqlfiles.load(_PACKAGE, "copy_rows").format(
        rows_of=Identifier(table), names=SQL(", ").join(map(Identifier, columns))
    )
    with transaction.cursor() as cursor, cursor.copy(copy) as target:
        target.write(rows)
