"""Files of readings as chunks of lines, whatever they are written in: NDJSON, plain, gzip or zstd, or Parquet.

A row of Parquet becomes the line it would have been as NDJSON, so one validation serves both, and what it refuses is
kept in the same form. What a file is, its first bytes say, not its name.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from warehouse.contract.errors import FleetwattError
from warehouse.decoding.compression import Compression, DamagedDataError, Decompressor
from warehouse.decoding.json_bodies import MalformedBodyError, decode, is_blank
from warehouse.decoding.line_chunks import LineChunks
from warehouse.lake.foreign_files import HEAD_BYTES, what_else
from warehouse.lake.parquet_process import DamagedParquetError, read_parquet

CHUNK_LINES = 20_000
MAX_LINE_BYTES = 2 * 1024 * 1024
"""As much as the API takes of a line."""
KEPT_OF_A_LONG_LINE_BYTES = 4 * 1024

NO_READING = "is empty: no reading was read"
"""Of a file without a line, and of one without anything on its lines: to end well would tell of readings."""

_CHUNK_BYTES = 8 * 1024 * 1024
_READ_BYTES = 256 * 1024
_PARQUET_MAGIC = b"PAR1"
_ZSTD_WINDOW_LOG = 27  # 128 MiB: what zstd(1) takes without being asked


class UnreadableReadingsError(FleetwattError):
    """The file of readings cannot be read"""

    code = "unreadable_file"


class Chunk(NamedTuple):
    """Some lines, in order, and the share of the file (0..1) that has been read with them."""

    lines: list[bytes]
    share: float
    cut_lines: frozenset[int] = frozenset()
    """Those that are longer than a line may be; of each the beginning is there."""


def chunks(file: BinaryIO, size_bytes: int, skip: int) -> Iterator[Chunk]:
    """The lines of the file behind the first ``skip``.

    Raises:
        UnreadableReadingsError: it is no file of readings, or it is damaged; what came before has been handed out.
    """
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head.startswith(_PARQUET_MAGIC):
        yield from _rows(file, skip)
        return
    compression = next((each for each in Compression if head.startswith(each.magics)), None)
    skipped = 0
    for chunk in _lines(file, max(size_bytes, 1), compression):
        lines_to_skip = min(skip - skipped, len(chunk.lines))
        skipped += lines_to_skip
        if lines_to_skip < len(chunk.lines):
            yield _without_first(chunk, lines_to_skip)


def _rows(file: BinaryIO, skip: int) -> Iterator[Chunk]:
    try:
        for lines, share in read_parquet(file, skip, CHUNK_LINES):
            yield Chunk(lines, share)
    except DamagedParquetError as error:
        raise UnreadableReadingsError(str(error)) from error


def _lines(file: BinaryIO, size_bytes: int, compression: Compression | None) -> Iterator[Chunk]:
    lines = LineChunks(
        max_lines=CHUNK_LINES,
        max_bytes=_CHUNK_BYTES,
        max_line_bytes=MAX_LINE_BYTES,
        cut_to_bytes=KEPT_OF_A_LONG_LINE_BYTES,
    )
    damage: Exception | None = None
    blank = True
    pieces = _pieces(file, compression)
    try:
        for piece in _checked(pieces):
            for chunk in lines.feed(piece):
                blank = blank and all(map(is_blank, chunk))
                yield Chunk(chunk, min(file.tell() / size_bytes, 1.0), lines.cut_lines)
    except (DamagedDataError, OSError) as error:
        damage = error
    last = lines.finish()
    if damage and last[-1] and len(last) - 1 not in lines.cut_lines and not _is_whole(last[-1]):
        last[-1] = b""  # the damage cut it, which is said once: of the file
    if last := _without_blank_end(last):
        blank = blank and all(map(is_blank, last))
        yield Chunk(last, 1.0, lines.cut_lines)
    if damage:
        raise UnreadableReadingsError(f"{damage}; what came before is stored") from damage
    if blank:
        raise UnreadableReadingsError(NO_READING)


def _pieces(file: BinaryIO, compression: Compression | None) -> Iterator[bytes]:
    if compression is None:
        while piece := file.read(_READ_BYTES):
            yield piece
        return
    data = Decompressor(compression, zstd_window_log=_ZSTD_WINDOW_LOG, zero_padded=True)
    while piece := file.read(_READ_BYTES):
        yield from data.decode(piece)
    data.finish()


def _checked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, once the first of them look like lines of JSON."""
    head = b""
    damage: DamagedDataError | None = None
    try:
        while len(head) < HEAD_BYTES and (piece := next(pieces, None)) is not None:
            head += piece
    except DamagedDataError as error:
        damage = error
    if what := what_else(head):
        raise UnreadableReadingsError(what)
    yield head
    if damage:
        raise damage
    yield from pieces


def _without_first(chunk: Chunk, number: int) -> Chunk:
    if number == 0:
        return chunk
    cut_lines = frozenset(index - number for index in chunk.cut_lines if index >= number)
    return Chunk(chunk.lines[number:], chunk.share, cut_lines)


def _is_whole(line: bytes) -> bool:
    """Whether nothing but its newline is missing."""
    try:
        decode(line)
    except MalformedBodyError:
        return False
    return True


def _without_blank_end(lines: list[bytes]) -> list[bytes]:
    """There is nothing behind the last newline, and that is no line."""
    return lines[:-1] if lines and not lines[-1] else lines
