"""Takes a device out of every table. Safe to repeat, and to kill at any point."""

from collections.abc import Iterable, Iterator
from datetime import date

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from warehouse import sqlfiles
from warehouse.contract.device_rows import TABLES, Device, mention
from warehouse.contract.partitions import Stream, midnight, partition_name
from warehouse.postgres.device_data.held_rows import is_of
from warehouse.postgres.ledger.day_locks import day_held
from warehouse.postgres.readings.silent_devices import lock_latest

_PACKAGE = "warehouse.postgres.device_data"
_BY_DAY = {stream.value for stream in Stream}
_ITS_OWN = "forgettings"
"""It says what is being done until it is."""
_OF_OTHERS_TOO = ("lake_restatements", "alert_deliveries", "alert_attempts", "imports", "tokens")
"""Their rows stay, with a stand-in for the id: what a token may would become more, and messages are of others too."""
ALLOWED = "SET LOCAL fleetwatt.forgetting = 'on'"
"""Lets a transaction change the log of findings."""


def erase_rows(connection: psycopg.Connection, device: Device, stand_in: str, before: date | None) -> None:
    """Remove all but readings, in one transaction; of a device as a whole its registration too.

    Whoever stores a reading of it meanwhile is waited for, and what comes later is a new device's. ``before``: only
    what tells of the time before a day. The connection must be in autocommit.
    """
    with connection.transaction():
        connection.execute(ALLOWED)
        lock_latest(connection, device.kind, [device.device_id])
        if before:
            parameters = {"before": midnight(before), "kind": device.kind.value, "device_id": device.device_id}
            connection.execute(sqlfiles.load(_PACKAGE, "change_mapping_begin"), parameters)
            of_step = sqlfiles.load(_PACKAGE, "change_step_begin").format(
                latest=Identifier(device.kind.latest), device_id=Identifier(device.kind.device_id)
            )
            connection.execute(of_step, parameters)
        for table in reversed(TABLES):  # what refers to a row goes before it
            if TABLES[table].is_anybodys and table not in (*_BY_DAY, *_OF_OTHERS_TOO, _ITS_OWN):
                query = sqlfiles.load(_PACKAGE, "delete_held_rows")
                chosen = is_of(device, table, before)
                connection.execute(query.format(held_in=Identifier(table), chosen=chosen))
        if before is None:
            for table in TABLES:
                if table != _ITS_OWN:
                    _blank(connection, table, _texts_of(table), device.external_id, stand_in)


def erase_readings(connection: psycopg.Connection, device: Device, before: date | None) -> Iterator[tuple[date, int]]:
    """Remove readings day by day; yields the days that had some, and how many. In autocommit.

    A day that was exported is sealed again, which has it exported as it is now.
    """
    stream = device.kind.readings
    days = connection.execute(sqlfiles.load(_PACKAGE, "list_stored_days"), {"stream": stream}).fetchall()
    for _, day in days:
        if before is None or day < before:
            with day_held(connection, day), connection.transaction():
                query = sqlfiles.load(_PACKAGE, "delete_held_rows").format(
                    held_in=Identifier(partition_name(stream, day)), chosen=is_of(device, stream)
                )
                if removed := connection.execute(query).rowcount:
                    parameters = {"stream": stream, "day": day}
                    connection.execute(sqlfiles.load(_PACKAGE, "change_day_to_sealed"), parameters)
            if removed:
                connection.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(partition_name(stream, day))))
                yield day, removed


def blank_everywhere(connection: psycopg.Connection, external_id: str, stand_in: str) -> list[str]:
    """Put a stand-in for an id in every text of a database that is not ours, Dagster's; returns the tables changed."""
    found = connection.execute(sqlfiles.load(_PACKAGE, "list_text_columns")).fetchall()
    return [table for table, names in found if _blank(connection, table, names, external_id, stand_in)]


def _texts_of(table: str) -> list[str]:
    holds = TABLES[table]
    of_others = (*holds.names, *holds.texts) if table in _OF_OTHERS_TOO else ()
    return [*of_others, *holds.sentences]


def _blank(connection: psycopg.Connection, table: str, names: Iterable[str], external_id: str, stand_in: str) -> int:
    pattern = Literal(mention(external_id))
    types: dict[str, str] = dict(
        connection.execute(sqlfiles.load(_PACKAGE, "list_column_types"), {"table": table}).fetchall()
    )
    changes: list[Composable] = []
    speaks: list[Composable] = []
    for name in names:
        column, of_type = Identifier(name), SQL(types[name])
        blanked = SQL("regexp_replace({}::text, {}, {}, 'g')::{}").format(column, pattern, Literal(stand_in), of_type)
        changes.append(SQL("{} = {}").format(column, blanked))
        speaks.append(SQL("{}::text ~ {}").format(column, pattern))
    if not changes:
        return 0
    query = sqlfiles.load(_PACKAGE, "change_mentions").format(
        held_in=Identifier(table), assignments=SQL(", ").join(changes), chosen=SQL(" OR ").join(speaks)
    )
    return connection.execute(query).rowcount
