"""Brings a database to its table of grants: makes the roles that are missing, gives and takes what is not as it says.

``fleetwatt migrate`` and each start of the platform do it, after the migrations. Safe to repeat; no table is locked.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Composed, Identifier, Literal

from warehouse import sqlfiles
from warehouse.contract.database_roles import Role
from warehouse.postgres.connection import connect
from warehouse.postgres.migrate import ADVISORY_LOCK
from warehouse.postgres.roles.grants import FUNCTIONS_OF_PIPELINE, privileges_of

_PACKAGE = "warehouse.postgres.roles"
_HAS_MAINTAIN = 17_00_00
"""PostgreSQL's version, as it numbers itself, from which on somebody else than a table's owner may vacuum it."""
_ORDINARY = SQL("NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")

Say = Callable[[str], None]


class _Granted(NamedTuple):
    """A table or sequence, the stream it is a day of, and one thing that somebody may do with it."""

    table: str
    kind: str
    stream: str | None
    grantee: str | None
    privilege: str | None


def settle_roles(url: str, addresses: Mapping[Role, str], say: Say = lambda _line: None) -> dict[Role, str]:
    """Let the roles of these addresses do what they are to do and nothing else; returns the addresses that are of use.

    ``url`` is the owner's. A role that cannot be made or used is said, and left out: its part works as the owner.
    An address of the owner itself is of use as it is.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
        DatabaseUnfitError: ``url`` names no owner of the tables.
    """
    with connect(url) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        useful = {role: each for role, each in addresses.items() if _is_of_use(connection, role, each, say)}
        names = {role: name_in(each) for role, each in useful.items()}
        apart = {role: name for role, name in names.items() if name and not _owns(connection, name)}
        if apart:
            _let_in(connection, apart)
            _grant(connection, apart)
    return useful


def can_be_apart(role: Role, server_version: int) -> bool:
    """Whether a server of this version, as PostgreSQL numbers itself, lets a role work that owns no table."""
    return role != Role.PIPELINE or server_version >= _HAS_MAINTAIN


def name_in(address: str) -> str:
    """The role that an address names."""
    return str(conninfo_to_dict(address).get("user") or "")


def _is_of_use(connection: psycopg.Connection, role: Role, address: str, say: Say) -> bool:
    """Whether a part can work by this address; the role is made where it is missing."""
    name, owner = name_in(address), connection.info.user
    if name in ("", owner):
        return True
    if not can_be_apart(role, connection.info.server_version):
        say(
            f"before version 17 PostgreSQL lets nobody but a table's owner vacuum it, so the pipeline works as {owner} "
            f"here, and not as {name}"
        )
        return False
    if _role_kind(connection, name) is not None:
        return True
    try:
        with connection.transaction():
            connection.execute(_creation(connection, name, str(conninfo_to_dict(address).get("password") or "")))
    except psycopg.errors.InsufficientPrivilege:
        say(
            f"{owner} may not make the role {name}, so what was to work as it works as {owner}; as an administrator "
            f"run: CREATE ROLE {name} LOGIN PASSWORD '...', then fleetwatt migrate"
        )
        return False
    return True


def _creation(connection: psycopg.Connection, name: str, password: str) -> Composed:
    made = SQL("CREATE ROLE {} LOGIN {}").format(Identifier(name), _ORDINARY)
    if not password:  # the server asks for none, or for something else
        return made
    # As a verifier: the server's log never gets to see the password, not even in the text of a failed statement.
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    return made + SQL(" PASSWORD {}").format(Literal(verifier))


def _owns(connection: psycopg.Connection, name: str) -> bool:
    return _role_kind(connection, name) is True


def _role_kind(connection: psycopg.Connection, name: str) -> bool | None:
    """Whether a role may do all that the owner may; ``None``: there is none of this name."""
    row = connection.execute(sqlfiles.load(_PACKAGE, "find_role_kind"), {"role": name}).fetchone()
    return bool(row[0]) if row else None


def _let_in(connection: psycopg.Connection, apart: Mapping[Role, str]) -> None:
    ((database, schema),) = connection.execute("SELECT current_database(), current_schema()").fetchall()
    # What anybody could make there would be found by the owner's statements.
    connection.execute(SQL("REVOKE CREATE ON SCHEMA {} FROM PUBLIC").format(Identifier(schema)))
    for name in sorted(set(apart.values())):
        role = Identifier(name)
        connection.execute(SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(Identifier(database), role))
        connection.execute(SQL("GRANT USAGE ON SCHEMA {} TO {}").format(Identifier(schema), role))
        connection.execute(SQL("REVOKE CREATE ON SCHEMA {} FROM {}").format(Identifier(schema), role))
        calls = SQL("GRANT EXECUTE ON FUNCTION {} TO {}") if name == apart.get(Role.PIPELINE) else _NO_CALLS
        for function in FUNCTIONS_OF_PIPELINE:
            connection.execute(calls.format(SQL(function), role))


_NO_CALLS = SQL("REVOKE ALL ON FUNCTION {} FROM {}")


def _grant(connection: psycopg.Connection, apart: Mapping[Role, str]) -> None:
    rows = map(_Granted._make, connection.execute(sqlfiles.load(_PACKAGE, "list_grants")).fetchall())
    has: dict[tuple[str, str, str | None], dict[str, set[str]]] = {}
    for row in rows:
        of_table = has.setdefault((row.table, row.kind, row.stream), {})
        if row.grantee and row.privilege:
            of_table.setdefault(_unquoted(row.grantee), set()).add(row.privilege)
    for (table, kind, stream), given in has.items():
        on = SQL("{} {}").format(SQL(kind), Identifier(table))
        for name, wanted in privileges_of(apart, stream or table).items():
            for statement in _changes(on, name, given.get(name, set()), wanted):
                connection.execute(statement)


def _changes(on: Composed, name: str, has: set[str], wanted: frozenset[str]) -> Iterator[Composed]:
    """The statements that make what a role has of a table what it is to have."""
    for statement, privileges in (
        (SQL("GRANT {} ON {} TO {}"), wanted - has),
        (SQL("REVOKE {} ON {} FROM {}"), has - wanted),
    ):
        if privileges:
            listed = SQL(", ").join(map(SQL, sorted(privileges)))
            yield statement.format(listed, on, Identifier(name))


def _unquoted(role: str) -> str:
    """A role's name as ``regrole`` writes it, as it is."""
    return role[1:-1].replace('""', '"') if role.startswith('"') else role
