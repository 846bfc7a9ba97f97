"""The home folder from the outside: made, and held by one platform at a time."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestration.home.home_files import LOCK, hand_over
from warehouse.contract.errors import HomeError
from warehouse.disk import Disk, disks_of
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.embedded.files import make_folder
from warehouse.settings import FleetSettings


class HomeInUseError(HomeError):
    """The home folder cannot be used"""


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold the home folder, which is made if it is not there: one platform a home.

    Raises:
        HomeError: it cannot be written.
        HomeInUseError: another process holds it.
    """
    lock = opened_in(home, LOCK, os.O_RDWR)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(lock)
            raise HomeInUseError(
                f"{home} is in use by {holder}; stop that one, or choose another folder with --home"
            ) from None
        os.truncate(lock, 0)
        os.write(lock, f"process {os.getpid()}".encode())
        try:
            yield
        finally:
            os.truncate(lock, 0)
    finally:
        os.close(lock)


def require_no_earlier_version(home: Path) -> None:
    """See that no platform of an earlier version runs on the home, which is put in order once that one has stopped.

    An earlier version let others open its lock: by that it is told. What is not there, or not ours to open, is no
    earlier version's at work; whoever goes on is told so.

    Raises:
        HomeInUseError: one does.
    """
    with suppress(OSError):
        lock = os.open(home / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_IMODE(os.fstat(lock).st_mode) & 0o077:
                _require_free(lock, home)
        finally:
            os.close(lock)


def _require_free(lock: int, home: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # let go of when the caller closes it
    except BlockingIOError:
        raise HomeInUseError(
            f"an earlier version of Fleetwatt runs on {home} ({_holder(lock)}); stop it first, then start this one "
            f"with fleetwatt up"
        ) from None


def _holder(lock: int) -> str:
    return os.read(lock, 32).decode() or "another process"


def make_home(home: Path) -> None:
    """Make the folder, if it is not there, for whoever works there alone: by root for the account.

    Raises:
        HomeError: it cannot be made, or there is no account that could work there.
    """
    with _refusals_of(home):
        if os.geteuid() == 0 and not home.exists():
            hand_over(home, account_for_home(home.resolve()))
        else:
            make_folder(home)


def opened_in(home: Path, name: str, access: int) -> int:
    """A descriptor of a file in the home to be locked; both are made where they are missing."""
    make_home(home)
    with _refusals_of(home):
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with as_owner_of(folder):
                # Who can open the file can hold the lock: nobody but the home's owner.
                flags = access | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                return os.open(name, flags, 0o600, dir_fd=folder)
        finally:
            os.close(folder)


@contextmanager
def _refusals_of(home: Path) -> Iterator[None]:
    """What the system refuses, as HomeError."""
    try:
        yield
    except OSError as error:
        raise HomeError(f"cannot use {home}: {error.strerror}; choose another folder with --home") from error


def disks(settings: FleetSettings) -> list[Disk]:
    """The disks of a home that this machine can see. Of another server's disk it knows nothing."""
    folders = [settings.home, settings.lake]
    return disks_of(folders if settings.names_a_database else [*folders, EmbeddedPostgres(settings.home).data])
