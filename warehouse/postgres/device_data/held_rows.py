"""The rows of each table that are a device's: how they are told from others, counted and copied out."""

from collections.abc import Iterator
from datetime import date

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from warehouse import sqlfiles
from warehouse.contract.device_rows import TABLES, Device, Holds, mention
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind

_PACKAGE = "warehouse.postgres.device_data"


def tables_with_devices() -> list[str]:
    """The tables of which a row may be a device's."""
    return [table for table, holds in TABLES.items() if holds.is_anybodys]


def is_of(device: Device, table: str, before: date | None = None, *, by_name: bool = True) -> Composable:
    """The condition by which a row of a table is this device's, and tells of a time before a day, where one is named.

    A row that tells of no time is of none. ``by_name``: where no surrogate id tells, the id that it sends does.
    """
    holds = TABLES[table]
    conditions = list(_by_id(device, holds, before, by_name=by_name))
    if by_name and not conditions:
        conditions = list(_by_name(device, holds))
    whose = SQL("({})").format(SQL(" OR ").join(conditions or [SQL("FALSE")]))
    if before is None or holds.through:
        return whose
    if not holds.when:
        return SQL("FALSE")
    return SQL("({} AND {} < {})").format(whose, Identifier(holds.when), Literal(midnight(before)))


def count_rows(
    connection: psycopg.Connection, device: Device, table: str, before: date | None = None, *, by_name: bool = True
) -> int:
    """How many rows of a table are this device's."""
    chosen = is_of(device, table, before, by_name=by_name)
    query = sqlfiles.load(_PACKAGE, "count_held_rows").format(held_in=Identifier(table), chosen=chosen)
    ((count,),) = connection.execute(query).fetchall()
    return int(count)


def copy_rows(connection: psycopg.Connection, device: Device, table: str) -> Iterator[bytes]:
    """A table's rows of this device as CSV, the names of the columns first, without those that are private."""
    query = sqlfiles.load(_PACKAGE, "copy_held_rows").format(
        names=SQL(", ").join(map(Identifier, _columns(connection, table))),
        held_in=Identifier(table),
        chosen=is_of(device, table),
    )
    with connection.cursor() as cursor, cursor.copy(query) as rows:
        yield from map(bytes, rows)


def _columns(connection: psycopg.Connection, table: str) -> list[str]:
    found = connection.execute(sqlfiles.load(_PACKAGE, "list_columns"), {"table": table})
    return [name for (name,) in found if name not in TABLES[table].private]


def _by_id(device: Device, holds: Holds, before: date | None, *, by_name: bool) -> Iterator[Composable]:
    for name in holds.meters if device.kind is DeviceKind.METER else holds.vehicles:
        yield SQL("{} = {}").format(Identifier(name), Literal(device.device_id))
    if holds.by_kind:
        yield SQL("(kind = {} AND device_id = {})").format(Literal(device.kind.value), Literal(device.device_id))
    if holds.through:
        column, table, referred = holds.through
        keys = sqlfiles.load(_PACKAGE, "list_held_keys").format(
            referred=Identifier(referred),
            held_in=Identifier(table),
            chosen=is_of(device, table, before, by_name=by_name),
        )
        yield SQL("{} IN ({})").format(Identifier(column), keys)


def _by_name(device: Device, holds: Holds) -> Iterator[Composable]:
    for name in (*holds.names, *holds.texts):
        # Of a list too: as texts they are found by the id as a word of its own.
        yield SQL("{}::text ~ {}").format(Identifier(name), Literal(mention(device.external_id)))
    for name in holds.raw:
        # As "escape" writes bytes, what is ASCII stays, and ids are.
        yield SQL("encode({}, 'escape') ~ {}").format(Identifier(name), Literal(mention(device.external_id)))
