"""Whether a server can keep what the product guarantees: what a session cannot set for itself is looked at, and said.

Readings that were confirmed are still there after a crash, every character can be stored, and there are as many
sessions as we open, each of them ours alone from its first statement to its last.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from warehouse import sqlfiles
from warehouse.contract.errors import DatabaseUnfitError
from warehouse.postgres.connection import connect

OLDEST, NEWEST = 15, 18
API_WORKER_CONNECTIONS = 22
"""Two pools of 8, four that store, one by which somebody acts on a finding or a token, one that watches the tokens."""
DAGSTER_CONNECTIONS = 20
"""Two that each of its four processes keeps, and five for each of two runs."""
JOB_CONNECTIONS = 3
"""What a command by hand opens."""

_REQUIRED = {
    "fsync": ("on", "confirmed readings would be lost in a crash"),
    "full_page_writes": ("on", "a crash could leave torn pages"),
    "data_sync_retry": ("off", "a failed write to disk could go unnoticed"),
    "zero_damaged_pages": ("off", "damaged readings would vanish without a word"),
    "ignore_checksum_failure": ("off", "damaged readings would be taken for good ones"),
    "session_replication_role": ("origin", "constraints would not be looked at"),
    "track_counts": ("on", "nothing would be vacuumed in time"),
}
"""What only the server's own administrator sets: the value, and what it would mean otherwise."""

_LOOKS = 5
"""Behind a pooler that is busy with others, one look could miss that it shares a session."""


def require_fit(url: str, opens: int) -> None:
    """See that the database at this address can be worked on with so many connections.

    Raises:
        DatabaseUnfitError: it cannot; it says what to change.
        DatabaseUnavailableError: it cannot be reached.
    """
    with connect(url) as connection:
        require_fit_session(connection, url, opens)


def require_fit_session(connection: psycopg.Connection[Any], url: str, opens: int) -> None:
    """The same by a session that is open. Raises the driver's errors too."""
    with connection.cursor(row_factory=dict_row) as cursor:
        server = cursor.execute(sqlfiles.load("warehouse.postgres", "read_server")).fetchone() or {}
    fault = fault_of(server, opens)
    if fault is None and server["backend_pid"] != connection.info.backend_pid:
        fault = fault_of_pooler(url)
    if fault:
        raise DatabaseUnfitError(fault)


def fault_of(server: Mapping[str, Any], opens: int) -> str | None:
    """What is wrong with a server, by its row of ``read_server``; ``None``: nothing."""
    major = server["version_number"] // 10_000
    if not OLDEST <= major <= NEWEST:
        return f"this is PostgreSQL {major}; Fleetwatt runs on {OLDEST} to {NEWEST}"
    if server["encoding"] != "UTF8":
        return (
            f"the database {server['database_name']} has the encoding {server['encoding']}; make one with "
            f"CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'"
        )
    if server["is_standby"]:
        return "this server is a standby, which only reads; name the primary, or promote it"
    for name, (right, otherwise) in _REQUIRED.items():
        if server[name] != right:
            return f"the server has {name} = {server[name]}: {otherwise}; set it to {right}"
    if server["schema_name"] is None:
        return f"there is no schema {server['search_path']} that {server['role_name']} may use: CREATE SCHEMA first"
    return _fault_of_limits(server, opens)


def _fault_of_limits(server: Mapping[str, Any], opens: int) -> str | None:
    limits = {"max_connections": server["max_connections"]}
    if not server["is_superuser"]:  # what is kept free for them, and limits that do not hold for them
        reserved = server["reserved_connections"]
        limits = {f"max_connections without the {reserved} that are reserved": limits["max_connections"] - reserved}
        for of, what in (("role", "of the role"), ("database", "of the database")):
            if server[f"{of}_limit"] >= 0:
                limits[f"the CONNECTION LIMIT {what} {server[f'{of}_name']}"] = server[f"{of}_limit"]
    what, most = min(limits.items(), key=lambda each: each[1])
    if most >= opens:
        return None
    return (
        f"{most} connections are allowed ({what}), and up to {opens} are opened (each of FLEET_WORKERS takes "
        f"{API_WORKER_CONNECTIONS}, Dagster {DAGSTER_CONNECTIONS}, a command {JOB_CONNECTIONS}); raise that, or lower "
        f"FLEET_WORKERS"
    )


def fault_of_pooler(url: str) -> str | None:
    """What is wrong with the pooler at this address; ``None``: each connection has a session of its own.

    Two connections are open at once and ask in turn which process of the server answers them. In session mode each has
    its own; otherwise the process that has just answered the one is free for the other.
    """
    with connect(url) as one, connect(url) as other:
        asked = [(_backend_pid(one), _backend_pid(other)) for _ in range(_LOOKS)]
    ones, others = set(next(zip(*asked, strict=True))), {pid for _, pid in asked}
    if len(ones) == len(others) == 1 and ones != others:
        return None
    return (
        "a connection pooler is in front of the database and shares its sessions (PgBouncer's pool_mode transaction or "
        "statement); Fleetwatt needs pool_mode = session for this database, or the address of the server itself"
    )


def _backend_pid(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(sqlfiles.load("warehouse.postgres", "find_backend_pid")).fetchone()
    return int(row[0]) if row else 0
