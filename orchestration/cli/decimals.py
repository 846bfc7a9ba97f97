"""Numbers of a query as CSV and JSON have them: nine decimals, without the last bits of float64 sums."""

from collections.abc import Sequence

DECIMALS = 9
"""A thousandth of what the energy rule tolerates, in kWh. A sum of registers is right to fewer."""
_LEAST, _MOST = 1e-6, 1e6
"""What is smaller is shown as it is, or it would be 0; of what is larger so many decimals are not in a float64."""


def with_decimals(select: str, columns: Sequence[tuple[str, str]]) -> str:
    """The SELECT with its columns of DOUBLE (name and type) rounded; those within lists and structs are not."""
    if all(kind != "DOUBLE" for _, kind in columns):
        return select
    wanted = [
        f"CASE WHEN abs(#{place}) >= {_LEAST} AND abs(#{place}) < {_MOST} THEN round(#{place}, {DECIMALS}) "
        f"ELSE #{place} END AS {_quoted(name)}"
        if kind == "DOUBLE"
        else f"#{place} AS {_quoted(name)}"
        for place, (name, kind) in enumerate(columns, start=1)  # by number: two may have the same name
    ]
    return f"SELECT {', '.join(wanted)} FROM (\n{select}\n)"  # noqa: S608 - the question of who runs it


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
