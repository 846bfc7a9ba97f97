"""What a terminal would obey is shown, and not obeyed; numbers that JSON does not have are null."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from orchestration.cli.query_output import without_infinity
from orchestration.cli.terminal import Terminal
from warehouse.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ü 漢 😀\tand\nlines", "plain, ü 漢 😀\tand\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("gone\rback\b", "gone\\x0dback\\x08"),
        ("\x9b31m", "\\x9b31m"),
        ("\x00\x7f\x85", "\\x00\\x7f\\x85"),
        ("abc\u202ecba\u2066", "abc\\u202ecba\\u2066"),
        ("line\u2028line", "line\\u2028line"),
        ("m\udcfcller", "m\\xfcller"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_what_is_obeyed_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_console_writes_styles_of_its_own_alone() -> None:
    out = io.StringIO()
    console = Terminal(file=out, force_terminal=True, markup=False, highlight=False, width=200, color_system="standard")
    table = Table("na\x1b[5mme")
    table.add_row("ce\x1b[2Jll")
    console.print(table)
    console.print(Text("wo\x1b[2Jrd", style="bold"))
    console.print("li\x1b[2Jne\n", style="red")
    for escape in ("\x1b[5m", "\x1b[2J"):
        assert escape not in out.getvalue()
    assert out.getvalue().count("\\x1b[2J") == 3
    assert "\x1b[31m" in out.getvalue()


@pytest.mark.parametrize(
    ("row", "written"),
    [
        (b'\t{"a":1.5,"t":"NaN"},\n', b'\t{"a":1.5,"t":"NaN"},\n'),
        (b'{"a":Infinity,"b":-Infinity,"c":NaN}\n', b'{"a":null,"b":null,"c":null}\n'),
        (b'{"a":[1.0,Infinity],"s":{"x":NaN}}', b'{"a":[1.0,null],"s":{"x":null}}'),
        (b'{"In\\"finity: NaN":NaN,"t":"a \\\\"}', b'{"In\\"finity: NaN":null,"t":"a \\\\"}'),
    ],
)
def test_what_json_has_no_number_for_is_null(row: bytes, written: bytes) -> None:
    assert without_infinity(row) == written
