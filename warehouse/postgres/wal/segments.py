"""The names of WAL segments: eight hexadecimal digits each of the timeline, of the log, and of the segment in it."""

import re

SEGMENT_BYTES = 16 * 1024 * 1024
"""As initdb makes a cluster where nobody says otherwise."""
_PER_LOG = (1 << 32) // SEGMENT_BYTES
SEGMENT_NAME_LENGTH = 24
_NAME = re.compile(r"[0-9A-F]{24}")


def is_segment(name: str) -> bool:
    """Whether it names one; the others are histories of timelines, and labels of backups."""
    return _NAME.fullmatch(name) is not None


def next_segment(name: str) -> str:
    """The one behind it, on the same timeline."""
    number = int(name[8:16], 16) * _PER_LOG + int(name[16:], 16) + 1
    return _named(int(name[:8], 16), number)


def segment_of(timeline: int, lsn: str) -> str:
    """The one that has the byte before a position such as ``1A/2B000028``: where what ends there, ends."""
    high, _, low = lsn.partition("/")
    return _named(timeline, ((int(high, 16) << 32 | int(low, 16)) - 1) // SEGMENT_BYTES)


def unbroken_after(name: str, present: set[str]) -> list[str]:
    """Those that are there behind a segment, in order, up to the first that is missing."""
    found: list[str] = []
    while (name := next_segment(name)) in present:
        found.append(name)
    return found


def _named(timeline: int, number: int) -> str:
    return f"{timeline:08X}{number // _PER_LOG:08X}{number % _PER_LOG:08X}"
