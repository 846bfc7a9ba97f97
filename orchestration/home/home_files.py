"""The files of a home, as whoever works in it needs them: owned by one account, and closed to others.

Root hands them over. The account may have laid links in what is its own already, so nothing is followed: every file is
opened, looked at, and changed by its descriptor. What lies in the home and is not ours stays as it is.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from warehouse.contract.errors import HomeError
from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.embedded.files import make_folder

LOCK = "lock"
OF_POSTGRES = {"postgres", "postgres.new", "postgres.upgraded", "postgres.before"}
"""PostgreSQL's own; it looks after them itself."""
OURS = {
    LOCK,
    "postgres.lock",
    "users",
    "logs",
    "lake",
    "backup",
    "dagster",
    "docs",
    "secrets",
    "reports",
    "upgrade.json",
    "history.ndjson",
    "history.ndjson.unfinished",
}
FOLDER_MODE, FILE_MODE = 0o750, 0o640
ALONE = {LOCK: 0o600, "postgres.lock": 0o600, "users": 0o600}
"""Whoever can open a lock's file can hold the lock, and keep us from starting."""

_OPENED = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Change = Callable[[int, os.stat_result, str], None]
"""What is done to an opened file or folder; the last is the name in the home under which it lies."""


def hand_over(home: Path, account: ServerAccount) -> None:
    """As root: make the home if there is none, and give the account what in it belongs to root.

    The home itself is given away only where all in it is ours: who owns a folder can remove what lies there.

    Raises:
        HomeError: the account could not write there.
    """
    is_new = not home.exists()
    make_folder(home)
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        strangers = sorted(set(_names_in(folder)) - OURS - OF_POSTGRES)
        found = os.fstat(folder)
        if is_new:
            os.fchmod(folder, 0o700)
        if found.st_uid == 0 and not strangers:
            os.fchown(folder, account.uid, account.gid)
        elif found.st_uid != account.uid and not account.can_write(home):
            raise HomeError(
                f"{home} belongs to another user than '{account.name}', who is to work there, and holds what is not "
                f"Fleetwatt's ({', '.join(strangers[:3])}), so it is left alone. Choose a folder of its own with --home"
            )

        def give(opened: int, entry: os.stat_result, _name: str) -> None:
            if entry.st_uid == 0:
                os.fchown(opened, account.uid, account.gid)

        _change_all(folder, give)
    finally:
        os.close(folder)


def close_to_others(home: Path) -> None:
    """Once, after an earlier version: let others read and lock nothing here any more. Its lock's mode tells it.

    From then on the modes are the user's: who opens the home to a group finds it open at the next start.
    """
    try:
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        with suppress(FileNotFoundError):
            if stat.S_IMODE(os.stat(LOCK, dir_fd=folder, follow_symlinks=False).st_mode) & 0o077:
                os.fchmod(folder, 0o700)
                _change_all(folder, _close)
    finally:
        os.close(folder)


def _close(opened: int, entry: os.stat_result, name: str) -> None:
    most = FOLDER_MODE if stat.S_ISDIR(entry.st_mode) else ALONE.get(name, FILE_MODE)
    if entry.st_uid == os.geteuid():
        os.fchmod(opened, stat.S_IMODE(entry.st_mode) & most)


def _change_all(home: int, change: Change) -> None:
    """All that is ours; the lock last, by which is seen whether this was done."""
    for name in [*sorted(OURS - {LOCK}), LOCK]:
        for opened in _below(home, name):
            entry = os.fstat(opened)
            # Of two names of one file, the other one may lie anywhere.
            if stat.S_ISDIR(entry.st_mode) or (stat.S_ISREG(entry.st_mode) and entry.st_nlink == 1):
                change(opened, entry, name)


def _below(folder: int, name: str) -> Iterator[int]:
    """A descriptor of the entry and, where it is a folder, of each one below it first. No link is followed."""
    try:
        opened = os.open(name, _OPENED, dir_fd=folder)
    except OSError:  # gone meanwhile, a link, a socket, or closed to us: none of them is ours to change
        return
    try:
        if stat.S_ISDIR(os.fstat(opened).st_mode):
            for each in _names_in(opened):
                yield from _below(opened, each)
        yield opened
    finally:
        os.close(opened)


def _names_in(folder: int) -> list[str]:
    return os.listdir(folder)
