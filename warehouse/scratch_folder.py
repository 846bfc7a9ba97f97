"""Folders among the system's temporary files, each for the time of a process; what a killed process left is removed.

A folder is held by a lock on it, which the system lets go of when its process ends, however it ends. Only folders of
our own account are looked at, and those that were made just now are left alone: their lock may be about to be taken.
"""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "fleetwatt-"
_JUST_MADE_S = 60.0


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A new folder, removed at the end; those of the same purpose whose process was killed are removed first."""
    prefix = f"{PREFIX}{purpose}-"
    remove_abandoned(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    with holding(folder):
        yield folder


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold a folder, and remove it at the end."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_abandoned(prefix: str) -> None:
    """Remove our folders of this prefix that nobody holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # gone meanwhile, held by its process, or not ours after all: it stays
            _remove_abandoned(folder)


def _remove_abandoned(folder: Path) -> None:
    found = folder.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not is_ours or time.time() - found.st_ctime < _JUST_MADE_S:
        return
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
