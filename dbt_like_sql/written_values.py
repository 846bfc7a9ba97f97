"""Values that people write as text: a cell of a unit test, a key on the command line.

DuckDB reads ``2.6`` as the INTEGER 3, and a DATE leaves out the time that is written behind it. Here a text is a value
of a type only where nothing of it is lost.
"""

import re
from decimal import Decimal, InvalidOperation

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+").fullmatch
_DAY = re.compile(r"[0-9]+-[0-9]{1,2}-[0-9]{1,2}|-?infinity").fullmatch
_INSTANT_OF_NO_ZONE = re.compile(r"[0-9]+-[0-9]{1,2}-[0-9]{1,2}([ T][0-9:]+(\.[0-9]{1,6})?)?|-?infinity").fullmatch
_DECIMAL = re.compile(r"DECIMAL\([0-9]+, ?([0-9]+)\)").fullmatch
_LIST = re.compile(r"\[(.*)\]", re.DOTALL).fullmatch


def keeps_all(written: str, its_type: str) -> bool:
    """Whether a type holds all that is written; whether it is a value of the type at all, DuckDB says.

    Of lists each item is looked at, within a STRUCT or MAP nothing.
    """
    its_type, written = its_type.upper(), written.strip()
    if its_type.endswith("[]"):
        items = _LIST(written)
        item_type = its_type.removesuffix("[]")
        # A text may hold a comma, a number or a day does not.
        return items is None or all(
            each.strip().lower() in ("", "null") or keeps_all(each, item_type) for each in items[1].split(",")
        )
    if its_type in INTEGERS:
        return _WHOLE_NUMBER(written) is not None
    if its_type == "DATE":
        return _DAY(written.lower()) is not None
    if its_type == "TIMESTAMP":
        return _INSTANT_OF_NO_ZONE(written) is not None
    if decimal := _DECIMAL(its_type):
        return _has_decimals(written, int(decimal[1]))
    return True


def _has_decimals(written: str, most: int) -> bool:
    try:
        exponent = Decimal(written).normalize().as_tuple().exponent
    except InvalidOperation:
        return True  # no number at all: DuckDB says so
    return isinstance(exponent, str) or -exponent <= most
