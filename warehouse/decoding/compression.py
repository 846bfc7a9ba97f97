"""Compressed data decoded in bounded pieces: of a bomb no more is in memory at a time than of anything else.

It may be several gzip members or zstd frames, one after another, as the tools that write them do. Where it is damaged,
whatever can be decoded before the damage is handed out first.
"""

import sys
import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 64 * 1024

_GZIP_WINDOW_BITS = 15
_GZIP_HEADER = 16  # added to the window's size it asks zlib for gzip instead of its own format
_ZSTD_STEP_BYTES = 4 * 1024
_ZSTD_CHECKSUM_BYTES = 4
_ZSTD_MAGICS = (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16)))
"""Of a frame, and of the sixteen kinds of frames that hold nothing for us."""


class Compression(StrEnum):
    """How data is compressed."""

    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def magics(self) -> tuple[bytes, ...]:
        """What it may begin with."""
        return (b"\x1f\x8b",) if self is Compression.GZIP else _ZSTD_MAGICS


class DamagedDataError(Exception):
    """It cannot be decompressed further; the text is for people"""


class _Member(Protocol):
    def decode(self, data: bytes) -> Iterator[bytes]: ...

    def rest(self) -> bytes | None:
        """What follows the member; ``None`` where it has not ended yet."""


class Decompressor:
    """Takes data piece by piece: members or frames, one after another, each with a decompressor of its own."""

    def __init__(
        self,
        compression: Compression,
        *,
        zstd_window_log: int,
        max_members: int | None = None,
        zero_padded: bool = False,
    ) -> None:
        """``zstd_window_log``: a frame that needs a larger window (2 to this power, bytes) is refused.

        ``max_members``: no more of them are decoded. ``zero_padded``: NULs behind a member are nothing, as for gzip(1).
        """
        self._compression = compression
        self._zstd_window_log = zstd_window_log
        self._max_members = max_members
        self._zero_padded = zero_padded
        self._window_bits = _GZIP_WINDOW_BITS if compression is Compression.GZIP else zstd_window_log
        self._begun = 0
        self._member: _Member | None = None
        self._first_bytes = b""
        self.kept_bytes = 0
        """How much memory it keeps from piece to piece."""

    def decode(self, piece: bytes) -> Iterator[bytes]:
        """What this piece holds, in pieces of at most ``PIECE_BYTES``.

        Raises:
            DamagedDataError: it is not what it should be.
        """
        for part in cut(piece):  # what is left over by each member is copied: many small ones in a large piece add up
            yield from self._decode(part)

    def finish(self) -> None:
        """The data is over.

        Raises:
            DamagedDataError: it ended in the middle.
        """
        if self._begun == 0:
            raise DamagedDataError("there is nothing in it")
        if self._member is not None:
            raise DamagedDataError(
                f"the {self._compression} data ends in the middle" if self._is_member() else self._something_else()
            )

    def _decode(self, rest: bytes | None) -> Iterator[bytes]:
        while rest:
            if self._member is None:
                if self._zero_padded and self._begun and not (rest := rest.lstrip(b"\0")):
                    return
                self._member = self._next_member()
            self._first_bytes += rest[: 4 - len(self._first_bytes)]
            try:
                for decoded in self._member.decode(rest):
                    self.kept_bytes = min(self.kept_bytes + len(decoded), 2**self._window_bits)
                    yield decoded
            except (zlib.error, zstd.ZstdError) as error:
                raise DamagedDataError(self._what_is_wrong(str(error))) from None
            rest = self._member.rest()
            if rest is not None:
                self._member = None

    def _next_member(self) -> _Member:
        self._begun += 1
        self._first_bytes = b""
        if self._max_members is not None and self._begun > self._max_members:
            raise DamagedDataError(f"there are more than {self._max_members} members or frames")
        return _GzipMember() if self._compression is Compression.GZIP else _ZstdFrame(self._zstd_window_log)

    def _is_member(self) -> bool:
        return any(magic.startswith(self._first_bytes[: len(magic)]) for magic in self._compression.magics)

    def _something_else(self) -> str:
        return f"something else follows the {self._compression} data" if self._begun > 1 else "it is something else"

    def _what_is_wrong(self, error: str) -> str:
        if not self._is_member():
            return self._something_else()
        if "too much memory" in error:
            return f"the zstd data needs a window of more than {2**self._zstd_window_log} bytes"
        if "data check" in error or "length check" in error or "checksum" in error:
            return f"the {self._compression} data does not fit its checksum"
        return f"the {self._compression} data is damaged"


def cut(piece: bytes) -> Iterator[bytes]:
    """The piece in pieces of at most ``PIECE_BYTES``."""
    for start in range(0, len(piece), PIECE_BYTES):
        yield piece[start : start + PIECE_BYTES]


class _GzipMember:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_HEADER + _GZIP_WINDOW_BITS)

    def decode(self, data: bytes) -> Iterator[bytes]:
        is_full = False  # a full piece may leave more inside than it leaves of the data
        while (data or is_full) and not self._zlib.eof:
            before = self._zlib.copy()  # an error takes with it whatever the same call had decoded: 4 us for all of it
            try:
                decoded = self._zlib.decompress(data, PIECE_BYTES)
            except zlib.error:
                self._zlib = before
                yield from self._decode_up_to_the_damage(data)
                raise
            yield decoded
            data = self._zlib.unconsumed_tail
            is_full = len(decoded) == PIECE_BYTES

    def _decode_up_to_the_damage(self, data: bytes) -> Iterator[bytes]:
        step = len(data)
        while step and data:
            ahead = self._zlib.copy()
            try:
                decoded = ahead.decompress(data[:step], PIECE_BYTES)
            except zlib.error:
                step //= 2
                continue
            yield decoded
            data = ahead.unconsumed_tail + data[step:]
            self._zlib = ahead

    def rest(self) -> bytes | None:
        return self._zlib.unused_data if self._zlib.eof else None


class _ZstdFrame:
    def __init__(self, window_log: int) -> None:
        self._zstd = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: window_log})
        self._unread = b""

    def decode(self, data: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(data) and not self._zstd.eof:
            # In small steps, and what may be the checksum by itself: an error takes with it what its step had decoded.
            left = len(data) - position
            size = min(_ZSTD_STEP_BYTES, left - _ZSTD_CHECKSUM_BYTES) if left > _ZSTD_CHECKSUM_BYTES else left
            yield self._zstd.decompress(data[position : position + size], PIECE_BYTES)
            while not (self._zstd.needs_input or self._zstd.eof):
                yield self._zstd.decompress(b"", PIECE_BYTES)
            position += size
        self._unread = data[position:]

    def rest(self) -> bytes | None:
        return self._zstd.unused_data + self._unread if self._zstd.eof else None
