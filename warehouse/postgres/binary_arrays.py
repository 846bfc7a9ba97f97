"""Columns of numbers as PostgreSQL arrays in binary, built by numpy: what makes a batch cheap to bind.

psycopg's own list adapter visits each element in Python; here a whole column is one ``tobytes``. The elements cannot
be null: a missing float travels as NaN, which no valid reading holds, and SQL turns it back.
"""

import struct
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01 in microseconds since 1970: where PostgreSQL's binary timestamps begin."""


_EMPTY_HEADER, _HEADER = struct.Struct(">3i"), struct.Struct(">5i")
"""Dimensions, whether there are nulls, the elements' type; of the one dimension its size and where it begins."""


class BinaryArray:
    """One column of a batch; the subclass names its SQL type."""

    __slots__ = ("values",)
    array_oid: ClassVar[int]
    element_oid: ClassVar[int]
    element: ClassVar[np.dtype[Any]]
    """Each behind its length in bytes."""

    def __init_subclass__(cls, *, array_oid: int, element_oid: int, of: str) -> None:
        cls.array_oid, cls.element_oid = array_oid, element_oid
        cls.element = np.dtype([("length", ">i4"), ("value", of)])

    def __init__(self, values: npt.ArrayLike) -> None:
        self.values = np.asarray(values)

    def to_bytes(self) -> bytes:
        """As PostgreSQL reads it."""
        values = self._as_sent()
        if values.size == 0:
            return _EMPTY_HEADER.pack(0, 0, self.element_oid)
        elements = np.empty(values.size, self.element)
        elements["length"] = self.element["value"].itemsize
        elements["value"] = values
        return _HEADER.pack(1, 0, self.element_oid, values.size, 1) + elements.tobytes()

    def _as_sent(self) -> npt.NDArray[Any]:
        return self.values


class Int4Array(BinaryArray, array_oid=1007, element_oid=23, of=">i4"):
    """``integer[]``"""


class Float4Array(BinaryArray, array_oid=1021, element_oid=700, of=">f4"):
    """``real[]``"""


class Float8Array(BinaryArray, array_oid=1022, element_oid=701, of=">f8"):
    """``double precision[]``"""


class TimestamptzArray(BinaryArray, array_oid=1185, element_oid=1184, of=">i8"):
    """``timestamptz[]`` of microseconds since 1970"""

    def _as_sent(self) -> npt.NDArray[Any]:
        shifted: npt.NDArray[Any] = self.values - POSTGRES_EPOCH_US
        return shifted


class _BinaryArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> Buffer:
        return obj.to_bytes()


def register() -> None:
    """Teach psycopg these types, for every connection made from now on."""
    for array_type in (Int4Array, Float4Array, Float8Array, TimestamptzArray):
        dumper = type(f"{array_type.__name__}Dumper", (_BinaryArrayDumper,), {"oid": array_type.array_oid})
        psycopg.adapters.register_dumper(array_type, dumper)


register()
