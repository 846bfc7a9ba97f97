"""What the machine is like while it is measured on: figures of a busy machine, or of a slow disk, say little."""

import os
import tempfile
import time
from pathlib import Path
from statistics import median

SYNCS = 50
PAGE_BYTES = 8192


def state(folder: Path) -> str:
    """How busy its processors are, and how long its disk takes to make a page durable."""
    load = os.getloadavg()[0]
    return f"load average {load:.1f} on {os.cpu_count()} cores, a sync takes {_sync_seconds(folder) * 1000:.2f} ms"


def _sync_seconds(folder: Path) -> float:
    """The median of some."""
    seconds = []
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(SYNCS * PAGE_BYTES))
        os.fsync(file.fileno())
        for page in range(SYNCS):
            os.pwrite(file.fileno(), b"\1" * PAGE_BYTES, page * PAGE_BYTES)
            began = time.perf_counter()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return median(seconds)
