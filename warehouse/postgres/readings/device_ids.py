"""From the id a device sends to the integer the tables know it by, remembered for the life of a connection."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg.sql import Composed, Identifier

from warehouse import sqlfiles
from warehouse.contract.tables import DeviceKind

_PACKAGE = "warehouse.postgres.readings"

Registrars = Mapping[str, str | None]
"""Devices, and the id of the token that registers each; ``None``: there is none."""

MAX_REMEMBERED = 500_000
"""Ids of one kind, about 100 MB. A larger fleet is looked up again now and then; inventing ids fills no memory."""

LEARNT_AT_ONCE = 100_000
"""Of one kind, a tenth of a second."""


class DeviceIds:
    """A cache of surrogate ids. They are never changed or given to another device; of a removed one, none is valid."""

    def __init__(self) -> None:
        self._ids: dict[DeviceKind, dict[str, int]] = {kind: {} for kind in DeviceKind}

    def of(self, kind: DeviceKind) -> dict[str, int]:
        """The ids known so far. To be read, not changed."""
        return self._ids[kind]

    def look_up(self, connection: psycopg.Connection, kind: DeviceKind, external_ids: Iterable[str]) -> set[str]:
        """Learn the ids of those of these devices that are registered; returns the others."""
        known = self._ids[kind]
        if len(known) > MAX_REMEMBERED:
            known.clear()
        missing = set(external_ids).difference(known)
        if missing:
            known.update(find_ids(connection, kind, missing))
        return missing - known.keys()

    @contextmanager
    def registering(self, connection: psycopg.Connection, unknown: Mapping[DeviceKind, Registrars]) -> Iterator[None]:
        """Register these devices in a transaction that ends with the block: where it fails, they are unknown again."""
        registered: dict[DeviceKind, dict[str, int]] = {}
        try:
            with connection.transaction():
                for kind, registrars in unknown.items():
                    registered[kind] = register_devices(connection, kind, registrars)
                    self._ids[kind].update(registered[kind])
                yield
        except BaseException:
            for kind, ids in registered.items():
                for external_id in ids:
                    self._ids[kind].pop(external_id, None)
            raise

    def forget(self) -> None:
        """Look all of them up again."""
        for known in self._ids.values():
            known.clear()

    def learn(self, connection: psycopg.Connection) -> None:
        """Learn the newest devices of both kinds at once, so that the first readings of a whole fleet look none up."""
        for kind, known in self._ids.items():
            query = sqlfiles.load(_PACKAGE, "list_devices").format(**_names(kind))
            known.update(connection.execute(query, {"most": LEARNT_AT_ONCE}).fetchall())


def find_statement(kind: DeviceKind) -> Composed:
    """The statement that finds ids by ``external_ids``; the API runs it on a connection of its own."""
    return sqlfiles.load(_PACKAGE, "find_devices").format(**_names(kind))


def register_statement(kind: DeviceKind) -> Composed:
    """The statement that registers ``external_ids``, each ``registered_by`` its token; the same."""
    return sqlfiles.load(_PACKAGE, "register_devices").format(**_names(kind))


def find_ids(connection: psycopg.Connection, kind: DeviceKind, external_ids: Iterable[str]) -> dict[str, int]:
    """The surrogate ids of those devices that are registered."""
    return dict(connection.execute(find_statement(kind), {"external_ids": list(external_ids)}).fetchall())


def register_devices(connection: psycopg.Connection, kind: DeviceKind, registrars: Registrars) -> dict[str, int]:
    """Register these devices where they are not yet, with default settings; returns the surrogate ids of all."""
    parameters = {"external_ids": list(registrars), "registered_by": list(registrars.values())}
    registered: dict[str, int] = dict(connection.execute(register_statement(kind), parameters).fetchall())
    if others := registrars.keys() - registered:  # by somebody else, at the same time or before
        registered |= find_ids(connection, kind, others)
    return registered


def _names(kind: DeviceKind) -> dict[str, Identifier]:
    return {"devices": Identifier(kind.devices), "device_id": Identifier(kind.device_id)}
