"""The home folder from the outside: who holds it, and which database belongs to it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.contract.errors import DatabaseUnavailableError, HomeError, SchemaOutdatedError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.files import make_folder
from warehouse.postgres.schema_version import require_current
from warehouse.postgres.server_fitness import JOB_CONNECTIONS, require_fit
from warehouse.settings import FleetSettings


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold the home folder, which is made if it is not there: one platform a home.

    Raises:
        HomeError: another process holds it, or it cannot be written.
    """
    try:
        make_folder(home)
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise HomeError(f"cannot use {home}: {error.strerror}; choose another folder with --home") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 32).decode() or "another process"
            raise HomeError(
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


@contextmanager
def database(settings: FleetSettings) -> Iterator[str]:
    """The URL of the database to work on, whose schema is this version's: the configured one, or the home's own server.

    If that server does not run, it is started for the time of the block. None is made.

    Raises:
        HomeError, ServerStartError: the home's server cannot be had.
        SchemaOutdatedError: there is none, or the schema is an older or a newer one.
    """
    if not settings.database_url and not EmbeddedPostgres(settings.home).has_data():
        raise SchemaOutdatedError(
            f"there is no database in {settings.home} yet; run fleetwatt migrate, or start everything with fleetwatt up"
        )
    with database_to_migrate(settings) as url:
        with connect(url) as connection:
            require_current(connection)
        yield url


@contextmanager
def database_to_migrate(settings: FleetSettings) -> Iterator[str]:
    """The same with whatever schema it has; the home's own server is made if there is none.

    Raises:
        HomeError, ServerStartError: the home's server cannot be had.
        DatabaseUnfitError: the database cannot keep what is written there.
    """
    server = EmbeddedPostgres(settings.home)
    if url := settings.database_url or server.running_url():
        require_fit(url, JOB_CONNECTIONS)
        yield url
        return
    with held(settings.home):
        try:
            url = server.ensure_running()
            require_fit(url, JOB_CONNECTIONS)
            yield url
        finally:
            server.stop()


def current_database(settings: FleetSettings) -> str:
    """The URL of a database that runs already, and whose schema is this version's.

    Raises:
        DatabaseUnavailableError: it does not run.
        SchemaOutdatedError: the schema is an older or a newer one.
    """
    url = running_database(settings)
    with connect(url) as connection:
        require_current(connection)
    return url


def running_database(settings: FleetSettings) -> str:
    """The URL of a database that runs already, with whatever schema it has.

    Raises:
        DatabaseUnavailableError: the home's server does not run.
    """
    url = settings.database_url or EmbeddedPostgres(settings.home).running_url()
    if url is None:
        raise DatabaseUnavailableError(
            f"no server runs in {settings.home}; start everything with fleetwatt up, or set FLEET_DATABASE_URL"
        )
    return url
