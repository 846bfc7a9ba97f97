"""A folder with backups: which there are, who may read them, and one writer at a time.

``backups/<instant>/`` is a backup once its record lies there, ``wal/<archive>/`` the WAL behind the base backups,
``lake/<two digits>/<sha256>.parquet`` the lake's files by their hashes.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warehouse.backup.errors import BackupTargetError
from warehouse.backup.record import Backup, read_record
from warehouse.durability import replace_file, sync
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.wal.archive import wal_folder

_MARK = "fleetwatt-backup"
"""The file that tells a folder with backups from any other."""
_IGNORED = {"lost+found"}
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class BackupTarget:
    """The folder. Nothing is touched before a method is called."""

    path: Path

    @classmethod
    def named(cls, text: str) -> "BackupTarget":
        """The one that a user names.

        Raises:
            BackupTargetError: it is no folder.
        """
        if "://" in text:
            scheme = text.partition("://")[0]
            raise BackupTargetError(
                f"{scheme}:// is not supported yet: name a folder (of another disk, or a mounted share), and copy it "
                f"to {scheme}:// from there"
            )
        return cls(Path(text).expanduser().absolute())

    @property
    def _backups(self) -> Path:
        return self.path / "backups"

    @property
    def lake(self) -> Path:
        """Where the lake's files lie."""
        return self.path / "lake"

    def wal(self, archive: str) -> Path:
        """Where the WAL of an archive lies."""
        return wal_folder(self.path, archive)

    def folder(self, backup: Backup) -> Path:
        """Where a backup lies."""
        return self._backups / backup.name

    def prepare(self, home: Path, account: ServerAccount) -> None:
        """See that backups of a home can be kept here, by this account; an empty folder is made one for backups.

        Raises:
            BackupTargetError: it is something else, or cannot be written.
        """
        home = home.resolve()
        if self.path.resolve().is_relative_to(home) or home.is_relative_to(self.path.resolve()):
            raise BackupTargetError(f"{self.path} and {home} lie in each other; name a folder of another disk")
        try:
            self._prepare(account)
        except OSError as error:
            raise BackupTargetError(
                f"{error.filename or self.path} cannot be written by '{account.name}' ({error.strerror}); name a "
                f"folder that this account may write"
            ) from error

    def _prepare(self, account: ServerAccount) -> None:
        if not self.path.exists():
            self.path.mkdir(mode=0o700, parents=True)
            account.own(self.path)
        names = {path.name for path in self.path.iterdir()} - _IGNORED
        if names and _MARK not in names:
            raise BackupTargetError(f"{self.path} holds other files; name an empty folder, or one that does not exist")
        if self.path.stat().st_uid == 0 and not names:
            account.own(self.path)
        with self.writing():
            if self.path.stat().st_uid == os.geteuid():
                self.path.chmod(0o700)
            replace_file(self.path / _MARK, b"Backups of Fleetwatt, format 1. Restore: fleetwatt restore FOLDER\n")
            for folder in (self._backups, self.path / "wal", self.lake):
                folder.mkdir(exist_ok=True)
            sync(self.path)

    def require(self) -> None:
        """See that backups are kept here.

        Raises:
            BackupTargetError: it is no such folder.
        """
        try:
            is_one = (self.path / _MARK).is_file()
        except OSError as error:
            raise BackupTargetError(f"{self.path} cannot be read ({error.strerror})") from error
        if not is_one:
            raise BackupTargetError(f"there are no backups in {self.path}: it is not a folder of fleetwatt backup")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is made here within the block is its owner's, and for nobody else to read."""
        mask = os.umask(0o077)
        try:
            with as_owner_of(self.path):
                yield
        finally:
            os.umask(mask)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make backups here alone.

        Raises:
            BackupTargetError: another process does.
        """
        with self.writing():
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupTargetError(f"another backup is being made in {self.path}; wait for its end") from None
            yield
        finally:
            os.close(lock)

    def backups(self) -> list[Backup]:
        """Those that are whole, oldest first."""
        if not self._backups.is_dir():
            return []
        found = [read_record(path) for path in self._backups.iterdir() if not path.name.startswith(".")]
        return sorted((each for each in found if each), key=lambda each: each.began_at)

    def unfinished(self, name: str) -> Path:
        """Where a backup is made, until it is whole."""
        return self._backups / f"{_UNFINISHED}{name}"

    def finish(self, name: str) -> None:
        """A backup is whole, and for good."""
        with self.writing():
            self.unfinished(name).rename(self._backups / name)
            sync(self._backups)

    def remove(self, backup: Backup) -> None:
        """It is no backup from the first moment on, and its files go."""
        with self.writing():
            aside = self.unfinished(backup.name)
            self.folder(backup).rename(aside)
            sync(self._backups)
            shutil.rmtree(aside)

    def remove_unfinished(self) -> None:
        """What killed ones left. A program of theirs may still be ending, and removing what it wrote."""
        with self.writing():
            for path in self._backups.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(path, ignore_errors=True)
