"""What is written survives a power cut only once the disk was told so."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have the disk remember a file's bytes, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole, or as it was before, whenever the process or the power ends.

    Two processes may write the same one at a time: the last has it.

    Raises:
        OSError: it cannot be written.
    """
    written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        written.write_bytes(content)
        sync(written)  # or a power cut could leave an empty file under the name
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)  # it is still there where the disk was full
