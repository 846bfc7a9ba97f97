"""Dagster's PostgreSQL storage with connections that are used again, and a schema that is looked at once.

Dagster opens a connection for each statement or two: ten milliseconds of handshake each, several of them an event and
hundreds of events a run. Here all instances of a process share one small pool, which tries a connection before it hands
it out: a database that was restarted in between goes unnoticed.

Every engine that Dagster makes in this process, its own for making tables too, connects as all our sessions do.

With most events Dagster looks whether the tables and columns are there that its newer versions brought: a fifth of all
statements of a run. They are made before its storage is used, and stay.

What of Dagster's insides this replaces is listed in ADR 88.
"""

from contextlib import closing
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Self

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import pg_url_from_config, set_pg_statement_timeout
from sqlalchemy import Dialect, Engine, create_engine, event

from warehouse.contract.errors import DatabaseUnfitError, FleetwattError
from warehouse.contract.redaction import keep_secret, redact_output, redacted
from warehouse.postgres.session import SessionStart

POOL_SIZE = 2
MOST_BESIDE_POOL = 20


class DagsterStorageError(FleetwattError):
    """Dagster's storage cannot be used"""

    code = "dagster_storage"


class PooledPostgresStorage(DagsterPostgresStorage):
    """``DagsterPostgresStorage`` on a pool."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,  # as its base
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        """Makes the tables where they are missing, as its base does, unless told otherwise.

        Raises:
            DagsterStorageError: this Dagster's storage is not made as the one that this was written for.
        """
        keep_secret(postgres_url)
        redact_output()  # whichever of Dagster's processes this is
        super().__init__(postgres_url, should_autocreate_tables, inst_data)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            # There is no other way to give it one, and to keep the web server from another one that tries nothing.
            _put(
                storage, _engine=_engine(postgres_url), optimize_for_webserver=partial(_limit_statements, postgres_url)
            )
        if should_autocreate_tables:  # else they may be made at any time
            _look_once(self._event_log_storage)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """From dagster.yaml.

        Raises:
            DagsterStorageError: it names an ``auth_provider``.
        """
        if config_value.get("auth_provider") is not None:
            raise DagsterStorageError(
                "auth_provider: Fleetwatt's storage connects by the address alone; take its password out of a token "
                "yourself, or use dagster_postgres.DagsterPostgresStorage"
            )
        return cls(pg_url_from_config(config_value), config_value.get("should_autocreate_tables", True), inst_data)


def _put(storage: object, **instead: Any) -> None:
    """Put this in place of what a storage has; by another name it would be found by nobody."""
    missing = [name for name in instead if not hasattr(storage, name)]
    if missing:
        raise DagsterStorageError(
            f"{type(storage).__name__} of dagster-postgres {version('dagster-postgres')} has no {', '.join(missing)}; "
            "install what is locked"
        )
    vars(storage).update(instead)


@event.listens_for(Engine, "do_connect")
def _connect(dialect: Dialect, _record: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
    """Connect as SQLAlchemy would, and say what the session relies on."""
    if dialect.name != "postgresql":  # Dagster's own storage of an instance that forgets
        return None
    start = SessionStart.of_options(named.get("options"))
    while True:
        try:
            return _begin(dialect, arguments, named, start)
        except dialect.loaded_dbapi.Error as error:
            start = start.after(error)


def _begin(dialect: Dialect, arguments: list[Any], named: dict[str, Any], start: SessionStart) -> Any:
    connection = dialect.connect(*arguments, **{**named, **start.at_connect})
    try:
        _require_texts_as_written(connection)
        connection.autocommit = True  # in a transaction it could be ended before it says how long one may take
        with closing(connection.cursor()) as cursor:
            cursor.execute(start.statement)
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return connection


def _require_texts_as_written(connection: Any) -> None:
    """The driver decides when it connects how it writes texts. Behind a pooler no start-up option comes before that."""
    if connection.get_parameter_status("standard_conforming_strings") != "on":
        raise DatabaseUnfitError(
            "standard_conforming_strings is off, and a connection pooler keeps us from setting it in time; "
            "ALTER DATABASE or ALTER ROLE ... RESET standard_conforming_strings"
        )


def _look_once(storage: PostgresEventLogStorage) -> None:
    looks = {name: cache(getattr(storage, name, _nothing)) for name in ("has_table", "has_asset_key_index_cols")}
    has_index_columns = looks["has_asset_key_index_cols"]
    _put(storage, **looks, _has_asset_key_index_cols_on_connection=lambda _connection: has_index_columns())


def _nothing(*_: Any) -> None:
    """In place of what is not there, which is then refused."""


@cache
def _engine(url: str) -> Engine:
    engine = create_engine(
        url, isolation_level="AUTOCOMMIT", pool_size=POOL_SIZE, max_overflow=MOST_BESIDE_POOL, pool_pre_ping=True
    )
    event.listen(engine, "before_cursor_execute", _without_secrets, retval=True)
    return engine


def _without_secrets(*told: Any) -> tuple[str, Any]:
    """Of what Dagster writes (errors with their tracebacks, metadata, ticks) all goes by here."""
    statement, values = told[2], told[3]
    return statement, _redacted(values)


def _redacted(values: Any) -> Any:
    match values:
        case str():
            return redacted(values)
        case dict():
            return {name: _redacted(value) for name, value in values.items()}
        case list() | tuple():
            return type(values)(map(_redacted, values))
        case _:
            return values


@cache
def _limit_statements(url: str, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:  # noqa: ARG001
    """What the web server asks for at its start: no statement longer than ``statement_timeout``, in ms."""
    event.listen(_engine(url), "connect", lambda each, _: set_pg_statement_timeout(each, statement_timeout))
    _engine(url).dispose()  # those that are open have no limit
