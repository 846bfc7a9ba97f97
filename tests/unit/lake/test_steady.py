"""Files that are replaced while a question is asked: it is asked again, and what is no fault of theirs is not."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from warehouse.lake.paths import Lake
from warehouse.lake.steady import MOST_TRIES, LakeInFluxError, asked_steadily

DAY = date(2026, 2, 8)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    for dataset in ("marts", "reports"):
        replace(lake, dataset)
    return lake


def replace(lake: Lake, dataset: str, day: date = DAY) -> None:
    """Publish another version, of the same size and within the same moment."""
    with lake.aside(dataset, day) as written:
        written.write_bytes(b"content")
        target = lake.file(dataset, day)
        target.parent.mkdir(parents=True, exist_ok=True)
        written.replace(target)


class Asked:
    """A question during which the first so many times a file is replaced."""

    def __init__(self, lake: Lake, replaced: int, *, dataset: str = "marts", fails: bool = False) -> None:
        self.times = 0
        self._lake, self._replaced, self._dataset, self._fails = lake, replaced, dataset, fails

    def __call__(self) -> int:
        self.times += 1
        if self.times <= self._replaced:
            replace(self._lake, self._dataset)
            if self._fails:
                raise duckdb.IOException("the footer of another file")
        return self.times


def test_an_answer_from_files_that_do_not_change_is_given_at_once(lake: Lake) -> None:
    assert asked_steadily(lake, ["marts"], Asked(lake, 0)) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_asked_while_a_file_was_replaced_is_asked_again(lake: Lake, fails: bool) -> None:
    assert asked_steadily(lake, ["reports", "marts"], Asked(lake, 3, fails=fails)) == 4


def test_a_day_that_is_published_meanwhile_is_in_the_answer_or_not_but_not_in_half(lake: Lake) -> None:
    asked = Asked(lake, 0)

    def ask() -> int:
        if asked() == 1:
            replace(lake, "marts", date(2026, 2, 9))
        return asked.times

    assert asked_steadily(lake, ["marts"], ask) == 2


def test_files_that_are_not_asked_about_may_be_replaced(lake: Lake) -> None:
    assert asked_steadily(lake, ["marts"], Asked(lake, 3, dataset="reports")) == 1


def test_an_error_that_no_file_is_to_blame_for_is_told_at_once(lake: Lake) -> None:
    with pytest.raises(duckdb.ParserException):
        asked_steadily(lake, ["marts"], lambda: duckdb.connect().execute("SELEC 1"))


def test_a_lake_that_never_stops_changing_is_said_so(lake: Lake) -> None:
    asked = Asked(lake, 1000)
    with pytest.raises(LakeInFluxError, match="marts"):
        asked_steadily(lake, ["marts"], asked)
    assert asked.times == MOST_TRIES
