"""Removes devices that never reported again and of which nothing is left: inventions, typing errors, scrapped ones.

A device stays whose readings are in PostgreSQL or in the lake, for they would be nobody's; and one that a mapping
speaks of, for somebody meant it. Whoever stores a reading of a removed device registers it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import polars as pl
import psycopg

from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import FleetwattError
from warehouse.contract.tables import DeviceKind
from warehouse.lake.publish import verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.later_days import LAST_SAMPLES
from warehouse.postgres.audit.entries import record
from warehouse.postgres.ledger.lake_files import days_with_files
from warehouse.postgres.readings.silent_devices import (
    SilentDevice,
    delete_devices,
    lock_latest,
    silent_devices,
    with_readings,
)

LEAST_DAYS = 9
"""A device's hours are kept for eight days: of one that is silent for longer there are none."""
_AT_ONCE = 1000
"""Removed in one transaction."""


class DeviceInUseError(FleetwattError):
    """A device was used while it was to be removed"""

    code = "device_in_use"


@dataclass
class Pruning:
    """What may be removed, and how many silent devices stay, by kind and reason."""

    removable: list[SilentDevice] = field(default_factory=list)
    kept: dict[tuple[DeviceKind, str], int] = field(default_factory=dict)


def look(connection: psycopg.Connection, lake: Lake, before: datetime) -> Pruning:
    """Which devices were registered before this instant, have not reported since, and have nothing left.

    Raises:
        MissingFileError, DamagedFileError: a file of the lake that tells is not what was published.
    """
    pruning = Pruning()
    for kind in DeviceKind:
        silent = {
            device.device_id: (device, is_mapped) for device, is_mapped in silent_devices(connection, kind, before)
        }
        why: dict[int, str] = {device_id: "mapped" for device_id, (_, is_mapped) in silent.items() if is_mapped}
        in_postgres = with_readings(connection, kind, [each for each in silent if each not in why])
        why |= dict.fromkeys(in_postgres, "readings in PostgreSQL")
        in_lake = _in_the_lake(connection, lake, kind, silent.keys() - why.keys())
        why |= dict.fromkeys(in_lake, "readings in the lake")
        for reason in sorted(set(why.values())):
            pruning.kept[kind, reason] = sum(each == reason for each in why.values())
        pruning.removable += [device for device_id, (device, _) in silent.items() if device_id not in why]
    return pruning


def remove(connection: psycopg.Connection, devices: Sequence[SilentDevice], before: datetime) -> int:
    """Remove those of these devices (found by ``look``) that are still silent; returns how many. In autocommit.

    Raises:
        DeviceInUseError: one was mapped or reported for the first time at this very moment; look again.
    """
    removed = 0
    for kind in DeviceKind:
        device_ids = iter([device.device_id for device in devices if device.kind is kind])
        while some := list(islice(device_ids, _AT_ONCE)):
            try:
                with connection.transaction():
                    removed += _remove_some(connection, kind, some, before)
            except psycopg.errors.ForeignKeyViolation as error:
                raise DeviceInUseError(f"{removed:,} were removed until then; run it again") from error
    return removed


def _remove_some(connection: psycopg.Connection, kind: DeviceKind, device_ids: list[int], before: datetime) -> int:
    lock_latest(connection, kind, device_ids)
    silent = {
        device.device_id: device
        for device, is_mapped in silent_devices(connection, kind, before, device_ids)
        if not is_mapped
    }
    gone = sorted(silent.keys() - with_readings(connection, kind, list(silent)))
    removed = delete_devices(connection, kind, gone)
    record(connection, Action.DEVICE_PRUNE, *(_gone(silent[device_id]) for device_id in gone))
    return removed


def _gone(device: SilentDevice) -> Change:
    was = {"registered_at": device.registered_at, "last_reading_at": device.last_ts}
    return Change(SubjectKind(device.kind), device.external_id, was, None)


def _in_the_lake(connection: psycopg.Connection, lake: Lake, kind: DeviceKind, device_ids: set[int]) -> set[int]:
    """Those that any exported day has readings of; the last samples of a day tell, where it has them."""
    found: set[int] = set()
    with_samples = set(days_with_files(connection, LAST_SAMPLES))
    for day in sorted(with_samples.union(days_with_files(connection, kind.readings))):
        if not device_ids - found:
            break
        if day in with_samples:
            samples = pl.read_parquet(verified_file(connection, lake, LAST_SAMPLES, day), hive_partitioning=False)
            seen = samples.filter(pl.col("kind") == kind.value)["device_id"]
        else:
            readings = pl.scan_parquet(verified_file(connection, lake, kind.readings, day), hive_partitioning=False)
            seen = readings.select(pl.col(kind.device_id).unique()).collect().to_series()
        found |= device_ids.intersection(seen.to_list())
    return found
