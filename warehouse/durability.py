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
