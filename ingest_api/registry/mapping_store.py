"""Mappings in PostgreSQL: planned against those that are current, opened, ended."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ingest_api.database import Connection, Row, fetch_all, fetch_one
from ingest_api.registry.device_store import register
from ingest_api.registry.mapping_plan import SINCE_ALWAYS, MappingPlan, MeterMapping
from ingest_api.registry.mapping_schemas import NewMapping
from ingest_api.registry.rebuild_queue import queue_hours, queue_rebuilds
from ingest_api.registry.registrar import Registrar
from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import MappingNotFoundError
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.audit.entries import entries


async def map_vehicles(
    connection: Connection, new_mappings: Sequence[NewMapping], registrar: Registrar
) -> tuple[list[MeterMapping], int]:
    """The mappings that then hold, in the order of the request, and how many of them are new.

    Raises:
        MappingOverlapError: two would hold for one vehicle at a time.
        TooManyDevicesError: there is no room for the devices that are new.
    """
    vehicle_ids = sorted({new.vehicle_id for new in new_mappings})
    meter_ids = sorted({new.meter_id for new in new_mappings})
    # Meters first, as ingest does: whoever registers both waits for the other, and never the other way round too.
    meters = await register(connection, DeviceKind.METER, meter_ids, registrar)
    vehicles = await register(connection, DeviceKind.VEHICLE, vehicle_ids, registrar)
    await fetch_all(connection, sqlfiles.load("ingest_api.registry", "lock_vehicles"), {"vehicle_ids": vehicle_ids})
    stored = await fetch_all(
        connection,
        sqlfiles.load("ingest_api.registry", "find_mappings"),
        {"vehicle_ids": vehicle_ids, "meter_ids": meter_ids},
    )
    plan = MappingPlan.on((MeterMapping(**row) for row in stored), _now())
    mappings = [plan.add(new.vehicle_id, new.meter_id, new.valid_from) for new in new_mappings]
    await _close(connection, plan.closed)
    await _open(connection, plan.opened, vehicles, meters)
    if plan.opened:
        since = min(mapping.valid_from for mapping in plan.opened)
        await queue_rebuilds(connection, "mappings of vehicles changed", vehicle_ids=vehicles.values(), since=since)
        # What has been so since always, and is, cuts no hour in two: a fleet that reports already is mapped at no cost.
        cuts = [each for each in plan.opened if each.valid_from > SINCE_ALWAYS or each.valid_to]
        await queue_hours(
            connection, DeviceKind.VEHICLE, [(vehicles[each.vehicle_id], each.valid_from) for each in cuts]
        )
        await connection.execute(*entries(Action.MAPPING_CREATE, _changes(plan)))
    return mappings, len(plan.opened)


def _changes(plan: MappingPlan) -> list[Change]:
    """For the audit log, of each mapping that is new: the one that it ends, and what it is."""
    closed = {(each.vehicle_id, each.valid_to): _kept(each) | {"valid_to": None} for each in plan.closed}
    return [
        Change(SubjectKind.VEHICLE, each.vehicle_id, closed.get((each.vehicle_id, each.valid_from)), _kept(each))
        for each in plan.opened
    ]


def _kept(mapping: MeterMapping) -> dict[str, Any]:
    """What the audit log keeps of a mapping."""
    return {
        "mapping_id": mapping.mapping_id,
        "meter_id": mapping.meter_id,
        "valid_from": mapping.valid_from,
        "valid_to": mapping.valid_to,
    }


async def _close(connection: Connection, closed: Sequence[MeterMapping]) -> None:
    parameters = {
        "mapping_ids": [mapping.mapping_id for mapping in closed],
        "valid_tos": [mapping.valid_to for mapping in closed],
    }
    await connection.execute(sqlfiles.load("ingest_api.registry", "close_mappings"), parameters)


async def _open(
    connection: Connection, opened: Sequence[MeterMapping], vehicles: dict[str, int], meters: dict[str, int]
) -> None:
    parameters = {
        "vehicle_ids": [vehicles[mapping.vehicle_id] for mapping in opened],
        "meter_ids": [meters[mapping.meter_id] for mapping in opened],
        "valid_froms": [mapping.valid_from for mapping in opened],
        "valid_tos": [mapping.valid_to for mapping in opened],
    }
    rows = await fetch_all(connection, sqlfiles.load("ingest_api.registry", "open_mappings"), parameters)
    stored = {(row["vehicle_id"], row["valid_from"]): row["mapping_id"] for row in rows}
    for mapping in opened:
        mapping.mapping_id = stored[vehicles[mapping.vehicle_id], mapping.valid_from]


async def find_mappings(connection: Connection, asked: Mapping[str, Any]) -> list[MeterMapping]:
    """In the order of their making; asked for by ``vehicle_id``, ``meter_id``, ``after`` (an id) and ``limit``."""
    rows = await fetch_all(connection, sqlfiles.load("ingest_api.registry", "list_mappings"), asked)
    return [MeterMapping(**row) for row in rows]


async def end_now(connection: Connection, mapping_id: int) -> MeterMapping:
    """End a mapping now, or remove it where it has not begun.

    Raises:
        MappingNotFoundError: there is none with this id.
    """
    find = sqlfiles.load("ingest_api.registry", "find_mapping")
    found: Row | None = await fetch_one(connection, find, {"mapping_id": mapping_id})
    if found is None:
        raise MappingNotFoundError(f"no mapping has the id {mapping_id}")
    mapping = MeterMapping(**found)
    now, before = _now(), _kept(mapping)
    after: dict[str, Any] | None = None
    if mapping.valid_from >= now:
        await connection.execute(sqlfiles.load("ingest_api.registry", "delete_mapping"), {"mapping_id": mapping_id})
        mapping.valid_to = mapping.valid_from
    elif mapping.valid_to is None or mapping.valid_to > now:
        mapping.valid_to = now
        after = _kept(mapping)
        await _close(connection, [mapping])
    else:
        return mapping
    change = Change(SubjectKind.VEHICLE, mapping.vehicle_id, before, after)
    await connection.execute(*entries(Action.MAPPING_END, [change]))
    return mapping


def _now() -> datetime:
    """The present, to the millisecond: as precise as it is written in the answer, so that it can be sent back."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
