"""Rows for people: every value is told from the next, and is written in words that no programming language has."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orchestration.cli.query_table import Rows, print_table, print_vertical
from orchestration.cli.terminal import NARROWEST


def test_the_lines_of_a_value_stay_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    rows = Rows([("note", "VARCHAR"), ("two\nlines", "VARCHAR")], [("first\nrow 2\n  note", "last")], is_cut_off=False)
    print_vertical(rows)
    assert capsys.readouterr().out.splitlines() == [
        "row 1",
        "  note        first",
        "              row 2",
        "                note",
        "  two\\nlines  last",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"kwh": Decimal("0.30"), "at": datetime(2026, 2, 8, tzinfo=UTC)}, "{kwh: 0.30, at: 2026-02-08T00:00:00Z}"),
        ({1.0: None, 2.5: [True, 0.1 + 0.2]}, "{1: null, 2.5: true, 0.3}"),
        (1e300, "1e+300"),
        (1e16, "1e+16"),
        (123_456_789_012_345.0, "123456789012345"),
        (-1e-7, "-1e-07"),
        ((1.0, 0.1 + 0.2), "1, 0.3"),
    ],
)
def test_a_value_is_written_in_plain_words(value: object, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_vertical(Rows([("a", "ANY")], [(value,)], is_cut_off=False))
    assert capsys.readouterr().out.splitlines() == ["row 1", f"  a  {shown}"]


@pytest.mark.parametrize("columns", ["0", "1", "19"])
def test_a_terminal_that_says_it_has_no_room_is_written_to(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    print_table(Rows([("vehicle", "VARCHAR")], [("lorry",)], is_cut_off=False))
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip(" ┃│") for line in lines if "e" in line or "o" in line] == ["vehicle", "lorry"]
    assert max(map(len, lines)) <= NARROWEST
