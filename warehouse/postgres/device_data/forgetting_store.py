"""What is to be forgotten, how far that is, and what the fleet's sums keep of it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.device_rows import Device, stand_in_of
from warehouse.contract.tables import DeviceKind
from warehouse.counted import counted
from warehouse.postgres.audit.entries import record

_PACKAGE = "warehouse.postgres.device_data"
_LOCK = (0x666F7267, 1)
"""'forg' in ASCII, and what is locked of it: the keys of an advisory lock."""


@dataclass(frozen=True)
class Forgetting:
    """A device that is being forgotten. Once it is, only the hash tells which one it was."""

    forgetting_id: int
    subject_hash: str
    kind: str
    external_id: str | None
    device_id: int | None
    before_day: date | None
    requested_at: datetime
    done_at: datetime | None
    day_count: int
    waiting_day_count: int

    @property
    def device(self) -> Device | None:
        """Which device; ``None`` where it is forgotten and only the disk is to be swept."""
        if self.external_id is None or self.device_id is None:
            return None
        return Device(DeviceKind(self.kind), self.device_id, self.external_id)

    def __str__(self) -> str:
        """For ``status``, which names nobody."""
        since = f"a {self.kind} ({self.subject_hash[:12]}) is half forgotten since {self.requested_at:%Y-%m-%d %H:%M}Z"
        if self.done_at:
            left = "what it left on the disk is still to be swept"
        else:
            left = f"{self.waiting_day_count} of {counted(self.day_count, 'day')} are to be made again"
        return f"{since}: {left}; fleetwatt forget --resume goes on"


def begin_forgetting(
    connection: psycopg.Connection,
    device: Device,
    subject_hash: str,
    before: date | None,
    days: Iterable[date],
    energies_kwh: Mapping[date, float],
) -> int:
    """Note what is to be forgotten, the days to be made again, and what the fleet's sums lose; in one transaction."""
    subject = {
        "subject_hash": subject_hash,
        "kind": device.kind.value,
        "external_id": device.external_id,
        "device_id": device.device_id,
        "before_day": before,
    }
    with connection.transaction():
        ((forgetting_id,),) = _execute(connection, "add_forgetting", **subject).fetchall()
        made_again = _execute(connection, "add_forgetting_days", forgetting_id=forgetting_id, days=list(days)).rowcount
        lost = {"days": list(energies_kwh), "energies_kwh": list(energies_kwh.values())}
        _execute(connection, "add_forgotten_energy", kind=device.kind.value, **lost)
        # By what stands for it from now on: nothing must say which device it was.
        after = {"before_day": before, "days_to_make_again": made_again}
        change = Change(SubjectKind(device.kind), stand_in_of(subject_hash), None, after)
        record(connection, Action.DEVICE_FORGET, change)
    return int(forgetting_id)


@contextmanager
def forgetting_held(connection: psycopg.Connection) -> Iterator[None]:
    """One process forgets at a time. Waits; ends with the connection at the latest."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", _LOCK)
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


def add_days(connection: psycopg.Connection, forgetting_id: int, days: Iterable[date]) -> int:
    """Have these days made again too, or once more; returns how many they are."""
    return _execute(connection, "add_forgetting_days", forgetting_id=forgetting_id, days=list(days)).rowcount


def unfinished_forgettings(connection: psycopg.Connection) -> list[Forgetting]:
    """What is not done with, oldest first."""
    with connection.cursor(row_factory=class_row(Forgetting)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_unfinished_forgettings")).fetchall()


def days_of(connection: psycopg.Connection, forgetting_id: int, *, made_too: bool) -> list[date]:
    """The days that are to be made again, or all that were too, oldest first."""
    found = _execute(connection, "list_forgetting_days", forgetting_id=forgetting_id, made_too=made_too)
    return [day for (day,) in found]


def mark_day_made(connection: psycopg.Connection, forgetting_id: int, day: date) -> None:
    """Note that a day was made again and released."""
    _execute(connection, "mark_day_made", forgetting_id=forgetting_id, day=day)


def end_forgetting(connection: psycopg.Connection, forgetting_id: int) -> None:
    """Forget which device it was."""
    _execute(connection, "end_forgetting", forgetting_id=forgetting_id)


def mark_swept(connection: psycopg.Connection) -> None:
    """Note that the disk has nothing any more of what is forgotten."""
    _execute(connection, "mark_swept")


def _execute(connection: psycopg.Connection, name: str, **parameters: object) -> psycopg.Cursor:
    return connection.execute(sqlfiles.load(_PACKAGE, name), parameters)
