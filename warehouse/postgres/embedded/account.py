"""Which account the embedded server runs under, and whether that account gets to the server's files.

PostgreSQL refuses to run as root. An ordinary user runs it as oneself; root runs it as the owner of the data
directory, or as ``postgres`` or ``nobody`` where there is none yet.
"""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warehouse.contract.errors import HomeError

UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")

# Prints the first folder that the account may not enter. A folder that does not exist yet is no obstacle. The kernel
# answers instead of our reading mode bits: it knows access control lists and mount options too.
_FIRST_CLOSED_FOLDER = 'for f; do if [ -d "$f" ] && [ ! -x "$f" ]; then printf %s "$f"; exit 1; fi; done'

_WAYS_OUT = "run Fleetwatt as an ordinary user, or set FLEET_DATABASE_URL to a PostgreSQL of your own"


@dataclass(frozen=True)
class ServerAccount:
    """The account that owns the data directory and runs the server."""

    name: str
    uid: int
    gid: int

    def run(
        self,
        command: Sequence[str | Path],
        *,
        output: int,
        text_input: str = "",
        environment: Mapping[str, str] = {},
        held: Sequence[int] = (),
        folder: Path = Path("/"),
    ) -> int:
        """Run a program under this account, in a session of its own, and return its exit status.

        ``output`` is a file descriptor and never a pipe: a server that the program leaves behind would hold a
        pipe open, and whoever reads it would wait for ever. ``held`` are descriptors that stay open in the program
        and its children. ``folder`` is where it runs: the caller's own may be closed to this account.
        """
        as_root = os.geteuid() == 0
        return subprocess.run(  # noqa: S603 - our own binaries, no shell, arguments made here
            command,
            input=text_input,
            encoding="utf-8",
            stdout=output,
            stderr=subprocess.STDOUT,
            user=self.uid if as_root else None,
            group=self.gid if as_root else None,
            extra_groups=[] if as_root else None,
            pass_fds=held,
            start_new_session=True,  # Ctrl-C in our terminal is for us: the supervisor stops the server deliberately
            cwd=folder,
            # Nothing inherited: PGPORT, PGOPTIONS and their kin would change what our own options say.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **environment},
            check=False,
        ).returncode

    def own(self, *paths: Path) -> None:
        """Hand over files that we made for the server; they are this account's already unless we are root."""
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_write(self, folder: Path) -> bool:
        """Whether the account may make files in this folder."""
        with tempfile.TemporaryFile() as nothing:
            test: list[str | Path] = ["/bin/sh", "-c", '[ -w "$1" ] && [ -x "$1" ]', "sh", folder]
            return self.run(test, output=nothing.fileno()) == 0

    def check_enters(self, home: Path, binaries: Path) -> None:
        """Change nothing, and see whether the account can enter every folder on the way to both.

        Raises:
            HomeError: it cannot; the first folder at fault is named.
        """
        for goal, advice in (
            (binaries, "install Fleetwatt in a folder that other users may enter"),
            (home, "choose with --home a folder that other users may enter"),
        ):
            folder = self._first_closed(goal)
            if folder:
                who = f"Fleetwatt and its PostgreSQL run as '{self.name}'"
                if os.geteuid() == 0:
                    who += " (PostgreSQL refuses to run as root)"
                raise HomeError(
                    f"{who}, and that account may not enter {folder}, which leads to {goal}. "
                    f"Its permissions are left alone; instead {advice}, {_WAYS_OUT}."
                )

    def _first_closed(self, goal: Path) -> str:
        """The first folder from the root down to ``goal`` that this account may not enter, or an empty text."""
        with tempfile.TemporaryFile() as answer:
            folders = [*reversed(goal.parents), goal]
            self.run(["/bin/sh", "-c", _FIRST_CLOSED_FOLDER, "sh", *folders], output=answer.fileno())
            answer.seek(0)
            return os.fsdecode(answer.read())


def account_for(data: Path) -> ServerAccount:
    """The account for a data directory, which need not exist yet.

    Raises:
        HomeError: the directory belongs to somebody for whom we cannot act, or there is no account to run under.
    """
    owner = _owner(data)
    if os.geteuid() != 0:
        ourselves = _account(os.geteuid(), os.getegid())
        if owner not in (None, ourselves.uid):
            raise HomeError(
                f"{data} belongs to '{_account(owner or 0).name}' and you are '{ourselves.name}': this home was "
                f"written by another user, or by root. Go on as that user, choose another home with --home, "
                f"or set FLEET_DATABASE_URL."
            )
        return ourselves
    if owner == 0:
        raise HomeError(
            f"{data} belongs to root, and PostgreSQL refuses to run as root. Give it to the account that shall run "
            f"the server (chown -R postgres {data}), choose another home with --home, or {_WAYS_OUT}."
        )
    if owner is not None:
        return _account(owner, data.stat().st_gid)
    for name in UNPRIVILEGED_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise HomeError(
        f"PostgreSQL refuses to run as root, and this system has none of the accounts "
        f"{', '.join(UNPRIVILEGED_ACCOUNTS)} to run it under: {_WAYS_OUT}."
    )


def account_for_home(home: Path) -> ServerAccount:
    """The account that works in a home, which need not exist yet: its server's, else its owner if that is not root.

    Raises: as ``account_for``.
    """
    data = home / "postgres"
    owner = _owner(home)
    if os.geteuid() == 0 and owner and _owner(data) is None:
        return _account(owner, home.stat().st_gid)
    return account_for(data)


def _owner(data: Path) -> int | None:
    """The user id that owns a data directory; None: there is none.

    Raises:
        HomeError: the folders above it are closed to us.
    """
    try:
        return data.stat().st_uid
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise HomeError(
            f"{data} cannot be there: a folder above it is a file; name another home with --home"
        ) from error
    except OSError as error:
        raise HomeError(
            f"{data} cannot be looked at ({error.strerror}): its home may belong to another user. Go on as that user, "
            f"choose another home with --home, or set FLEET_DATABASE_URL."
        ) from error


def _account(uid: int, gid: int | None = None) -> ServerAccount:
    """The account with this id; in a container it may be missing from the user list, then its name is its number."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return ServerAccount(str(uid), uid, uid if gid is None else gid)
    return ServerAccount(entry.pw_name, uid, entry.pw_gid if gid is None else gid)
