"""The roles of the embedded server: one that owns the fleet's database, and those that work there and own nothing.

The superuser that initdb makes is kept for upkeep: it makes the roles and databases, and it gives the owner what a home
of an earlier version left with the superuser. A role that owns a database decides what names mean there, so every name
is looked up in ``pg_catalog`` alone while the superuser is connected.
"""

from collections.abc import Mapping

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from warehouse import sqlfiles
from warehouse.contract.database_roles import APART, Role
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.postgres.connection import open_connection, translated_errors
from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.embedded.cluster import DATABASE, kept_role_password
from warehouse.postgres.embedded.files import ServerFiles
from warehouse.postgres.embedded.role_secrets import KEPT_HERE, kept_password
from warehouse.postgres.embedded.urls import UPKEEP_DATABASE, refusal, role_url
from warehouse.postgres.ownership import hand_over, is_owner

_POWERS = SQL("NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS")
_OF_OWNER = (Role.OWNER, *APART)
"""Who works on the fleet's database; Dagster's role does not get in there."""


def settled_url(files: ServerFiles, upkeep_url: str, account: ServerAccount) -> str:
    """The owner's URL, once all roles have what they are to have and nothing else.

    Raises:
        ServerStartError: the server does not let one in, even without the settings that it may have made.
    """
    passwords = {Role.OWNER: kept_role_password(files.data)}
    passwords |= {role: kept_password(files.home, role, account) for role in KEPT_HERE}
    reason = _why_kept_out(files, upkeep_url, passwords)
    if reason:  # who had a role's password may have shut it out, by settings of the role or of its databases
        with translated_errors():
            _forget_settings(upkeep_url)
        reason = _why_kept_out(files, upkeep_url, passwords)
    url = role_url(files.home)
    if url is None or reason:
        raise files.start_error(f"PostgreSQL on {files.data} does not let a role of ours in ({reason})")
    return url


def _why_kept_out(files: ServerFiles, upkeep_url: str, passwords: Mapping[Role, str]) -> str | None:
    """Settle the roles; why one is not let in then, None where all are."""
    try:
        with translated_errors():
            _settle(upkeep_url, passwords)
    except DatabaseUnavailableError as error:
        return error.detail
    for role in _OF_OWNER:
        url = role_url(files.home, role)
        if reason := refusal(url) if url else "it has ended":
            return reason
    return None


def _settle(upkeep_url: str, passwords: Mapping[Role, str]) -> None:
    """Make the roles that are missing, take from all what they must not have, give the owner the databases.

    Each database is a transaction of its own, and what is done already is left out: safe to kill and to repeat. Only
    with the last step the roles may log in: where they can, all is done.
    """
    with open_for_upkeep(upkeep_url) as connection:
        with connection.transaction():
            for role in passwords:
                _settle_role(connection, role)
        names = [name for (name,) in _rows(connection, "list_databases_beside", database=UPKEEP_DATABASE)]
        of_dagster = [name for (name,) in _rows(connection, "list_databases_of_owner", role=Role.DAGSTER)]
    for name in names:
        with open_for_upkeep(upkeep_url, name) as connection, connection.transaction():
            hand_over(connection, Role.DAGSTER if name in of_dagster else Role.OWNER, of=connection.info.user)
    with open_for_upkeep(upkeep_url) as connection:
        _open_to(connection, DATABASE, _OF_OWNER)
        with connection.transaction():
            for role, password in passwords.items():
                _let_in(connection, role, password)


def _forget_settings(upkeep_url: str) -> None:
    """Take back what keeps roles out of their databases: settings of their own or theirs, and who may connect."""
    with open_for_upkeep(upkeep_url) as connection:
        there = [role for role in (Role.OWNER, *KEPT_HERE) if _rows(connection, "find_role", role=role)]
        for role in there:
            connection.execute(SQL("ALTER ROLE {} RESET ALL").format(Identifier(role)))
            connection.execute(SQL("ALTER ROLE {} CONNECTION LIMIT -1").format(Identifier(role)))
            for (name,) in _rows(connection, "list_role_settings", role=role):
                reset = SQL("ALTER ROLE {} IN DATABASE {} RESET ALL")
                connection.execute(reset.format(Identifier(role), Identifier(name)))
        for owner in (role for role in (Role.OWNER, Role.DAGSTER) if role in there):
            for (name,) in _rows(connection, "list_databases_of_owner", role=owner):
                database = Identifier(name)
                connection.execute(SQL("ALTER DATABASE {} RESET ALL").format(database))
                connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database))
                connection.execute(SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(database))
                _open_to(connection, name, [owner])


def make_dagsters_database(upkeep_url: str, name: str) -> None:
    """Make Dagster's database for its role, if there is none of this name; one that is the owner's is handed over."""
    with open_for_upkeep(upkeep_url) as connection:
        if not _rows(connection, "find_database", database=name):
            create = SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(create.format(Identifier(name), Identifier(Role.DAGSTER)))
        is_theirs = is_owner(connection, name, Role.DAGSTER)
    if not is_theirs:
        with open_for_upkeep(upkeep_url, name) as connection, connection.transaction():
            for former in (Role.OWNER, connection.info.user):
                hand_over(connection, Role.DAGSTER, of=former)
    with open_for_upkeep(upkeep_url) as connection:
        _open_to(connection, name, [Role.DAGSTER])


def open_for_upkeep(upkeep_url: str, database: str = UPKEEP_DATABASE) -> psycopg.Connection:
    """The superuser's connection, for the caller to close."""
    return open_connection(make_conninfo(upkeep_url, dbname=database, options="-c search_path=pg_catalog"))


def _settle_role(connection: psycopg.Connection, name: Role) -> None:
    role = Identifier(name)
    if not _rows(connection, "find_role", role=name):
        connection.execute(SQL("CREATE ROLE {}").format(role))
    connection.execute(SQL("ALTER ROLE {} {}").format(role, _POWERS))
    for (membership,) in _rows(connection, "list_memberships", role=name):
        connection.execute(SQL("REVOKE {} FROM {} CASCADE").format(SQL(membership), role))


def _let_in(connection: psycopg.Connection, role: Role, password: str) -> None:
    # As a verifier: the server's log never gets to see the password, not even in the text of a failed statement.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(Identifier(role), Literal(verifier)))


def _open_to(connection: psycopg.Connection, database: str, names: tuple[Role, ...] | list[Role]) -> None:
    """Let these roles connect, and by default nobody else."""
    connection.execute(SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(Identifier(database)))
    for role in names:
        connection.execute(SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(database), Identifier(role)))


def _rows(connection: psycopg.Connection, name: str, **parameters: str) -> list[tuple[str, ...]]:
    return connection.execute(sqlfiles.load("warehouse.postgres.embedded", name), parameters).fetchall()
