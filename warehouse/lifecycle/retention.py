"""Retention: what the lake holds beyond doubt leaves PostgreSQL, and nothing else ever does.

A day goes when its time is over AND it was exported AND no row came in since AND its file is, byte for byte, what was
published AND the detached table still counts what the ledger says. Whatever is refused says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import psycopg

from warehouse.backup.lake_backup import LakeBackup
from warehouse.contract.partitions import PartitionState, Stream
from warehouse.lake.publish import DamagedFileError, MissingFileError, verified_or_queued
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger, day_locks
from warehouse.postgres.ledger.lake_files import find_lake_file
from warehouse.postgres.ledger.partition_figures import partition_figures
from warehouse.postgres.partitions import dropping


class Verdict(NamedTuple):
    """What became of a day whose time is over. ``why_kept`` is ``None`` where its table was dropped."""

    stream: Stream
    day: date
    why_kept: str | None

    def __str__(self) -> str:
        return f"{self.stream} of {self.day}: " + (f"kept: {self.why_kept}" if self.why_kept else "dropped")


class KeptError(Exception):
    """Why a day is not dropped"""


@dataclass(frozen=True)
class Retention:
    """How long readings stay in PostgreSQL once they are in the lake."""

    url: str
    lake: Lake
    kept_for: timedelta
    backup: LakeBackup | None = None
    """Where a backup is begun, nothing is dropped that it does not have."""

    def drop_old(self) -> Iterator[Verdict]:
        """Drop each day whose time is over, oldest first, or say why not. Safe to repeat and to kill.

        Raises:
            DatabaseUnavailableError: run it again to go on.
        """
        with connect(self.url) as connection:
            for stream, day in dropping.detached_days(connection):
                yield from self._consider(connection, stream, day)
            for stream, day in day_ledger.days_past_retention(connection, self.kept_for):
                yield from self._consider(connection, stream, day)

    def _consider(self, connection: psycopg.Connection, stream: Stream, day: date) -> Iterator[Verdict]:
        """One verdict, or none of a day that somebody else has dropped since it was found: that one has told it."""
        if day_locks.is_held(connection, day):
            yield Verdict(stream, day, "a worker or an import has the day now")
            return
        with day_locks.day_held(connection, day):
            if dropping.is_gone(connection, stream, day):
                return
            try:
                self._drop(connection, stream, day)
            except KeptError as kept:
                verdict = Verdict(stream, day, str(kept))
            else:
                verdict = Verdict(stream, day, None)
        yield verdict

    def _drop(self, connection: psycopg.Connection, stream: Stream, day: date) -> None:
        known = day_ledger.stream_day(connection, stream, day)
        if known.state != PartitionState.DROPPED:
            if known.state != PartitionState.EXPORTED:
                raise KeptError("it is not exported")
            if known.is_dirty:
                raise KeptError("rows came in since its export; it is exported again first")
            self._require_file(connection, stream, day)
            if not dropping.detach(connection, stream, day):
                raise KeptError("readers were in the way; the next time will do")
        if partition_figures(connection, stream, day) != known.figures:
            dropping.attach_again(connection, stream, day)
            raise KeptError("the table counts something else than its export; it is exported again first")
        dropping.drop_detached(connection, stream, day)

    def _require_file(self, connection: psycopg.Connection, stream: Stream, day: date) -> None:
        try:
            verified_or_queued(connection, self.lake, stream, day)
        except (MissingFileError, DamagedFileError) as error:
            raise KeptError(f"{error.detail}; a rebuild of the day is queued") from error
        file = find_lake_file(connection, stream, day)
        if self.backup and file and (why := self.backup.why_not_taken(file)):
            raise KeptError(why)
