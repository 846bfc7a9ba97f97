"""``Content-Encoding``: compressed bodies decoded in bounded pieces, so that a bomb costs no memory.

A body may be several gzip members or zstd frames, one after another, as the tools that write them do.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from warehouse.json_bodies import MalformedBodyError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ACCEPTED = "gzip, zstd"
PIECE_BYTES = 64 * 1024
MAX_MEMBERS = 10_000
"""Of one body: a zstd frame takes 25 us to begin, however little it holds."""

_GZIP_WINDOW_BITS = 15
_GZIP_HEADER = 16  # added to the window's size it asks zlib for gzip instead of its own format
_ZSTD_WINDOW_LOG = 23  # 8 MiB: what RFC 9659 has every receiver support and no sender exceed


class Decoder(Protocol):
    """Takes a body piece by piece."""

    kept_bytes: int
    """How much memory it keeps from piece to piece."""

    def decode(self, piece: bytes) -> Iterator[bytes]:
        """What this piece of the body holds, in pieces of at most ``PIECE_BYTES``.

        Raises:
            MalformedBodyError: it is not in the encoding.
        """

    def finish(self) -> None:
        """The body is over.

        Raises:
            MalformedBodyError: it ended in the middle.
        """


def decoder_of(encoding: bytes) -> Decoder | None:
    """The decoder of a ``Content-Encoding`` (empty: there was none); ``None`` where it is not understood."""
    if not encoding:
        return _IDENTITY
    match encoding.strip().lower():
        case b"identity":
            return _IDENTITY
        case b"gzip" | b"x-gzip":  # the same, says RFC 9110
            return _Members(_GzipMember, 2**_GZIP_WINDOW_BITS)
        case b"zstd":
            return _Members(_ZstdFrame, 2**_ZSTD_WINDOW_LOG)
        case _:
            return None


class _Identity:
    kept_bytes = 0

    def decode(self, piece: bytes) -> Iterator[bytes]:
        yield from _cut(piece)

    def finish(self) -> None:
        pass


_IDENTITY = _Identity()


class _GzipMember:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_HEADER + _GZIP_WINDOW_BITS)

    def decode(self, data: bytes) -> Iterator[bytes]:
        is_full = False  # a full piece may leave more inside than it leaves of the data
        while (data or is_full) and not self._zlib.eof:
            decoded = self._zlib.decompress(data, PIECE_BYTES)
            yield decoded
            data = self._zlib.unconsumed_tail
            is_full = len(decoded) == PIECE_BYTES

    def rest(self) -> bytes | None:
        """What follows the member; ``None`` where it has not ended yet."""
        return self._zlib.unused_data if self._zlib.eof else None


class _ZstdFrame:
    def __init__(self) -> None:
        self._zstd = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})

    def decode(self, data: bytes) -> Iterator[bytes]:
        yield self._zstd.decompress(data, PIECE_BYTES)
        while not (self._zstd.needs_input or self._zstd.eof):
            yield self._zstd.decompress(b"", PIECE_BYTES)

    def rest(self) -> bytes | None:
        """What follows the frame; ``None`` where it has not ended yet."""
        return self._zstd.unused_data if self._zstd.eof else None


class _Members:
    """Members or frames, one after another, each with a decompressor of its own."""

    def __init__(self, begin: Callable[[], _GzipMember | _ZstdFrame], window_bytes: int) -> None:
        self.kept_bytes = 0
        self._window_bytes = window_bytes
        self._begin = begin
        self._begun = 0
        self._member: _GzipMember | _ZstdFrame | None = None

    def decode(self, piece: bytes) -> Iterator[bytes]:
        for part in _cut(piece):  # what is left over by each member is copied: many small ones in a large piece add up
            yield from self._decode(part)

    def finish(self) -> None:
        if self._member is not None or self._begun == 0:
            raise MalformedBodyError("malformed_encoding", "the compressed body ends in the middle")

    def _decode(self, rest: bytes | None) -> Iterator[bytes]:
        while rest:
            self._member = self._member or self._next_member()
            try:
                for decoded in self._member.decode(rest):
                    self.kept_bytes = min(self.kept_bytes + len(decoded), self._window_bytes)
                    yield decoded
            except (zlib.error, zstd.ZstdError):
                raise MalformedBodyError("malformed_encoding", "the body is not what Content-Encoding says") from None
            rest = self._member.rest()
            if rest is not None:
                self._member = None

    def _next_member(self) -> _GzipMember | _ZstdFrame:
        self._begun += 1
        if self._begun > MAX_MEMBERS:
            raise MalformedBodyError("malformed_encoding", f"the body has more than {MAX_MEMBERS} members or frames")
        return self._begin()


def _cut(piece: bytes) -> Iterator[bytes]:
    for start in range(0, len(piece), PIECE_BYTES):
        yield piece[start : start + PIECE_BYTES]
