"""What one day carries on to the next, when several workers make days, and one of them is killed between two files."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.carried_days import make_carrying
from warehouse.lifecycle.gaps import Gaps
from warehouse.postgres.ledger.lake_files import find_lake_file

FIRST, SECOND, THIRD = (date(2026, 2, 8) + timedelta(days=number) for number in range(3))
CARRIES = {"counts": "counts", "names": "names"}
"""Datasets of a step; the last of them says that a day is there."""


class KilledError(Exception):
    """The worker is gone"""


class Days:
    """Days whose two datasets have a row each. What a day adds to what it goes on from is told when it is made."""

    def __init__(self, connection: psycopg.Connection, lake: Lake) -> None:
        self.connection = connection
        self.lake = lake

    def make(
        self,
        day: date,
        count: int | None = None,
        meanwhile: Callable[[], object] = lambda: None,
        before_the_last: Callable[[], object] = lambda: None,
    ) -> None:
        """``count``: of the day; as it was carried where it is ``None``. ``meanwhile``: what others do while it is
        made, ``before_the_last``: when all but the last dataset is published.
        """

        def write(carried: Mapping[str, str], targets: Mapping[str, Path]) -> dict[str, int]:
            known = pl.read_parquet(carried["counts"])["value"][0] if "counts" in carried else 0
            pl.DataFrame({"value": [known if count is None else count]}).write_parquet(targets["counts"])
            pl.DataFrame({"value": ["the same"]}).write_parquet(targets["names"])
            meanwhile()
            return _Rows(before_the_last)

        make_carrying(self.connection, self.lake, day, list(CARRIES), CARRIES, write, Gaps(self.connection, self.lake))

    def count(self, day: date) -> int:
        """What a day carries on."""
        file = find_lake_file(self.connection, "counts", day)
        assert file is not None
        return int(pl.read_parquet(self.lake.location(file))["value"][0])

    def queued(self) -> set[date]:
        """Which days are to be made again; afterwards none is."""
        found = self.connection.execute("DELETE FROM day_builds RETURNING day").fetchall()
        return {day for (day,) in found}


class _Rows(dict[str, int]):
    """How many rows each dataset has. Who asks for those of the last is about to publish it."""

    def __init__(self, before_the_last: Callable[[], object]) -> None:
        super().__init__(dict.fromkeys(CARRIES, 1))
        self.before_the_last = before_the_last

    def __getitem__(self, name: str) -> int:
        if name == "names":
            self.before_the_last()
        return super().__getitem__(name)


@pytest.fixture
def days(connection: psycopg.Connection, tmp_path: Path) -> Days:
    return Days(connection, Lake(tmp_path / "lake"))


def test_a_day_that_carries_on_something_else_has_the_next_one_queued(days: Days) -> None:
    for day in (FIRST, SECOND, THIRD):
        days.make(day, 1 if day == FIRST else None)
    assert days.queued() == set()
    days.make(FIRST, 2)
    assert days.queued() == {SECOND}
    days.make(SECOND)
    assert days.queued() == {THIRD}


def test_the_next_day_is_queued_though_its_worker_was_killed_before_a_new_day_was_there(days: Days) -> None:
    days.make(FIRST, 1)
    days.make(THIRD)

    def killed() -> None:
        raise KilledError

    with pytest.raises(KilledError):
        days.make(SECOND, 2, before_the_last=killed)
    assert THIRD in days.queued()
    days.make(THIRD)
    assert days.count(THIRD) == 1, "the second day is not there yet"
    days.make(SECOND, 2)
    assert days.queued() == {THIRD}
    days.make(THIRD)
    assert days.count(THIRD) == 2


def test_the_next_day_is_queued_again_when_a_new_day_is_there(days: Days) -> None:
    """Between its two files somebody makes the next day, from the day before."""
    days.make(FIRST, 1)
    days.make(THIRD)
    days.queued()

    def others() -> None:
        assert days.queued() == {THIRD}
        days.make(THIRD)
        assert days.count(THIRD) == 1

    days.make(SECOND, 2, before_the_last=others)
    assert days.queued() == {THIRD}


def test_what_the_next_day_took_from_the_day_before_is_put_right_when_a_new_day_was_overtaken(days: Days) -> None:
    """The day before changes while a day between it and the next is made for the first time, and that one went on."""
    days.make(FIRST, 1)
    days.make(THIRD)
    days.queued()

    def others() -> None:
        days.make(FIRST, 2)
        assert days.queued() == {THIRD}
        days.make(THIRD)

    days.make(SECOND, 1, meanwhile=others)
    assert days.count(THIRD) == 2
    assert days.queued() == {SECOND, THIRD}
    days.make(SECOND, 1)
    days.make(THIRD)
    assert days.count(THIRD) == 1
