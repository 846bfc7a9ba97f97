"""A folder every account may enter: under root a server runs as another account, and pytest's are closed to it.

It is in memory where Linux has the room: each file costs ten times less there to make and to remove, and a clone of a
database is three hundred of them. What a server is asked to do stays the same: it syncs what it always syncs.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of a new name is made in it
_ROOM_BYTES = 4 << 30
"""A run of two workers takes a few hundred MB; a container's 64 MB are too few."""

IN_MEMORY = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES


def make_open_folder(prefix: str = "fleetwatt-") -> Path:
    """A new folder; the caller removes it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if IN_MEMORY else None)).resolve()
    folder.chmod(0o755)
    return folder


@contextmanager
def open_folder(prefix: str = "fleetwatt-") -> Iterator[Path]:
    """A new folder, removed at the end of the block."""
    folder = make_open_folder(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
