"""Text of others, made safe to show: what a terminal, a mail's header or a chat would obey is written as an escape."""

import re

_OBEYED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but for tab and line feed, the second set of them too
    r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # what turns the direction of the text around it, or its lines
    r"\ud800-\udfff]"  # halves of characters: bytes that are no UTF-8, as Python keeps them; nothing can write them
)


def visible(text: str) -> str:
    """The text with each character that a terminal would obey written as an escape: ``\\x1b``, ``\\u202e``."""
    return _OBEYED.sub(_escaped, text)


def one_line(text: str, most: int | None = None) -> str:
    """The same in one line, of at most so many characters."""
    line = visible(" ".join(text.split()))
    return line if most is None or len(line) <= most else f"{line[: most - 3]}..."


def can_be_seen(text: str) -> bool:
    """Whether people see anything of it."""
    return any(character.isprintable() and not character.isspace() for character in text)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL takes it: UTF-8, without NUL characters."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    if 0xDC80 <= number <= 0xDCFF:
        number -= 0xDC00  # the byte itself
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
