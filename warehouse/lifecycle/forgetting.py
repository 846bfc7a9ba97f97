"""Forgets a device: looked at first, then taken out of PostgreSQL, and of the lake day by day. Safe to kill anywhere.

Nothing is cut out of what was computed: the readings go, and every day from the first one that knew the device is made
again from what is left, in order, so that nothing that one day carries into the next brings it back. What the fleet's
sums lose is kept by day, of all that were forgotten together.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

import psycopg

from warehouse import sqlfiles
from warehouse.contract.device_rows import Device
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import PartitionState
from warehouse.counted import counted
from warehouse.lake.device_rows import HeldFile, energy_of, files_with_rows, write_without
from warehouse.lake.publish import verified_file
from warehouse.lake.views import start_engine
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.lake_upkeep import READERS_END_WITHIN
from warehouse.lifecycle.pipeline_files import published, working_on, written_aside
from warehouse.lifecycle.replaced_versions import remove_replaced
from warehouse.postgres.device_data.erasing import erase_readings, erase_rows
from warehouse.postgres.device_data.forgetting_store import (
    Forgetting,
    add_days,
    begin_forgetting,
    days_of,
    mark_day_made,
)
from warehouse.postgres.device_data.held_rows import count_rows, tables_with_devices
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.day_locks import making_many_days
from warehouse.postgres.ledger.lake_files import (
    LakeFile,
    list_current_files,
    list_unseen_files,
    list_versions,
    withdraw_dataset_day,
)

ENERGY = "hourly_energy"
SETTINGS_STAY = (
    "meters",
    "vehicles",
    "vehicle_meter_map",
    "devices",
    "mapped_devices",
    "accepted_losses",
    "reading_corrections",
    "restatements",
)
"""What may speak of a device before a day of which only the time before was forgotten: it is still there itself."""
_ROUNDS = 3
_PACKAGE = "warehouse.postgres.device_data"
Say = Callable[[str], None]


class StillThereError(FleetwattError):
    """The device is not forgotten yet"""

    code = "not_forgotten_yet"


@dataclass
class Held:
    """What is held of a device: rows by table, the files that have some, and the days that are to be made again."""

    tables: dict[str, int] = field(default_factory=dict)
    files: list[HeldFile] = field(default_factory=list)
    days: list[date] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For people, who decide by it."""
        for table, rows in self.tables.items():
            yield f"PostgreSQL, {table}: {counted(rows, 'row')}"
        days = sorted({each.file.day for each in self.files})
        if days:
            datasets = {each.file.dataset for each in self.files}
            of_device = counted(sum(each.rows for each in self.files), "row")
            files = f"{counted(len(self.files), 'file')} of {counted(len(datasets), 'dataset')}, all versions"
            yield f"the lake: {of_device} in {files}, {days[0]} to {days[-1]}"
        yield f"{counted(len(self.days), 'day')} of the lake would be made again, one after the other"


