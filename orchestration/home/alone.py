"""A home with nobody else at work in it: no platform, and no other command."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.home.folder import HomeInUseError, held, opened_in, require_no_earlier_version


@contextmanager
def alone_in(home: Path) -> Iterator[None]:
    """Hold the home for the time of the block; commands that come meanwhile wait for its end.

    Raises:
        HomeInUseError: a platform, an earlier version or another command is at work there.
        HomeError: it cannot be written.
    """
    require_no_earlier_version(home)
    users = opened_in(home, "users", os.O_RDONLY)
    try:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeInUseError(f"another command is at work on {home}; wait for its end, or stop it") from None
        with held(home):
            yield
    finally:
        os.close(users)
