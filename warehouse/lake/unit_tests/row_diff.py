"""How the rows that came out differ from those expected, as lines for people: row under row, changed cells marked.

         vehicle_id | rated_day_count | ac_kwh
expected 1          | 2               | 10.5
got      1          | 3               | 10.5
                      ^
missing  2          | 0               |
"""

from collections.abc import Callable, Sequence
from math import isclose, isnan
from typing import Any

from dbt_like_sql.unit_tests.row_table import aligned
from warehouse.lake.compare import NOISE

Values = tuple[Any, ...]


def difference(
    columns: Sequence[str],
    key: Sequence[str],
    expected: Sequence[Values],
    got: Sequence[Values],
    as_cells: Callable[[Values], list[str]],
) -> list[str]:
    """Lines that say what differs; none where nothing does. Rows are paired by ``key``, where ``columns`` have it."""
    missing, extra = _unequal(expected, got)
    changed = _pairs(columns, key, missing, extra)
    if not (changed or missing or extra):
        return []
    shown = list(range(len(columns)))
    if not (missing or extra):  # only what tells the rows apart, and what differs
        differing = {place for pair in changed for place in _differing(*pair)}
        shown = [place for place, column in enumerate(columns) if column in key or place in differing]
    lines: list[tuple[str, list[str]]] = [("", list(columns))]
    for pair in changed:
        lines += [("expected", as_cells(pair[0])), ("got", as_cells(pair[1]))]
        marks = _differing(*pair)
        lines.append(("^", ["^" if place in marks else "" for place in range(len(columns))]))
    lines += [("missing", as_cells(row)) for row in missing]
    lines += [("extra", as_cells(row)) for row in extra]
    table = aligned([cells[place] for place in shown] for _, cells in lines)
    return [
        (" " * 9 + row.replace("|", " ") if word == "^" else f"{word:<8} {row}").rstrip()
        for (word, _), row in zip(lines, table, strict=True)
    ]


def _unequal(expected: Sequence[Values], got: Sequence[Values]) -> tuple[list[Values], list[Values]]:
    """What is left of both when each expected row has taken one that is the same."""
    missing, extra = [], list(got)
    for row in expected:
        for index, other in enumerate(extra):
            if not _differing(row, other):
                del extra[index]
                break
        else:
            missing.append(row)
    return missing, extra


def _pairs(
    columns: Sequence[str], key: Sequence[str], missing: list[Values], extra: list[Values]
) -> list[tuple[Values, Values]]:
    """Rows that are meant to be the same; they are taken out of both lists. Without a key: in order."""
    places = [columns.index(each) for each in key] if set(key) <= set(columns) else []
    pairs = []
    for row in list(missing):
        found = next((other for other in extra if all(row[place] == other[place] for place in places)), None)
        if found is not None:
            pairs.append((row, found))
            missing.remove(row)
            extra.remove(found)
    return pairs


def _differing(expected: Values, got: Values) -> set[int]:
    """The places of the values that are not the same."""
    return {place for place, (one, other) in enumerate(zip(expected, got, strict=True)) if not _is_same(one, other)}


def _is_same(expected: Any, got: Any) -> bool:
    """Numbers of float64 by what that may lose, within lists too: sums depend on the order of terms."""
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        return len(expected) == len(got) and all(map(_is_same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(_is_same(expected[each], got[each]) for each in expected)
    if isinstance(expected, int) and isinstance(got, int):
        return expected == got  # ids and counts, however large
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return isclose(expected, got, rel_tol=NOISE, abs_tol=NOISE) or (isnan(expected) and isnan(got))
    return bool(expected == got)
