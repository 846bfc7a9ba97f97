"""The role that the API and the pipeline work as in the embedded server: an ordinary one that owns their databases.

The superuser that initdb makes is kept for upkeep: it makes this role and databases, and it gives this role what a home
of an earlier version left with the superuser. A role that owns a database decides what names mean there, so every name
is looked up in ``pg_catalog`` alone while the superuser is connected.
"""

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from warehouse import sqlfiles
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.postgres.connection import open_connection, translated_errors
from warehouse.postgres.embedded.cluster import ROLE, kept_role_password
from warehouse.postgres.embedded.files import ServerFiles
from warehouse.postgres.embedded.urls import UPKEEP_DATABASE, refusal, role_url

_POWERS = SQL("NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS")


def settled_url(files: ServerFiles, upkeep_url: str) -> str:
    """The role's URL, once it has what it is to have and nothing else.

    Raises:
        ServerStartError: the server does not let it in, even without the settings that it may have made.
    """
    password = kept_role_password(files.data)
    reason = _why_kept_out(files, upkeep_url, password)
    if reason:  # who had the role's password may have shut it out, by settings of the role or of its databases
        with translated_errors():
            _forget_settings(upkeep_url)
        reason = _why_kept_out(files, upkeep_url, password)
    url = role_url(files.data)
    if url is None or reason:
        raise files.start_error(f"PostgreSQL on {files.data} does not let the role {ROLE} in ({reason})")
    return url


def _why_kept_out(files: ServerFiles, upkeep_url: str, password: str) -> str | None:
    """Settle the role; why it is not let in then, None where it is."""
    try:
        with translated_errors():
            _settle(upkeep_url, password)
    except DatabaseUnavailableError as error:
        return error.detail
    url = role_url(files.data)
    return refusal(url) if url else "it has ended"


def _settle(upkeep_url: str, password: str) -> None:
    """Make the role with this password if it is missing, take from it what it must not have, give it the databases.

    Each database is a transaction of its own, and what is done already is left out: safe to kill and to repeat. Only
    with the last step the role may log in: where it can, all is done.
    """
    with open_for_upkeep(upkeep_url) as connection:
        with connection.transaction():
            _settle_role(connection)
        names = [name for (name,) in _rows(connection, "list_databases_beside", database=UPKEEP_DATABASE)]
    for name in names:
        with open_for_upkeep(upkeep_url, name) as connection, connection.transaction():
            _hand_over(connection, name)
    with open_for_upkeep(upkeep_url) as connection:
        _let_in(connection, password)


def _forget_settings(upkeep_url: str) -> None:
    """Take back what keeps the role out of its databases: settings of its own or theirs, and who may connect."""
    role = Identifier(ROLE)
    with open_for_upkeep(upkeep_url) as connection:
        if not _rows(connection, "find_role", role=ROLE):
            return
        connection.execute(SQL("ALTER ROLE {} RESET ALL").format(role))
        for (name,) in _rows(connection, "list_databases_of_owner", role=ROLE):
            database = Identifier(name)
            connection.execute(SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(role, database))
            connection.execute(SQL("ALTER DATABASE {} RESET ALL").format(database))
            connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database))
            connection.execute(SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(database))
            connection.execute(SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))


def make_database(upkeep_url: str, name: str) -> None:
    """Make a database for the role, if there is none of this name."""
    with open_for_upkeep(upkeep_url) as connection:
        if not _rows(connection, "find_database", database=name):
            create = SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(create.format(Identifier(name), Identifier(ROLE)))


def open_for_upkeep(upkeep_url: str, database: str = UPKEEP_DATABASE) -> psycopg.Connection:
    """The superuser's connection, for the caller to close."""
    return open_connection(make_conninfo(upkeep_url, dbname=database, options="-c search_path=pg_catalog"))


def _settle_role(connection: psycopg.Connection) -> None:
    role = Identifier(ROLE)
    if not _rows(connection, "find_role", role=ROLE):
        connection.execute(SQL("CREATE ROLE {}").format(role))
    connection.execute(SQL("ALTER ROLE {} {}").format(role, _POWERS))
    for (membership,) in _rows(connection, "list_memberships", role=ROLE):
        connection.execute(SQL("REVOKE {} FROM {} CASCADE").format(SQL(membership), role))


def _let_in(connection: psycopg.Connection, password: str) -> None:
    # As a verifier: the server's log never gets to see the password, not even in the text of a failed statement.
    verifier = connection.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    connection.execute(SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(Identifier(ROLE), Literal(verifier)))


def _hand_over(connection: psycopg.Connection, database: str) -> None:
    for (statement,) in _rows(connection, "list_owner_changes", role=ROLE):
        connection.execute(statement.encode())
    if not _rows(connection, "find_database_of_owner", database=database, role=ROLE):
        change = SQL("ALTER DATABASE {} OWNER TO {}")
        connection.execute(change.format(Identifier(database), Identifier(ROLE)))


def _rows(connection: psycopg.Connection, name: str, **parameters: str) -> list[tuple[str, ...]]:
    return connection.execute(sqlfiles.load("warehouse.postgres.embedded", name), parameters).fetchall()
