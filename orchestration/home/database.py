"""The database that belongs to a home: the configured one, or the home's own server, started where nobody else has."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from orchestration.home.folder import HomeInUseError, held, opened_in, require_no_earlier_version
from orchestration.processes.child_environment import ADDRESSES
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import DatabaseUnavailableError, SchemaOutdatedError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.schema_version import require_current
from warehouse.postgres.server_fitness import JOB_CONNECTIONS, require_fit
from warehouse.settings import FleetSettings

_WAIT_FOR_SERVER_S = 60.0
"""For a server that another command is starting or stopping: a first start takes seconds, on a busy machine more."""
_POLL_S = 0.1


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
