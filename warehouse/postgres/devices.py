"""From the id a device sends to the integer the tables know it by, remembered for the life of a connection."""

from collections.abc import Iterable

import psycopg
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.tables import DeviceKind

_PACKAGE = "warehouse.postgres"

MAX_REMEMBERED = 500_000
"""Ids of one kind, about 100 MB. A larger fleet is looked up again now and then; inventing ids fills no memory."""


class DeviceIds:
    """A cache of surrogate ids. They are never changed or given to another device, so none of them ever expires."""

    def __init__(self) -> None:
        self._ids: dict[DeviceKind, dict[str, int]] = {kind: {} for kind in DeviceKind}

    def of(self, kind: DeviceKind) -> dict[str, int]:
        """The ids known so far. To be read, not changed."""
        return self._ids[kind]

    def look_up(
        self, connection: psycopg.Connection, kind: DeviceKind, external_ids: Iterable[str], *, register: bool
    ) -> None:
        """Learn the ids of these devices; unknown ones are registered, or stay unknown.

        Registers in the caller's transaction. In autocommit that is a transaction of its own: a device without
        readings harms nobody, and a cached id must never be rolled back.
        """
        known = self._ids[kind]
        if len(known) > MAX_REMEMBERED:
            known.clear()
        missing = {external_id for external_id in external_ids if external_id not in known}
        if not missing:
            return
        known.update(find_ids(connection, kind, missing))
        unknown = missing - known.keys()
        if unknown and register:
            known.update(register_devices(connection, kind, unknown))

    def forget(self) -> None:
        """Start over: the connection was lost, and what answers next may be a restored database."""
        for known in self._ids.values():
            known.clear()


def find_ids(connection: psycopg.Connection, kind: DeviceKind, external_ids: Iterable[str]) -> dict[str, int]:
    """The surrogate ids of those devices that are registered."""
    query = sqlfiles.load(_PACKAGE, "find_devices").format(**_names(kind))
    return dict(connection.execute(query, {"external_ids": list(external_ids)}).fetchall())


def register_devices(connection: psycopg.Connection, kind: DeviceKind, external_ids: Iterable[str]) -> dict[str, int]:
    """Register these devices where they are not yet, with default settings; returns the surrogate ids of all."""
    wanted = list(external_ids)
    query = sqlfiles.load(_PACKAGE, "register_devices").format(**_names(kind))
    connection.execute(query, {"external_ids": wanted})
    return find_ids(connection, kind, wanted)


def _names(kind: DeviceKind) -> dict[str, Identifier]:
    return {"devices": Identifier(kind.devices), "device_id": Identifier(kind.device_id)}
