"""``Content-Encoding``: compressed bodies decoded in bounded pieces, so that a bomb costs no memory."""

from collections.abc import Iterator
from typing import Protocol

from warehouse.decoding.compression import Compression, DamagedDataError, Decompressor, cut
from warehouse.decoding.json_bodies import MalformedBodyError

ACCEPTED = "gzip, zstd"
MAX_MEMBERS = 10_000
"""Of one body: a zstd frame takes 25 us to begin, however little it holds."""

_ZSTD_WINDOW_LOG = 23  # 8 MiB: what RFC 9659 has every receiver support and no sender exceed


class Decoder(Protocol):
    """Takes a body piece by piece."""

    @property
    def kept_bytes(self) -> int:
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
            return _Compressed(Compression.GZIP)
        case b"zstd":
            return _Compressed(Compression.ZSTD)
        case _:
            return None


class _Identity:
    kept_bytes = 0

    def decode(self, piece: bytes) -> Iterator[bytes]:
        yield from cut(piece)

    def finish(self) -> None:
        pass


_IDENTITY = _Identity()


class _Compressed:
    def __init__(self, compression: Compression) -> None:
        self._data = Decompressor(compression, zstd_window_log=_ZSTD_WINDOW_LOG, max_members=MAX_MEMBERS)

    @property
    def kept_bytes(self) -> int:
        return self._data.kept_bytes

    def decode(self, piece: bytes) -> Iterator[bytes]:
        try:
            yield from self._data.decode(piece)
        except DamagedDataError as error:
            raise _malformed(error) from None

    def finish(self) -> None:
        try:
            self._data.finish()
        except DamagedDataError as error:
            raise _malformed(error) from None


def _malformed(error: DamagedDataError) -> MalformedBodyError:
    return MalformedBodyError("malformed_encoding", f"the body is not what Content-Encoding says: {error}")