@dataclass(frozen=True)
class Forgetter:
    """Forgets devices, with the pipeline that makes days."""

    pipeline: DailyPipeline
    say: Say
    readers_end_within: timedelta = READERS_END_WITHIN

    def look(
        self, connection: psycopg.Connection, device: Device, before: date | None, *, by_name: bool = True
    ) -> Held:
        """What is held of a device, of the time before a day or at all. Nothing is changed.

        ``by_name``: also what only the id tells that it sends.
        """
        tables = {
            table: count_rows(connection, device, table, before, by_name=by_name) for table in tables_with_devices()
        }
        held = self._held_files(device, before, list_versions(connection), by_name=by_name)
        current = {file.day for file in list_current_files(connection)}
        first = min((each.file.day for each in held), default=None)
        days = sorted(day for day in current if first is not None and day >= first)
        return Held({table: rows for table, rows in tables.items() if rows}, held, days)

    def begin(
        self, connection: psycopg.Connection, device: Device, held: Held, subject_hash: str, before: date | None
    ) -> None:
        """Note what is to be done, and what the fleet's sums lose by it: from here on it can be gone on with."""
        current = list_current_files(connection, [ENERGY])
        with start_engine(self.pipeline.lake.spill) as engine:
            energies = {
                each.file.day: energy_of(engine, self.pipeline.lake.location(each.file), device)
                for each in held.files
                if each.file in current
            }
        begin_forgetting(connection, device, subject_hash, before, held.days, energies)

    def go_on(self, connection: psycopg.Connection, forgetting: Forgetting, device: Device, stand_in: str) -> None:
        """Take the device out of PostgreSQL and of the lake, from wherever that was left.

        Raises:
            StillThereError: something of it is left; what, is said.
            StillReadError: somebody reads what it is to be removed from.
            CheckFailedError, MissingFileError, DamagedFileError: a day cannot be made again; put that right first.
        """
        before = forgetting.before_day
        self._erase(connection, device, stand_in, before)
        with making_many_days(connection):
            for _ in range(_ROUNDS):
                for day in days_of(connection, forgetting.forgetting_id, made_too=False):
                    self._make_again(connection, device, day, before)
                    mark_day_made(connection, forgetting.forgetting_id, day)
                # A day that another worker made meanwhile went on from one that was not made again yet.
                if not (again := self._days_with_rows(connection, device, before)):
                    break
                add_days(connection, forgetting.forgetting_id, again)
        days = days_of(connection, forgetting.forgetting_id, made_too=True)
        removed = remove_replaced(connection, self.pipeline.lake, days, self.readers_end_within)
        self.say(
            f"{counted(removed, 'replaced file')} removed: what was read of these days before is not kept any more"
        )
        self._erase(connection, device, stand_in, before)  # what a release of an old build brought back
        self._require_nothing(connection, device, before)

    def _erase(self, connection: psycopg.Connection, device: Device, stand_in: str, before: date | None) -> None:
        erase_rows(connection, device, stand_in, before)
        for day, rows in erase_readings(connection, device, before):
            self.say(f"{day}: {counted(rows, 'reading')} removed from PostgreSQL")

    def _make_again(self, connection: psycopg.Connection, device: Device, day: date, before: date | None) -> None:
        if before is None or day < before:
            self._rewrite_dropped(device, day)
        for file in list_current_files(connection, day=day):
            if file.dataset not in self.pipeline.catalog.models:  # nothing makes it any more
                withdraw_dataset_day(connection, file.dataset, day)
        day_ledger.request_build(connection, day, f"a {device.kind} was forgotten")
        self.pipeline.run(day)
        if list_unseen_files(connection, self.pipeline.catalog.models, day):
            raise StillThereError(f"another run of {day} is under way; once it is done: fleetwatt forget --resume")
        self.say(f"{day}: made again without it")

    def _rewrite_dropped(self, device: Device, day: date) -> None:
        """Of a day that PostgreSQL no longer has the lake's file is all there is: it is written without the device."""
        stream, lake = device.kind.readings, self.pipeline.lake
        with working_on(self.pipeline.url, day) as connection:
            if day_ledger.stream_day(connection, stream, day).state != PartitionState.DROPPED:
                return
            location = verified_file(connection, lake, stream, day)
            with written_aside(lake, stream, day) as target, start_engine(lake.spill) as engine:
                figures = write_without(engine, stream, location, device, target)

                def confirm(transaction: psycopg.Connection) -> None:
                    parameters = {**asdict(figures), "stream": stream, "day": day}
                    transaction.execute(sqlfiles.load(_PACKAGE, "change_dropped_figures"), parameters)

                published(connection, lake, stream, day, target, figures.row_count, confirm)

    def _held_files(
        self, device: Device, before: date | None, files: Iterable[LakeFile], *, by_name: bool
    ) -> list[HeldFile]:
        asked = (file for file in files if before is None or (file.day < before and file.dataset not in SETTINGS_STAY))
        with start_engine(self.pipeline.lake.spill) as engine:
            return list(files_with_rows(engine, self.pipeline.lake, asked, device, by_name=by_name))

    def _days_with_rows(self, connection: psycopg.Connection, device: Device, before: date | None) -> list[date]:
        """The days from the first one on whose current files still have rows of it."""
        current = list_current_files(connection)
        held = self._held_files(device, before, current, by_name=False)
        first = min((each.file.day for each in held), default=None)
        return sorted({file.day for file in current if first is not None and file.day >= first})

    def _require_nothing(self, connection: psycopg.Connection, device: Device, before: date | None) -> None:
        held = self.look(connection, device, before, by_name=False)  # who reports again has the same name
        tables = [table for table in held.tables if table != "forgettings"]
        files = [f"{each.file.dataset} of {each.file.day}" for each in held.files]
        if tables or files:
            raise StillThereError(
                f"rows of it are left in {', '.join([*tables, *files][:5])}; fleetwatt forget --resume"
            )
