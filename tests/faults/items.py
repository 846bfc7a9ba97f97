"""How many items a body holds, by the standard library alone: what the product's accounts are checked against."""

import json
import zlib
from codecs import BOM_UTF8
from typing import Any, NoReturn

from tests.faults.readings import Shape

_SPACE = " \t\r\n"
_GZIP = 16 + zlib.MAX_WBITS  # asks zlib for gzip instead of its own format
_LONGEST_INTEGER = 4000  # Python refuses to read longer ones


class UndecodableError(Exception):
    """The body is no JSON"""


def count_items(body: bytes, shape: Shape) -> int:
    """The items of a body: an array's, a stream's lines that are not blank; anything else is one item.

    Raises:
        UndecodableError: it is no JSON.
    """
    if shape is Shape.LINES:
        return sum(bool(line.strip()) for line in body.split(b"\n"))
    value = _decoded(body.removeprefix(BOM_UTF8))
    return len(value) if isinstance(value, list) else 1


def unzipped(body: bytes) -> bytes:
    """What a body in gzip holds.

    Raises:
        UndecodableError: it is no gzip, or not whole.
    """
    decoded = b""
    while body:
        member = zlib.decompressobj(_GZIP)
        try:
            decoded += member.decompress(body)
        except zlib.error as error:
            raise UndecodableError from error
        if not member.eof:
            raise UndecodableError
        body = member.unused_data
    return decoded


def is_array(body: bytes) -> bool:
    """Whether a body that is JSON is an array."""
    return body.removeprefix(BOM_UTF8).lstrip(_SPACE.encode()).startswith(b"[")


def is_json(text: bytes) -> bool:
    """Whether it can be an item of an array without spoiling its neighbours."""
    try:
        _decoded(text)
    except UndecodableError:
        return False
    return True


def _decoded(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise UndecodableError from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> float:
    return float(digits[:_LONGEST_INTEGER])


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer)
