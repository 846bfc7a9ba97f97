"""Moves the data of a home's server to the major version of our programs, by PostgreSQL's own pg_upgrade.

The new data directory is made aside as a copy; the old one stays as it was, beside it. From one to the other it is two
renames. Killed before the first, nothing has happened; between the two, the next upgrade does the second.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from warehouse.contract.errors import FleetwattError, HomeError
from warehouse.durability import sync
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.embedded.account import ServerAccount, account_for_home
from warehouse.postgres.embedded.cluster import (
    MAJOR_VERSION,
    PASSWORD_FILE,
    SUPERUSER,
    UPGRADED,
    binaries,
    program,
    read_password,
    version_of,
)
from warehouse.postgres.embedded.earlier_programs import EarlierPrograms
from warehouse.postgres.embedded.files import ServerFiles
from warehouse.postgres.embedded.process import postmaster

BEFORE = "postgres.before"
"""In a home: the data directory as the earlier version left it."""
_LOCK_S = 60.0
_TAIL_LINES = 15


class MajorUpgradeError(FleetwattError):
    """The server is not upgraded, and its data is as it was"""

    code = "server_not_upgraded"


def finish_interrupted(home: Path) -> bool:
    """Do the second rename, where an upgrade was killed before it; whether there was one."""
    files = ServerFiles(home.resolve())
    made = home / UPGRADED / "data"
    if version_of(files.data) is None and (home / BEFORE).exists() and version_of(made) == MAJOR_VERSION:
        _publish(files, made)
        return True
    return False


def upgrade_cluster(home: Path, earlier: EarlierPrograms, say: Callable[[str], None]) -> None:
    """Upgrade the data directory, whose server has ended as it should; ``home / BEFORE`` is the old one then.

    Raises:
        MajorUpgradeError: pg_upgrade refused or failed; nothing has changed.
        HomeError: the folder of an earlier upgrade is in the way.
    """
    files, account = ServerFiles(home.resolve()), account_for_home(home.resolve())
    before = files.home / BEFORE
    if before.exists():
        raise HomeError(f"{before} is there, of an earlier upgrade; remove it, or move it away")
    with files.errors_of_home(), files.lock(time.monotonic() + _LOCK_S, account) as lock:
        if postmaster(files.data):
            raise HomeError(f"the server of {files.home} runs; stop it first")
        made = _make_empty(files, account, earlier, lock)
        say(f"pg_upgrade copies the data of PostgreSQL {earlier.major} for PostgreSQL {MAJOR_VERSION}")
        _run_pg_upgrade(files, account, earlier, made, lock)
        with as_owner_of(files.home):
            for password in files.data.glob("*.password"):
                shutil.copy2(password, made / password.name)
            sync(made)
            files.data.rename(before)
            sync(files.home)
        _publish(files, made)
    say(f"the data of PostgreSQL {earlier.major} stays in {before} until you remove it")


def _publish(files: ServerFiles, made: Path) -> None:
    with as_owner_of(files.home):
        made.rename(files.data)
        sync(files.home)
        shutil.rmtree(files.home / UPGRADED)


def _make_empty(files: ServerFiles, account: ServerAccount, earlier: EarlierPrograms, lock: int) -> Path:
    """A cluster of our version, as like the old one as pg_upgrade needs it."""
    aside = files.home / UPGRADED
    with as_owner_of(files.home):
        if aside.exists():
            shutil.rmtree(aside)
        aside.mkdir(mode=0o700)
    account.own(aside)
    checksums = "--data-checksums" if _has_checksums(files, account, earlier) else "--no-data-checksums"
    initdb: list[str | Path] = [program("initdb"), "--pgdata", aside / "data", "--username", SUPERUSER, checksums]
    initdb += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    initdb += [f"--pwfile={files.data / PASSWORD_FILE}"]
    _require(account, initdb, aside, lock=lock)
    return aside / "data"


def _has_checksums(files: ServerFiles, account: ServerAccount, earlier: EarlierPrograms) -> bool:
    said = _require(account, [earlier.folder / "pg_controldata", files.data], files.home)
    state = _value(said, "Database cluster state")
    if state != "shut down":
        raise MajorUpgradeError(f"the server of {files.data} has not ended as it should ({state}); try again")
    return _value(said, "Data page checksum version") != "0"


def _value(said: str, name: str) -> str:
    return next(line.partition(":")[2].strip() for line in said.splitlines() if line.startswith(f"{name}:"))


def _run_pg_upgrade(
    files: ServerFiles, account: ServerAccount, earlier: EarlierPrograms, made: Path, lock: int
) -> None:
    with tempfile.TemporaryDirectory(prefix="fleetwatt-upgrade-") as sockets:  # a home's path may be too long for one
        account.own(Path(sockets))
        command: list[str | Path] = [program("pg_upgrade"), "--username", SUPERUSER, "--socketdir", sockets]
        command += ["--old-bindir", earlier.folder, "--new-bindir", binaries()]
        command += ["--old-datadir", files.data, "--new-datadir", made]
        _require(account, command, made.parent, lock=lock, password=read_password(files.data))


def _require(
    account: ServerAccount, command: list[str | Path], folder: Path, *, lock: int | None = None, password: str = ""
) -> str:
    """Run a program; returns what it said."""
    environment = {"TZ": "UTC", **({"PGPASSWORD": password} if password else {})}
    held = [] if lock is None else [lock]
    with tempfile.TemporaryFile() as output:
        failed = account.run(command, output=output.fileno(), environment=environment, held=held, folder=folder)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if failed:
        ends = "\n".join(said.strip().splitlines()[-_TAIL_LINES:])
        raise MajorUpgradeError(f"{Path(command[0]).name} ended with {failed}, and said:\n{ends}")
    return said
