"""The embedded server's files in a home folder: where they lie, who may write them, and the lock around its life."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warehouse.contract.errors import HomeError, ServerStartError
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.embedded.account import ServerAccount

_LOCK_POLL_SECONDS = 0.05
_TAIL_LINES = 15
_TAIL_BYTES = 8192


def data_of(home: Path) -> Path:
    """The data directory of a home, PostgreSQL's own."""
    return home / "postgres"


@dataclass(frozen=True)
class ServerFiles:
    """The paths below one home."""

    home: Path

    @property
    def data(self) -> Path:
        """The data directory, PostgreSQL's own."""
        return data_of(self.home)

    @property
    def log(self) -> Path:
        """What the server, and the programs that make, start and stop it, have to say."""
        return self.home / "logs" / "postgres.log"

    @contextmanager
    def opened_log(self, account: ServerAccount) -> Iterator[int]:
        """A descriptor that appends to the log; the file belongs to the server's account."""
        make_folder(self.home)
        with as_owner_of(self.home):
            is_new = not self.log.parent.exists()
            self.log.parent.mkdir(mode=0o750, exist_ok=True)
            # O_NOFOLLOW: root hands the file over, and must not be led to hand over another one.
            log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if is_new:
                account.own(self.log.parent)
            _give(log, account)
            yield log
        finally:
            os.close(log)

    def log_since(self, offset_bytes: int) -> str:
        """What was logged from this size of the log on."""
        with self.log.open("rb") as file:
            file.seek(offset_bytes)
            return file.read().decode(errors="replace")

    def start_error(self, what: str) -> ServerStartError:
        """The error with the log's last lines, which tell the cause, and what to do."""
        try:
            lines = self.log_since(max(0, self.log.stat().st_size - _TAIL_BYTES)).splitlines()[-_TAIL_LINES:]
        except OSError as error:
            lines = [f"(it cannot be read: {error.strerror})"]
        return ServerStartError(
            f"{what}. Put right what the log names and start again, or choose another home with --home, or set "
            f"FLEET_DATABASE_URL. The log {self.log} ends:\n" + "\n".join(lines)
        )

    @contextmanager
    def lock(self, deadline: float, account: ServerAccount) -> Iterator[int]:
        """Hold the home's server alone: of two commands that start at once, one starts it and the other finds it.

        Yields a descriptor: the system lets go of the lock when every process that holds it open has ended or
        closed it. ``deadline`` is on the monotonic clock, in seconds.

        Raises:
            ServerStartError: another process held it until then.
        """
        make_folder(self.home)
        # Who can open the file can hold the lock: nobody but its owner.
        with as_owner_of(self.home):
            lock = os.open(self.home / "postgres.lock", os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            _give(lock, account)
            if os.fstat(lock).st_uid == os.geteuid() or os.geteuid() == 0:
                os.fchmod(lock, 0o600)  # an earlier version let others read it
            while not _locked(lock):
                if time.monotonic() > deadline:
                    raise ServerStartError(f"Another process is still starting or stopping the server of {self.home}.")
                time.sleep(_LOCK_POLL_SECONDS)
            yield lock
        finally:
            os.close(lock)

    @contextmanager
    def errors_of_home(self) -> Iterator[None]:
        """What the system refuses below the home, as HomeError."""
        try:
            yield
        except OSError as error:
            cause = "; it may belong to another user, or to root" if isinstance(error, PermissionError) else ""
            raise HomeError(
                f"{error.filename or self.home} cannot be used ({error.strerror}{cause}). Go on as its owner, choose "
                f"another home with --home, or set FLEET_DATABASE_URL."
            ) from error


def _give(opened: int, account: ServerAccount) -> None:
    """As root: what root made in a home of its own is the account's. Of two names of a file, one may lie elsewhere."""
    found = os.fstat(opened)
    if os.geteuid() == 0 and found.st_uid == 0 and found.st_nlink == 1:
        os.fchown(opened, account.uid, account.gid)


def make_folder(folder: Path) -> None:
    """Make a home with all above it that is missing. Made by root, they can be entered by the server's account.

    The home is its owner's alone, whatever the umask; its user may open it later.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700 if each == folder else 0o777, exist_ok=True)
        if os.geteuid() == 0:
            each.chmod(each.stat().st_mode | stat.S_IXOTH)  # a strict umask took it; only what we made is changed


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
