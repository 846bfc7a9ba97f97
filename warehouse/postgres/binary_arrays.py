"""Columns of numbers as PostgreSQL arrays in binary, built by numpy: what makes a batch cheap to bind.

psycopg's own list adapter visits each element in Python; here a whole column is one ``tobytes``. The elements cannot
be null: a missing float travels as NaN, which no valid reading holds, and SQL turns it back.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01 in microseconds since 1970: where PostgreSQL's binary timestamps begin."""


class BinaryArray:
    """One column of a batch; the subclass names its SQL type."""

    __slots__ = ("values",)
    array_oid: ClassVar[int]
    element_oid: ClassVar[int]
    element: ClassVar[str]

    def __init__(self, values: npt.ArrayLike) -> None:
        self.values = np.asarray(values, dtype=self.element)


class Int4Array(BinaryArray):
    """``integer[]``"""

    array_oid, element_oid, element = 1007, 23, ">i4"


class Float4Array(BinaryArray):
    """``real[]``"""

    array_oid, element_oid, element = 1021, 700, ">f4"


class Float8Array(BinaryArray):
    """``double precision[]``"""

    array_oid, element_oid, element = 1022, 701, ">f8"


class TimestamptzArray(BinaryArray):
    """``timestamptz[]`` of microseconds since 1970"""

    array_oid, element_oid, element = 1185, 1184, ">i8"


class _BinaryArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> Buffer:
        values = obj.values - POSTGRES_EPOCH_US if isinstance(obj, TimestamptzArray) else obj.values
        if values.size == 0:
            return np.array([0, 0, obj.element_oid], dtype=">i4").tobytes()
        header = np.array([1, 0, obj.element_oid, values.size, 1], dtype=">i4")
        elements = np.empty(values.size, dtype=[("length", ">i4"), ("value", obj.element)])
        elements["length"] = values.dtype.itemsize
        elements["value"] = values
        return header.tobytes() + elements.tobytes()


def register() -> None:
    """Teach psycopg these types, for every connection made from now on."""
    for array_type in (Int4Array, Float4Array, Float8Array, TimestamptzArray):
        dumper = type(f"{array_type.__name__}Dumper", (_BinaryArrayDumper,), {"oid": array_type.array_oid})
        psycopg.adapters.register_dumper(array_type, dumper)


register()
