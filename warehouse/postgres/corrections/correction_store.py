"""Corrections in the database. One that is added queues what follows from it, in its own transaction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.audit import Action as AuditAction
from warehouse.contract.audit import Change, SubjectKind
from warehouse.contract.corrections import INSTANT, Action
from warehouse.contract.device_rows import Device
from warehouse.contract.errors import DeviceNotKnownError, NothingToCorrectError
from warehouse.contract.partitions import utc_day
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.audit.entries import record
from warehouse.postgres.corrections.wanted import WantedCorrection
from warehouse.postgres.device_data.named_device import find_device

_PACKAGE = "warehouse.postgres.corrections"


@dataclass(frozen=True)
class StoredCorrection:
    """A word on the readings of ``[starts_at, ends_at)`` of a device, by the id that it sends."""

    correction_id: int
    device: str
    kind: str
    """Of a ``DeviceKind``."""
    starts_at: datetime
    ends_at: datetime
    action: str
    """Of an ``Action``."""
    kwh: float | None
    why: str
    who: str
    made_at: datetime

    @property
    def is_of_one(self) -> bool:
        """Whether it is about a single reading."""
        return self.ends_at - self.starts_at == INSTANT

    def record(self) -> dict[str, Any]:
        """All of it, as programs are shown it: what is about a single reading has no end."""
        said = asdict(self)
        ends_at = said.pop("ends_at")
        until = None if self.is_of_one else ends_at
        return {"id": said.pop("correction_id"), "from": said.pop("starts_at"), "to": until, **said}


class Corrected(NamedTuple):
    """What became of a wanted correction."""

    correction: StoredCorrection
    is_new: bool
    """Whether it was added: the same again, with nothing said in between, is not."""
    reading_count: int
    """Readings that it is about, as far as PostgreSQL has them."""
    days: Sequence[date]
    """That are built again, or for the first time, for what is said; days that are not over follow by themselves."""


def correct_readings(connection: psycopg.Connection, wanted: WantedCorrection) -> Corrected:
    """Add a correction, in one transaction. The same as the last one of these readings changes nothing.

    Raises:
        InvalidRequestError: it says not what it needs, or too much.
        DeviceNotKnownError: there is no such device, or there are two.
        NothingToCorrectError: no reading is there, or nothing that could be taken back.
    """
    wanted.require_valid(datetime.now(UTC))
    device = find_device(connection, wanted.device, wanted.kind)
    said = _parameters(device, wanted)
    with connection.transaction():
        _hold(connection, device, said)
        readings = _count_readings(connection, device, said)
        last = _find_last(connection, said)
        if last is not None and _is_same(last, said):
            return Corrected(last, is_new=False, reading_count=readings, days=[])
        _require_something(connection, device, wanted, said, readings, last)
        ((correction_id,),) = connection.execute(sqlfiles.load(_PACKAGE, "add_correction"), said).fetchall()
        connection.execute(sqlfiles.load(_PACKAGE, "queue_device_hours"), said)
        queue = sqlfiles.load(_PACKAGE, "queue_corrected_days").format(**_names(device.kind))
        days = [day for (day,) in connection.execute(queue, said).fetchall()]
        (added,) = _listed(connection, device, after=correction_id - 1, limit=1)
        change = Change(SubjectKind(device.kind.value), device.external_id, after=_told(added))
        record(connection, AuditAction.READING_CORRECT, change)
    return Corrected(added, is_new=True, reading_count=readings, days=days)


def list_corrections(
    connection: psycopg.Connection,
    external_id: str | None = None,
    kind: DeviceKind | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[StoredCorrection]:
    """Corrections in the order of their making, of all devices or of one. ``after``: the id of the last one known.

    Raises:
        DeviceNotKnownError: there is no such device, or there are two.
    """
    device = None if external_id is None else find_device(connection, external_id, kind)
    return _listed(connection, device, after, limit)


def _told(added: StoredCorrection) -> dict[str, Any]:
    """What the audit log says of it beside whose readings they are and who said so."""
    return {name: value for name, value in added.record().items() if name not in {"device", "kind", "who", "made_at"}}


def _listed(
    connection: psycopg.Connection, device: Device | None, after: int, limit: int | None
) -> list[StoredCorrection]:
    asked = {
        "kind": device.kind.value if device else None,
        "device_id": device.device_id if device else None,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(StoredCorrection)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_corrections"), asked).fetchall()


def _parameters(device: Device, wanted: WantedCorrection) -> dict[str, Any]:
    return {
        "kind": device.kind.value,
        "device_id": device.device_id,
        "device": device.external_id,
        "stream": device.kind.readings.value,
        "starts_at": wanted.starts_at,
        "ends_at": wanted.end,
        "first_day": utc_day(wanted.starts_at),
        "last_day": utc_day(wanted.end - INSTANT),
        "action": wanted.action.value,
        "kwh": wanted.stored_kwh,
        "why": wanted.why,
        "who": wanted.who,
        "reason": f"readings of {device} were corrected",
    }


def _hold(connection: psycopg.Connection, device: Device, said: dict[str, Any]) -> None:
    """Say on the device that it has corrections, and keep others from correcting it until the transaction ends."""
    query = sqlfiles.load(_PACKAGE, "change_corrected_until").format(**_names(device.kind))
    if connection.execute(query, said).rowcount == 0:
        raise DeviceNotKnownError(f"{device} was removed")


def _count_readings(connection: psycopg.Connection, device: Device, said: dict[str, Any]) -> int:
    query = sqlfiles.load(_PACKAGE, "count_readings").format(**_names(device.kind))
    ((count,),) = connection.execute(query, said).fetchall()
    return int(count)


def _find_last(connection: psycopg.Connection, said: dict[str, Any]) -> StoredCorrection | None:
    """The last word on any of these readings."""
    with connection.cursor(row_factory=class_row(StoredCorrection)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "find_last_correction"), said).fetchone()


def _is_same(last: StoredCorrection, said: dict[str, Any]) -> bool:
    return all(getattr(last, name) == said[name] for name in ("starts_at", "ends_at", "action", "kwh"))


def _require_something(
    connection: psycopg.Connection,
    device: Device,
    wanted: WantedCorrection,
    said: dict[str, Any],
    readings: int,
    last: StoredCorrection | None,
) -> None:
    """What a dropped day has only the lake knows: there anything may be corrected."""
    if wanted.action is Action.RESTORE and last is None:
        raise NothingToCorrectError(f"no reading of {device} was corrected then: there is nothing to take back")
    if readings == 0 and not connection.execute(sqlfiles.load(_PACKAGE, "find_dropped_day"), said).fetchone():
        when = "at that instant" if wanted.ends_at is None else "from then until then"
        raise NothingToCorrectError(f"{device} has no reading {when}")


def _names(kind: DeviceKind) -> dict[str, Identifier]:
    return {
        "devices": Identifier(kind.devices),
        "device_id": Identifier(kind.device_id),
        "readings": Identifier(kind.readings),
    }
