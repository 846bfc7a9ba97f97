"""Which schema this code expects. Apart from ``migrate``, so that a service can ask without loading Alembic."""

from pathlib import Path

import psycopg

from warehouse import sqlfiles
from warehouse.contract.errors import SchemaOutdatedError

MIGRATIONS = Path(__file__).parent / "migrations"


def head_revision() -> str:
    """The newest migration: files in ``versions`` are named ``NNNN_what.py`` and run in that order."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))[:4]


def fault_of_revision(revision: str | None) -> str | None:
    """What is wrong with a database at this revision, and what to do; None: nothing."""
    head = head_revision()
    if revision == head:
        return None
    if revision is None:
        return "the database has no schema yet; run fleetwatt migrate"
    if revision < head:
        return f"the schema is at {revision} and this version needs {head}; run fleetwatt migrate"
    return (
        f"this database was migrated by a newer Fleetwatt (to {revision}; this version knows {head}); "
        "install that one, or bring back a backup of before"
    )


def require_current(connection: psycopg.Connection) -> None:
    """See that the database's schema is the one of this code.

    Raises:
        SchemaOutdatedError: it is an older or a newer one; it says what to do.
    """
    if fault := fault_of_revision(find_revision(connection)):
        raise SchemaOutdatedError(fault)


def find_revision(connection: psycopg.Connection) -> str | None:
    """The revision of a database's schema; None: it has none yet."""
    row = None
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() != (None,):
        row = connection.execute(sqlfiles.load("warehouse.postgres", "find_schema_revision")).fetchone()
    return str(row[0]) if row else None
