"""Devices in PostgreSQL: registered, found, their settings changed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg.sql import SQL, Identifier, Placeholder

from ingest_api.database import Connection, Row, fetch_all, fetch_one
from ingest_api.http.wire import checked_device_id
from ingest_api.registry.device_lists import find_question
from ingest_api.registry.device_schemas import SettingsChange
from ingest_api.registry.rebuild_queue import queue_hours, queue_rebuilds
from ingest_api.registry.registrar import Registrar
from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import MeterNotFoundError, TooManyDevicesError, VehicleNotFoundError
from warehouse.contract.tables import DeviceKind
from warehouse.counted import counted
from warehouse.postgres.audit.entries import entries
from warehouse.postgres.readings.device_ids import find_statement, register_statement

_READINGS = "warehouse.postgres.readings"
_IN_THE_RULE = {
    "energy_kind",
    "max_power_kw",
    "resolution_kwh",
    "rollover_kwh",
    "max_reset_kwh",
    "expected_interval_s",
}
"""The settings that decide what past readings amount to."""


async def register(
    connection: Connection, kind: DeviceKind, external_ids: Sequence[str], registrar: Registrar
) -> dict[str, int]:
    """Register these devices where they are not yet; returns the surrogate id of each.

    Raises:
        TooManyDevicesError: there is no room for all of them.
    """
    quota, token_id = registrar
    parameters = {"external_ids": list(external_ids), "registered_by": [token_id] * len(external_ids)}
    found = await (await connection.execute(find_statement(kind), parameters)).fetchall()
    if len(found) < len(external_ids):
        (count,) = await fetch_all(connection, sqlfiles.load(_READINGS, "count_registered"), {})
        new = await fetch_all(connection, sqlfiles.load(_READINGS, "count_new_devices"), {})
        new_devices = {row["registered_by"]: row["new_devices"] for row in new}.get(token_id, 0)
        wanted = len(external_ids) - len(found)
        if wanted > quota.left(count["devices"], new_devices):
            why = quota.why_full(count["devices"], new_devices, token_id)
            raise TooManyDevicesError(f"{counted(wanted, f'new {kind}')}: {why}")
        await connection.execute(register_statement(kind), parameters)
        found = await (await connection.execute(find_statement(kind), parameters)).fetchall()
    return {row["external_id"]: row[kind.device_id] for row in found}


async def change_settings(
    connection: Connection, kind: DeviceKind, external_id: str, change: SettingsChange, registrar: Registrar
) -> None:
    """Change the settings that are given; where they decide what past readings amount to, rebuilds are queued.

    Raises:
        InvalidRequestError: this can be no device's id.
        TooManyDevicesError: it is a new device, and there is no room for it.
    """
    given = change.model_dump(exclude_unset=True)
    async with connection.transaction():
        find = sqlfiles.load("ingest_api.registry", "find_device_settings").format(devices=Identifier(kind.devices))
        before = await fetch_one(connection, find, {"external_id": checked_device_id(external_id)})
        ids = await register(connection, kind, [checked_device_id(external_id)], registrar)
        if given:
            assignments = SQL(", ").join(
                SQL("{} = {}").format(Identifier(column), Placeholder(column)) for column in given
            )
            statement = sqlfiles.load("ingest_api.registry", "update_device").format(
                devices=Identifier(kind.devices), assignments=assignments
            )
            await connection.execute(statement, {**given, "external_id": external_id})
        if _IN_THE_RULE & given.keys():
            meter_ids, vehicle_ids = (list(ids.values()) if kind is each else [] for each in DeviceKind)
            reason = f"settings of {kind} {external_id} changed"
            await queue_rebuilds(connection, reason, meter_ids=meter_ids, vehicle_ids=vehicle_ids)
            await queue_hours(connection, kind, [(device_id, None) for device_id in ids.values()])
        if changes := _changes(kind, external_id, before, given):
            await connection.execute(*entries(Action.DEVICE_CHANGE, changes))


def _changes(kind: DeviceKind, external_id: str, before: Row | None, given: Mapping[str, Any]) -> list[Change]:
    """For the audit log: the settings that are others than before, of a device that is new all that were given."""
    subject = SubjectKind(kind)
    if before is None:
        return [Change(subject, external_id, None, given)]
    others = [name for name, value in given.items() if before[name] != value]
    was, is_now = ({name: each[name] for name in others} for each in (before, given))
    return [Change(subject, external_id, was, is_now)] if others else []


async def find_device(connection: Connection, kind: DeviceKind, external_id: str) -> Row:
    """The row of one device.

    Raises:
        MeterNotFoundError, VehicleNotFoundError: there is no such device.
    """
    for row in await fetch_all(connection, *find_question(kind, checked_device_id(external_id), datetime.now(UTC))):
        return row
    not_found = MeterNotFoundError if kind is DeviceKind.METER else VehicleNotFoundError
    raise not_found(f"no {kind} has the id {external_id}")
