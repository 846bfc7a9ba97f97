"""The home folder from the outside: who holds it, and which database belongs to it."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import typer

from orchestration.home.home_files import LOCK, hand_over
from orchestration.processes.child_environment import ADDRESSES
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import DatabaseUnavailableError, HomeError, SchemaOutdatedError
from warehouse.disk import Disk, disks_of
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.embedded.files import make_folder
from warehouse.postgres.schema_version import require_current
from warehouse.postgres.server_fitness import JOB_CONNECTIONS, require_fit
from warehouse.settings import FleetSettings

_WAIT_FOR_SERVER_S = 60.0
"""For a server that another command is starting or stopping: a first start takes seconds, on a busy machine more."""
_POLL_S = 0.1


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


def disks(settings: FleetSettings) -> list[Disk]:
    """The disks of a home that this machine can see. Of another server's disk it knows nothing."""
    folders = [settings.home, settings.lake]
    return disks_of(folders if settings.names_a_database else [*folders, EmbeddedPostgres(settings.home).data])


@contextmanager
def database(settings: FleetSettings, role: Role = Role.PIPELINE) -> Iterator[str]:
    """The URL of the database to work on, whose schema is this version's: the configured one, or the home's own server.

    If that server does not run, it is started for the time of the block. None is made. ``role``: as whom.

    Raises:
        HomeError, ServerStartError: the home's server cannot be had.
        SchemaOutdatedError: there is none, or the schema is an older or a newer one.
    """
    if not settings.names_a_database and not EmbeddedPostgres(settings.home).has_data():
        raise SchemaOutdatedError(
            f"there is no database in {settings.home} yet; run fleetwatt migrate, or start everything with fleetwatt up"
        )
    with _reached(settings, role) as url:
        with connect(url) as connection:
            require_current(connection)
        yield url


@contextmanager
def database_to_migrate(settings: FleetSettings) -> Iterator[str]:
    """The same as the owner, with whatever schema it has; the home's own server is made if there is none.

    It runs for the time of the block, and for as long as other commands that found it running have to do with it. One
    that another command is starting or stopping is waited for.

    Raises:
        HomeInUseError: an earlier version runs there.
        HomeError, ServerStartError: the home's server cannot be had.
        DatabaseUnfitError: the database cannot keep what is written there.
    """
    with _reached(settings, Role.OWNER) as url:
        yield url


@contextmanager
def _reached(settings: FleetSettings, role: Role) -> Iterator[str]:
    server = EmbeddedPostgres(settings.home)
    if settings.names_a_database:
        url = address_of(settings, role)
        require_fit(url, JOB_CONNECTIONS)
        yield url
        return
    require_no_earlier_version(settings.home)
    users = opened_in(settings.home, "users", os.O_RDONLY)
    try:
        fcntl.flock(users, fcntl.LOCK_SH)
        with ExitStack() as stack:
            if running := _running_or_held(server, settings.home, stack, role):
                require_fit(running, JOB_CONNECTIONS)
                yield running
                return
            try:
                server.ensure_running()
                url = url_in(server, role)
                require_fit(url, JOB_CONNECTIONS)
                yield url
            finally:
                try:
                    _wait_for_others(users)
                finally:
                    server.stop()
    finally:
        os.close(users)


def url_in(server: EmbeddedPostgres, role: Role) -> str:
    """A role's URL in a home's server, which runs.

    Raises:
        DatabaseUnavailableError: it does not let that one in.
    """
    if url := server.running_url(role):
        return url
    raise DatabaseUnavailableError(f"the server of {server.home} does not let the role {role} in; start it again")


def address_of(settings: FleetSettings, role: Role) -> str:
    """The URL by which a role reaches a database of one's own; raises DatabaseUnavailableError: none is set."""
    if url := settings.address_of(role):
        return url
    raise DatabaseUnavailableError(
        f"this works as the {role.name.lower()} of the database, and its address is not set: "
        f"{ADDRESSES.get(role, 'FLEET_DATABASE_URL')}"
    )


def _running_or_held(server: EmbeddedPostgres, home: Path, stack: ExitStack, role: Role) -> str | None:
    """The URL of the home's server, or the home is held to start it: whoever holds it may be about to do either."""
    deadline = time.monotonic() + _WAIT_FOR_SERVER_S
    while True:
        if url := server.running_url(role):
            return url
        try:
            stack.enter_context(held(home))
        except HomeInUseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
        else:
            return None


def _wait_for_others(users: int) -> None:
    """Until nobody else works on the server that we started; Ctrl-C ends the waiting, and them."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        typer.echo("done; other commands work on the server that this one started, and it stays for them", err=True)
        fcntl.flock(users, fcntl.LOCK_EX)


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


def current_database(settings: FleetSettings, role: Role = Role.PIPELINE) -> str:
    """The URL of a database that runs already, and whose schema is this version's. ``role``: as whom.

    Raises:
        DatabaseUnavailableError: it does not run.
        SchemaOutdatedError: the schema is an older or a newer one.
    """
    url = running_database(settings, role)
    with connect(url) as connection:
        require_current(connection)
    return url


def running_database(settings: FleetSettings, role: Role) -> str:
    """The URL of a database that runs already, with whatever schema it has.

    Raises:
        HomeInUseError: an earlier version runs there.
        DatabaseUnavailableError: the home's server does not run.
    """
    if settings.names_a_database:
        return address_of(settings, role)
    require_no_earlier_version(settings.home)
    url = EmbeddedPostgres(settings.home).running_url(role)
    if url is None:
        raise DatabaseUnavailableError(
            f"no server runs in {settings.home}; start everything with fleetwatt up, or set FLEET_DATABASE_URL"
        )
    return url
