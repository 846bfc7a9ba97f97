"""``docs/benchmarks.md`` tells what the records tell: nobody types a figure into its tables."""

import re

import pytest

from tests.benchmarks.page import PAGE, RECORDS, TABLES, rendered
from tests.benchmarks.records import read

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_command_writes() -> None:
    assert rendered(TEXT) == TEXT, "make bench-docs"


def test_every_table_is_written_by_the_command() -> None:
    by_hand = re.sub(r"<!-- begin .*?<!-- end ", "", TEXT, flags=re.S)
    assert [line for line in by_hand.splitlines() if line.startswith("|")] == []


def test_each_record_is_on_the_page() -> None:
    assert {path.stem for path in RECORDS.iterdir()} == TABLES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_each_run_says_what_it_was(name: str) -> None:
    for recorded in read(RECORDS / f"{name}.jsonl"):
        assert recorded.lines
        assert all([recorded.run.date, recorded.run.commit, recorded.run.machine])
