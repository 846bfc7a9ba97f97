"""Devices that have not reported for long, as PostgreSQL knows them, and how they are removed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.tables import DeviceKind


class SilentDevice(NamedTuple):
    """A device that has not reported for long, or never."""

    kind: DeviceKind
    device_id: int
    external_id: str
    registered_at: datetime
    last_ts: datetime | None


def silent_devices(
    connection: psycopg.Connection, kind: DeviceKind, before: datetime, device_ids: Sequence[int] | None = None
) -> Iterator[tuple[SilentDevice, bool]]:
    """Those (of these) registered before this instant that have not reported since, and whether one is mapped."""
    asked = None if device_ids is None else list(device_ids)
    found = _execute(connection, kind, "list_silent_devices", before=before, device_ids=asked)
    for *device, is_mapped in found:
        yield SilentDevice(kind, *device), is_mapped


def with_readings(connection: psycopg.Connection, kind: DeviceKind, device_ids: Sequence[int]) -> set[int]:
    """Those of these devices that have readings in PostgreSQL."""
    found = _execute(connection, kind, "list_devices_with_readings", device_ids=list(device_ids))
    return {device_id for (device_id,) in found}


def lock_latest(connection: psycopg.Connection, kind: DeviceKind, device_ids: Sequence[int]) -> None:
    """Have whoever stores a reading of these devices wait until the transaction ends."""
    _execute(connection, kind, "lock_latest", device_ids=list(device_ids))


def delete_devices(connection: psycopg.Connection, kind: DeviceKind, device_ids: Sequence[int]) -> int:
    """Remove these devices and their current state; returns how many there were.

    Raises:
        psycopg.errors.ForeignKeyViolation: something speaks of one of them.
    """
    _execute(connection, kind, "delete_latest", device_ids=list(device_ids))
    return _execute(connection, kind, "delete_devices", device_ids=list(device_ids)).rowcount


def _execute(connection: psycopg.Connection, kind: DeviceKind, name: str, **parameters: Any) -> psycopg.Cursor[Any]:
    query = sqlfiles.load("warehouse.postgres.readings", name).format(
        devices=Identifier(kind.devices),
        device_id=Identifier(kind.device_id),
        latest=Identifier(kind.latest),
        readings=Identifier(kind.readings),
    )
    return connection.execute(query, parameters)
