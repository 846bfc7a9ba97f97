"""JSON as clients send it: decoded quickly, and what the fast decoder refuses once more, patiently.

The standard library's decoder passes what no reading may hold and what yet spoils only its own item: a number without
bounds, a lone surrogate. A byte order mark before UTF-8 is skipped, as RFC 8259 allows.
"""

import codecs
import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

_decode_quickly = msgspec.json.Decoder().decode
_decode_raw_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_UTF32 = re.compile(rb"[\t -~]\0\0\0|\0\0\0[\t -~]").match
_UTF16 = re.compile(rb"(?:[\t -~]\0){2}|(?:\0[\t -~]){2}").match
_WHITESPACE = re.compile(r"[ \t\n\r]*").match
_LONGEST_INTEGER = 400
"""Digits. No range of ours has more than ten; Python refuses to read more than 4,300."""


class MalformedBodyError(Exception):
    """The body is no JSON at all: ``code`` is ``malformed_json``, ``invalid_utf8`` or ``nested_too_deep``."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def decode(body: bytes) -> Any:
    """The value that this writes.

    Raises:
        MalformedBodyError: it is no JSON.
    """
    try:
        return _decode_quickly(body)
    except RecursionError:
        _refuse_depth()
    except ValueError:  # DecodeError, ValidationError and UnicodeDecodeError are kinds of it
        return _decode_one(_text(body))


def is_blank(line: bytes) -> bool:
    """Whether nothing is on it; a byte order mark is nothing."""
    return not line.strip() or not line.removeprefix(codecs.BOM_UTF8).strip()


def wide_encoding(start: bytes) -> str | None:
    """UTF-32 or UTF-16, where a text begins in it, by its mark or by the NULs that ASCII has there; else ``None``."""
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or _UTF32(start):
        return "UTF-32"
    is_utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _UTF16(start)
    return "UTF-16" if is_utf16 else None


def raw_items(body: bytes) -> Sequence[bytes]:
    """The items of an array as they were sent."""
    try:
        return [bytes(raw) for raw in _decode_raw_items(body)]
    except ValueError:
        return [raw.encode() for _, raw in _split(body) or ()]


def _split(body: bytes) -> list[tuple[Any, str]] | None:
    """The items of an array and their text; ``None`` where the body is no array."""
    text = _text(body)
    position = _skip_whitespace(text, 0)
    if text[position : position + 1] != "[":
        return None
    items: list[tuple[Any, str]] = []
    position = _skip_whitespace(text, position + 1)
    if text[position : position + 1] == "]":
        _require_end(text, position + 1)
        return items
    while True:
        item, end = _decode_at(text, position)
        items.append((item, text[position:end]))
        position = _skip_whitespace(text, end)
        separator = text[position : position + 1]
        if separator == "]":
            _require_end(text, position + 1)
            return items
        if separator != ",":
            raise MalformedBodyError("malformed_json", f"expected , or ] at character {position}")
        position = _skip_whitespace(text, position + 1)


def _decode_one(text: str) -> Any:
    value, end = _decode_at(text, _skip_whitespace(text, 0))
    _require_end(text, end)
    return value


def _decode_at(text: str, position: int) -> tuple[Any, int]:
    try:
        return _SLOW_DECODER.raw_decode(text, position)
    except RecursionError:
        _refuse_depth()
    except json.JSONDecodeError as error:
        raise MalformedBodyError("malformed_json", f"{error.msg} at character {error.pos}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBodyError("malformed_json", f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float("inf")


_SLOW_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_integer)


def _text(body: bytes) -> str:
    if wide := wide_encoding(body):
        raise MalformedBodyError("invalid_utf8", f"the JSON is written in {wide}; write it in UTF-8")
    try:
        return body.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBodyError("invalid_utf8", f"the body is not UTF-8 at byte {error.start}") from None


def _skip_whitespace(text: str, position: int) -> int:
    match = _WHITESPACE(text, position)
    return match.end() if match else position


def _require_end(text: str, position: int) -> None:
    if (end := _skip_whitespace(text, position)) != len(text):
        raise MalformedBodyError("malformed_json", f"unexpected characters at character {end}")


def _refuse_depth() -> NoReturn:
    raise MalformedBodyError("nested_too_deep", "the JSON is nested too deep; a reading is a flat object")
