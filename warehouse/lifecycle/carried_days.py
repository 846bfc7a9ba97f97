"""What a day carries on to the next one, and that the next one is made again where it is something else now."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl
import psycopg

from warehouse.lake.publish import is_file_intact
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.gaps import Gaps
from warehouse.lifecycle.pipeline_files import Made, published, written_aside
from warehouse.lifecycle.restatement_words import named
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import LakeFile, days_with_files, find_lake_file
from warehouse.postgres.ledger.lake_locks import lock_carrying


class Beside(NamedTuple):
    """What the steps of a day and of the next one have of each other, besides what each carries on to itself."""

    reads: Sequence[str] = ()
    """What another step of the day before carried on; of each the last day that has it."""
    read_by: Sequence[str] = ()
    """What is made last by each step of the next day that reads what is carried here."""


ALONE = Beside()


@dataclass(frozen=True)
class CarriedDay:
    """A day of datasets that go on from day to day. The last of them is published last: with it the day is there."""

    datasets: Mapping[str, str]
    """Their names, and what each holds, in words."""
    day: date
    before: Mapping[str, LakeFile]
    """What the last day before this one carries; empty where there is none."""
    gaps: Gaps
    beside: Beside

    @staticmethod
    def of(
        connection: psycopg.Connection, datasets: Mapping[str, str], day: date, gaps: Gaps, beside: Beside
    ) -> "CarriedDay":
        """A day, and what was carried into it as it is now, its hashes checked.

        Raises:
            MissingFileError, DamagedFileError: it is not there as it was published; a rebuild of its day is queued.
        """
        before = _carried_into(connection, list(datasets), day, gaps.is_gap, gaps.is_stepped_over, beside)
        return CarriedDay(datasets, day, before, gaps, beside)

    def locations(self, lake: Lake) -> dict[str, str]:
        """Where what was carried lies."""
        return {name: lake.location(file) for name, file in self.before.items()}

    def changed(self, connection: psycopg.Connection, lake: Lake, written: Mapping[str, Path]) -> set[str]:
        """Which datasets are something else now (``written``) than what later days know."""
        is_there = self.day in days_with_files(connection, list(self.datasets)[-1])
        return {name for name in self.datasets if self._differs(connection, lake, name, written[name], is_there)}

    def confirm(self, transaction: psycopg.Connection, name: str, changed: Collection[str]) -> None:
        """Queue what has to be made again, this day or the one after it, as a dataset is published.

        ``changed``: which datasets of the day are something else now; each has the next day queued with all of them in
        the reason, since the last one is kept. So does the last dataset, with which the day is there: until then the
        next one may be made from a day before.
        """
        # One at a time: else a day and the one after it could be made beside each other and neither see the other.
        lock_carrying(transaction)
        gaps = self.gaps.is_known, self.gaps.is_stepped_over
        now = _carried_into(transaction, list(self.datasets), self.day, *gaps, self.beside)
        is_overtaken = _identities(now) != _identities(self.before)
        if is_overtaken:
            day_ledger.request_build(transaction, self.day, "a day before it carries on something else now")
            changed = self.datasets  # the next day may have gone on from that
        is_last = name == list(self.datasets)[-1]
        if name in changed or (is_last and changed):
            what = named(list(dict.fromkeys(words for each, words in self.datasets.items() if each in changed)))
            for each in sorted(self._next_days(transaction)):
                day_ledger.request_build(transaction, each, f"it goes on from {what} of {self.day}, which changed")
        if is_last:
            self.gaps.register(transaction, name, self.day)

    def _next_days(self, connection: psycopg.Connection) -> set[date]:
        """The next day that has these datasets, and the next that has what is made of them: mostly the same one."""
        ends = [list(self.datasets)[-1], *self.beside.read_by]
        later = ([each for each in days_with_files(connection, end) if each > self.day] for end in ends)
        return {days[0] for days in later if days}

    def _differs(self, connection: psycopg.Connection, lake: Lake, name: str, written: Path, is_there: bool) -> bool:
        # Of a day that was only begun later days know nothing, though some of its datasets have a file.
        own = find_lake_file(connection, name, self.day) if is_there else None
        known = own or self.before.get(name)
        if known is None:
            return not pl.read_parquet(written).is_empty()
        if not is_file_intact(lake, known):
            return True
        return not pl.read_parquet(lake.location(known)).equals(pl.read_parquet(written), null_equal=True)


def make_carrying(
    connection: psycopg.Connection,
    lake: Lake,
    day: date,
    datasets: Sequence[str],
    carries: Mapping[str, str],
    write: Callable[[Mapping[str, str], Mapping[str, Path]], Mapping[str, int]],
    gaps: Gaps,
    beside: Beside = ALONE,
) -> tuple[Made, ...]:
    """Make these datasets of a day in one step, and publish them in this order. Whoever calls holds the day.

    ``carries``: which of them go on into the next day (the last of ``datasets`` among them, last), and what each holds,
    in words. ``write(carried, targets)``: gets by dataset where the files of the day before lie, and where each new one
    goes, and returns the rows of each; among what it gets is what it reads of another step (``beside``). ``gaps``: none
    yet, or those that ``write`` meets; the last dataset tells them.

    Raises:
        MissingFileError, DamagedFileError: what was carried is not there as it was published, and can be rebuilt.
        LakeFullError: they cannot be written.
    """
    carried = CarriedDay.of(connection, carries, day, gaps, beside)
    with ExitStack() as stack:
        targets = {name: stack.enter_context(written_aside(lake, name, day)) for name in datasets}
        rows = write(carried.locations(lake), targets)
        changed = carried.changed(connection, lake, targets)

        def publish(name: str) -> Made:
            file = (connection, lake, name, day, targets[name], rows[name])
            if name not in carries:
                return published(*file)
            return published(*file, partial(carried.confirm, name=name, changed=changed))

        made = [publish(name) for name in datasets]
        return (*made[:-1], made[-1]._replace(gaps=gaps.words()))


def _carried_into(
    connection: psycopg.Connection,
    datasets: Sequence[str],
    day: date,
    is_gap: Callable[[LakeFile], bool],
    is_stepped_over: bool,
    beside: Beside,
) -> dict[str, LakeFile]:
    files = _carried(connection, datasets, day, is_gap, is_stepped_over)
    for name in beside.reads:
        files |= _carried(connection, [name], day, is_gap, is_stepped_over=True)
    return files


def _carried(
    connection: psycopg.Connection,
    datasets: Sequence[str],
    day: date,
    is_gap: Callable[[LakeFile], bool],
    is_stepped_over: bool,
) -> dict[str, LakeFile]:
    """Of each dataset the file of the last day before this one; of the one before that, where it is a gap and gaps are
    stepped over. A day that lacks a dataset carries none.
    """
    days = [each for each in reversed(days_with_files(connection, datasets[-1])) if each < day]
    if not is_stepped_over:
        days = days[:1]

    def newest(name: str) -> LakeFile | None:
        files = (find_lake_file(connection, name, each) for each in days)
        return next((file for file in files if file is None or not is_gap(file)), None)

    return {name: file for name in datasets if (file := newest(name))}


def _identities(files: Mapping[str, LakeFile]) -> dict[str, tuple[date, bytes]]:
    return {name: (file.day, file.sha256) for name, file in files.items()}
