"""From the id a device sends to the integer the tables know it by, remembered for the life of a connection."""

from collections.abc import Iterable

import psycopg
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.tables import DeviceKind

_PACKAGE = "warehouse.postgres"

MAX_REMEMBERED = 500_000
"""Ids of one kind, about 100 MB. A larger fleet is looked up again now and then; inventing ids fills no memory."""

LEARNT_AT_ONCE = 100_000
"""Of one kind, a tenth of a second."""


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
        missing = set(external_ids).difference(known)
        if not missing:
            return
        known.update(find_ids(connection, kind, missing))
        unknown = missing - known.keys()
        if unknown and register:
            known.update(register_devices(connection, kind, unknown))

    def learn(self, connection: psycopg.Connection) -> None:
        """Learn the newest devices of both kinds at once, so that the first readings of a whole fleet look none up."""
        for kind, known in self._ids.items():
            query = sqlfiles.load(_PACKAGE, "list_devices").format(**_names(kind))
            known.update(connection.execute(query, {"most": LEARNT_AT_ONCE}).fetchall())


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
