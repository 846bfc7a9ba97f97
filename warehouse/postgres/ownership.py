"""Hands a database from one role to another, with all that is in it."""

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres"


def hand_over(connection: psycopg.Connection, to: str, of: str) -> None:
    """Give ``to`` the connection's database, whoever owns it, and what ``of`` owns there; what is done is left out.

    Object by object: PostgreSQL refuses ``REASSIGN OWNED`` for its first role. Whoever owns the database decides what
    names mean there, so the connection looks them up in ``pg_catalog`` alone. For the caller's transaction.

    Raises:
        psycopg.errors.InsufficientPrivilege: the connection's role may not give that away.
    """
    if not is_owner(connection, connection.info.dbname, to):  # first: who is to own a table may make some there
        change = SQL("ALTER DATABASE {} OWNER TO {}")
        connection.execute(change.format(Identifier(connection.info.dbname), Identifier(to)))
    changes = connection.execute(sqlfiles.load(_PACKAGE, "list_owner_changes"), {"role": to, "owner": of})
    for (statement,) in changes.fetchall():
        connection.execute(statement.encode())


def is_owner(connection: psycopg.Connection, database: str, role: str) -> bool:
    """Whether a database of the server belongs to the role."""
    asked = {"database": database, "role": role}
    return connection.execute(sqlfiles.load(_PACKAGE, "find_database_of_owner"), asked).fetchone() is not None
