"""Finds a device by the id that it sends."""

from collections.abc import Iterable

import psycopg

from warehouse.contract.device_rows import Device
from warehouse.contract.errors import DeviceNotKnownError
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.readings.device_ids import find_ids


def find_devices(connection: psycopg.Connection, external_id: str) -> list[Device]:
    """The devices that are called so: a meter and a vehicle may share an id."""
    found: Iterable[tuple[DeviceKind, dict[str, int]]] = (
        (kind, find_ids(connection, kind, [external_id])) for kind in DeviceKind
    )
    return [Device(kind, ids[external_id], external_id) for kind, ids in found if ids]


def find_device(connection: psycopg.Connection, external_id: str, kind: DeviceKind | None = None) -> Device:
    """The device that is called so, of this kind or of either.

    Raises:
        DeviceNotKnownError: there is none, or a meter and a vehicle are called so and no kind is named.
    """
    found = [device for device in find_devices(connection, external_id) if kind in (None, device.kind)]
    if not found:
        raise DeviceNotKnownError(f"no {kind or 'meter or vehicle'} is called {external_id}")
    if len(found) > 1:
        raise DeviceNotKnownError(f"a meter and a vehicle are called {external_id}; say which by its kind (--kind)")
    return found[0]
