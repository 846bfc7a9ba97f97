"""Brings a database's schema to head: Alembic keeps the order, plain SQL files say what changes.

One process migrates at a time (an advisory lock); the others wait and then find nothing to do. There is no way back
but a backup: a downgrade that drops history is not something to have lying around.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import InsufficientPrivilege

from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import DatabaseUnavailableError, DatabaseUnfitError, SchemaOutdatedError
from warehouse.counted import counted
from warehouse.postgres.audit.entries import record
from warehouse.postgres.connection import APPLICATION_NAME, connect, open_connection
from warehouse.postgres.schema_version import MIGRATIONS, fault_of_revision, head_revision
from warehouse.postgres.session import SessionStart

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext, MigrationInfo
    from sqlalchemy import CursorResult

ADVISORY_LOCK = 0x466C6565_74776174
"""'Fleetwat' in ASCII, held by whoever changes the schema or what the roles may: one at a time."""
_TOLD = "told"
"""Where Alembic's configuration carries what the migrations tell."""


def migrate(url: str, say: Callable[[str], None] = lambda _line: None) -> list[str]:
    """Bring the database to head; returns the revisions that were applied, oldest first.

    ``say`` hears what the migrations tell the user, once they are committed.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
        SchemaOutdatedError: a newer version has migrated it.
        DatabaseUnfitError: we may not make the tables, or they are there in a schema that we do not look at.
    """
    _require_schema(url)
    others = other_sessions(url)
    applied = _upgrade(url, say)
    if others and applied and applied[0] != "0001":  # those that wait for a new database begin with its schema
        say(
            f"Fleetwatt was at work on this database before ({', '.join(others)}): what has not been started again "
            "since goes on by the old schema and the old rules, so stop it, and start the new version"
        )
    return applied


def _upgrade(url: str, say: Callable[[str], None]) -> list[str]:
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import OperationalError, ProgrammingError
    from sqlalchemy.pool import NullPool

    config = alembic_config()
    # The driver reads the address, not SQLAlchemy: so every form that works for a service works here.
    creator = partial(open_connection, url, autocommit=False)
    engine = create_engine("postgresql+psycopg://", creator=creator, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()  # the lock belongs to the session; the migrations get transactions of their own
            before = MigrationContext.configure(connection).get_current_revision()
            connection.commit()
            if before is not None and before > head_revision():
                raise SchemaOutdatedError(str(fault_of_revision(before)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            for line in config.attributes.get(_TOLD, []):
                say(line)
            applied = _revisions_since(config, before)
    except OperationalError as error:
        raise DatabaseUnavailableError(str(error.orig).strip().splitlines()[0]) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise DatabaseUnfitError(f"{str(error.orig).splitlines()[0]}; whoever migrates must own the tables") from error
    return applied


def other_sessions(url: str) -> list[str]:
    """Who else works on the database, in words: nothing else tells of an old version that runs on another machine.

    Sessions that wait to migrate, as we did, are not among them.
    """
    key = {"high": ADVISORY_LOCK >> 32, "low": ADVISORY_LOCK & 0xFFFF_FFFF}
    with connect(url) as connection:
        found = connection.execute(
            sqlfiles.load("warehouse.postgres", "list_other_sessions"), {"name": APPLICATION_NAME, **key}
        ).fetchall()
    return [f"{counted(count, 'session')} of {address}" for address, count in found]


def _require_schema(url: str) -> None:
    """Tables must not be made a second time beside those that an earlier search path has led to."""
    if "search_path" in SessionStart.of_address(url).given:
        return
    with connect(url) as connection:
        found = connection.execute(sqlfiles.load("warehouse.postgres", "find_other_schema")).fetchone()
    if found:
        raise DatabaseUnfitError(
            f"the tables are in the schema {found[0]}, which is not looked at; "
            f"add ?options=-csearch_path%3D{found[0]} to FLEET_DATABASE_URL"
        )


def alembic_config() -> "Config":
    """Alembic's configuration, made here: there is no alembic.ini to keep in step."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def tell(line: str) -> None:
    """Let whoever migrates hear this, from within a migration."""
    from alembic import context

    context.config.attributes.setdefault(_TOLD, []).append(line)


def run_sql_file(migration_file: str) -> "CursorResult[Any]":
    """Run the SQL file beside a migration, several statements at once. One alone may give rows."""
    from alembic import op

    sql = Path(migration_file).with_suffix(".sql").read_text(encoding="utf-8")
    return op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})  # a % is a %


def note_migration(
    ctx: "MigrationContext",
    step: "MigrationInfo",
    heads: Collection[Any],  # noqa: ARG001 - Alembic names its arguments
    run_args: Mapping[str, Any],  # noqa: ARG001
) -> None:
    """Note a migration in the audit log, in its own transaction; those before the log was there are in no log."""
    connection = ctx.connection.connection.driver_connection if ctx.connection else None
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("Alembic has no connection of ours")
    if connection.execute("SELECT to_regclass('audit_log')").fetchone() != (None,):
        was, is_now = ({"revision": next(iter(each), None)} for each in (step.down_revision_ids, step.up_revision_ids))
        change = Change(SubjectKind.DATABASE, connection.info.dbname, was, is_now)
        record(connection, Action.DATABASE_MIGRATE, change)


def pending_revisions(before: str | None) -> list[str]:
    """The revisions that a database at this one, None for an empty one, has yet to be brought to, oldest first."""
    return _revisions_since(alembic_config(), before)


def _revisions_since(config: "Config", before: str | None) -> list[str]:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(config)
    return [step.revision for step in script.iterate_revisions("head", before or "base")][::-1]
