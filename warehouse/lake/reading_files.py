"""Files of readings as chunks of lines, whatever they are written in: NDJSON, plain or gzip, or Parquet.

A row of Parquet becomes the line it would have been as NDJSON, so one judge looks at both, and what it refuses is kept
in the same form.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.contract.errors import FleetwattError

_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
CHUNK_LINES = 20_000


class UnreadableReadingsError(FleetwattError):
    """The file of readings cannot be read"""

    code = "unreadable_file"


class Chunk(NamedTuple):
    """Some lines, in order, and the share of the file (0..1) that has been read with them."""

    lines: list[bytes]
    share: float


def require_readable(path: Path) -> None:
    """Open the file and close it.

    Raises:
        UnreadableReadingsError: there is no such file, or we may not read it.
    """
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise UnreadableReadingsError(f"{path}: {error.strerror}") from error


def digest(path: Path) -> bytes:
    """The file's SHA-256, by which an interrupted import knows it again.

    Raises:
        UnreadableReadingsError: as ``require_readable``.
    """
    require_readable(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def chunks(path: Path, skip: int) -> Iterator[Chunk]:
    """The lines of the file behind the first ``skip``.

    Raises:
        UnreadableReadingsError: the file is damaged; what came before has been handed out.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == _PARQUET_MAGIC:
        yield from _parquet_chunks(path, skip)
    else:
        yield from _line_chunks(path, skip, is_gzip=magic.startswith(_GZIP_MAGIC))


def _line_chunks(path: Path, skip: int, *, is_gzip: bool) -> Iterator[Chunk]:
    size = max(path.stat().st_size, 1)
    with path.open("rb") as raw:
        lines: Iterator[bytes] = gzip.GzipFile(fileobj=raw) if is_gzip else raw
        try:
            for _ in islice(lines, skip):
                pass
            while chunk := list(islice(lines, CHUNK_LINES)):
                yield Chunk(chunk, raw.tell() / size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UnreadableReadingsError(f"{path} is a damaged gzip file: {error}") from error


def _parquet_chunks(path: Path, skip: int) -> Iterator[Chunk]:
    try:
        with pq.ParquetFile(path) as file:
            done, total = 0, max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(batch_size=CHUNK_LINES):
                done += batch.num_rows
                if done > skip:
                    rows = batch.slice(max(0, skip - (done - batch.num_rows))).to_pylist()
                    yield Chunk([_line(row) for row in rows], done / total)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableReadingsError(f"{path} is not readable as Parquet: {error}") from error


def _line(row: dict[str, object]) -> bytes:
    """Nulls are left out: a table of both kinds has the columns of both."""
    return msgspec.json.encode({name: value for name, value in row.items() if value is not None})
