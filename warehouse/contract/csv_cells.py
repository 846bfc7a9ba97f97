"""Texts in CSV that a spreadsheet opens: none of them may become a formula.

A cell that begins with ``=``, ``+``, ``-`` or ``@`` is computed by spreadsheets, whatever quotes are around it, and may
then send other cells away. An apostrophe before it has it shown as text.
"""

_BEGINNINGS = frozenset(
    "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
_IN_FRONT = frozenset("\t\r\n")
"""A spreadsheet leaves these out, and looks at what comes behind them."""
_AS_TEXT = "'"


def shown_text(text: str) -> str:
    """The text as a cell that is shown, and never computed."""
    return f"{_AS_TEXT}{text}" if _could_be_computed(text.lstrip(_AS_TEXT)) else text


def read_text(cell: str) -> str:
    """What ``shown_text`` was given."""
    return cell.removeprefix(_AS_TEXT) if _could_be_computed(cell.lstrip(_AS_TEXT)) else cell


def _could_be_computed(text: str) -> bool:
    return text[:1] in _IN_FRONT or text.lstrip()[:1] in _BEGINNINGS if text else False
