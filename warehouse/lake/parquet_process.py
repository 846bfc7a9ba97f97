"""Reads Parquet in a process of its own: what crashes the library, or asks for all memory, ends that process alone.

The library trusts what a file says of itself. A flipped bit in the right place is a segmentation fault, and a page may
claim to hold 2 GiB.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, BinaryIO

import msgspec

from warehouse.contract.errors import FleetwattError

MEMORY_BYTES = 2 * 1024**3
"""Addresses, of which the libraries themselves take a part. A batch of any sane file takes a tenth."""
_OF_THE_DATABASE = ("FLEET_", "PG")
"""Settings and passwords, which are no business of who reads a file."""
LENGTH_BYTES = 4
"""Of a message, before it: big-endian."""


class DamagedParquetError(Exception):
    """The file cannot be read as Parquet, or not further; the text is for people"""


class ParquetProcessError(FleetwattError):
    """The process that reads Parquet failed"""

    code = "parquet_process_failed"


class Batch(msgspec.Struct, tag="batch"):
    """Rows as lines, and the share of the rows that is read with them."""

    lines: list[bytes]
    share: float


class Damage(msgspec.Struct, tag="damage"):
    """Why there is no more."""

    words: str


class End(msgspec.Struct, tag="end"):
    """All rows were sent."""


Message = Batch | Damage | End
_decode = msgspec.msgpack.Decoder(Message).decode


def read_parquet(
    file: BinaryIO, skip: int, batch_rows: int, memory_bytes: int = MEMORY_BYTES
) -> Iterator[tuple[list[bytes], float]]:
    """Batches of rows behind the first ``skip`` as lines, and the share of the rows (0..1) that is read with each.

    Raises:
        DamagedParquetError: it is damaged or encrypted, no reading can be in it, or it takes too much memory.
    """
    command = [sys.executable, "-P", "-m", "warehouse.lake.parquet_child", *map(str, (skip, batch_rows, memory_bytes))]
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(_OF_THE_DATABASE)}
    environment = {**inherited, **_FRUGAL, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=errors, env=environment) as child,  # noqa: S603 - our own module
    ):
        assert child.stdout is not None  # noqa: S101 - it was asked for
        try:
            while isinstance(message := _receive(child.stdout), Batch):
                yield message.lines, message.share
        finally:
            child.kill()  # it has ended, or nobody asks it for more
        if isinstance(message, Damage):
            raise DamagedParquetError(message.words)
        if message is None:
            _explain_death(child.wait(), errors)


_FRUGAL = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""So that the addresses that are taken are those that are used."""


def _explain_death(status: int, errors: IO[bytes]) -> None:
    errors.seek(0)
    words = errors.read().decode("utf-8", "backslashreplace")
    if status < 0 or "MemoryError" in words or "bad_alloc" in words:
        raise DamagedParquetError("is damaged or encrypted Parquet: its reader crashed, or ran out of memory")
    raise ParquetProcessError(words or f"it ended with {status}")


def _receive(stream: IO[bytes]) -> Message | None:
    """The next message; ``None`` where the process ended without a last one."""
    length = stream.read(LENGTH_BYTES)
    message = stream.read(int.from_bytes(length, "big"))
    if len(length) < LENGTH_BYTES or len(message) < int.from_bytes(length, "big"):
        return None
    decoded: Message = _decode(message)
    return decoded
