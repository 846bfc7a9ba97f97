"""The process that reads Parquet: a file at standard input, messages to whoever started it at standard output."""

import resource
import sys
from typing import IO

import msgspec

from warehouse.lake.parquet_process import LENGTH_BYTES, Batch, Damage, DamagedParquetError, End, Message


def serve(skip: int, batch_rows: int, memory_bytes: int) -> None:
    """Send the rows behind the first ``skip``; no more than so many bytes of addresses are taken."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    from warehouse.lake.parquet_lines import parquet_lines  # within the limits

    out = sys.stdout.buffer
    try:
        for lines, share in parquet_lines(sys.stdin.buffer, skip, batch_rows):
            _send(out, Batch(lines, share))
    except DamagedParquetError as error:
        _send(out, Damage(str(error)))
    except MemoryError:
        _send(out, Damage(f"takes more than {memory_bytes >> 20} MiB of memory as Parquet"))
    else:
        _send(out, End())


def _send(stream: IO[bytes], message: Message) -> None:
    encoded = msgspec.msgpack.encode(message)
    stream.write(len(encoded).to_bytes(LENGTH_BYTES, "big") + encoded)
    stream.flush()


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
