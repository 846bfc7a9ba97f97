"""Whatever server, database, role or environment say about sessions, ours rely on nothing that they do not say."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from ingest_api.commit.loop_connection import open_loop_connection
from ingest_api.database import Database
from orchestration.dagster_runtime import storage
from orchestration.dagster_runtime.own_database import storage_url
from tests.conftest import fresh_database
from tests.integration.postgres import round_trip
from tests.integration.postgres.round_trip import Answers, ask_api, dropped_afterwards, read_back, write_hours
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.postgres.connection import connect, open_connection
from warehouse.postgres.migrate import migrate
from warehouse.postgres.session import RELIED_ON, SCHEMA, SessionStart, option, settings_of

HOSTILE = {
    "synchronous_commit": "off",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "client_encoding": "LATIN1",
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kolkata",
    "timezone_abbreviations": "India",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "standard_conforming_strings": "off",
    "backslash_quote": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "xmlbinary": "hex",
    "xmloption": "document",
    "search_path": "nowhere",
    "row_security": "on",
    "restrict_nonsystem_relation_kind": "view, foreign-table",
    "check_function_bodies": "off",
    "statement_timeout": "1",
    "lock_timeout": "1",
    "transaction_timeout": "1",
    "idle_in_transaction_session_timeout": "1",
    "idle_session_timeout": "1",
    "exit_on_error": "on",
    "client_min_messages": "error",
    "jit": "on",
    "geqo": "off",
    "plan_cache_mode": "force_generic_plan",
    "constraint_exclusion": "off",
    "enable_partition_pruning": "off",
    **{name: "off" for name in RELIED_ON if name.startswith("enable_")},
}
ALIKE_EVERYWHERE = {"lc_numeric", "lc_time", "default_table_access_method"}
"""For these there may be no other value on this machine."""

Said = tuple[str, ...]


@pytest.fixture(scope="module")
def undisturbed(server_url: str, template: str) -> Answers:
    """What is answered where nobody has set anything."""
    with fresh_database(server_url, template) as url:
        return _trip(url)


@contextmanager
def _set(url: str, scope: SQL, settings: dict[str, str]) -> Iterator[None]:
    """With these settings of a database or a role."""
    change = SQL("ALTER {scope} SET {name} TO {value}")
    with connect(url) as connection:
        who = {"database": Identifier(connection.info.dbname), "role": Identifier(connection.info.user)}
        of = SQL(scope.as_string()).format(**who)
        try:
            for name, value in settings.items():
                connection.execute(change.format(scope=of, name=Identifier(name), value=Literal(value)))
            yield
        finally:
            for name in settings:
                connection.execute(SQL("ALTER {} RESET {}").format(of, Identifier(name)))


def _known(url: str) -> dict[str, str]:
    """Those that this version of PostgreSQL knows."""
    with connect(url) as connection:
        known = {name for (name,) in connection.execute("SELECT lower(name) FROM pg_settings")}
    return {name: value for name, value in HOSTILE.items() if name in known}


def _trip(url: str) -> Answers:
    return {**ask_api(url), "hours": write_hours(url), "migrated": migrate(url)}


def test_for_all_that_is_relied_on_there_is_a_hostile_value() -> None:
    assert HOSTILE.keys() | ALIKE_EVERYWHERE == RELIED_ON.keys()
    assert not {name for name, value in HOSTILE.items() if RELIED_ON[name] == value}


TOPICS: dict[str, tuple[str, ...]] = {
    "commit": ("synchronous_commit",),
    "transactions": (
        "default_transaction_read_only",
        "default_transaction_isolation",
        "default_transaction_deferrable",
    ),
    "formats": (
        "client_encoding",
        "datestyle",
        "intervalstyle",
        "timezone",
        "timezone_abbreviations",
        "bytea_output",
        "extra_float_digits",
        "xmlbinary",
        "xmloption",
    ),
    "syntax": (
        "array_nulls",
        "standard_conforming_strings",
        "backslash_quote",
        "transform_null_equals",
        "quote_all_identifiers",
    ),
    "names": ("search_path",),
    "rights": ("row_security", "restrict_nonsystem_relation_kind", "check_function_bodies"),
    "statements": ("statement_timeout", "lock_timeout"),
    "sessions": (
        "transaction_timeout",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "exit_on_error",
        "client_min_messages",
    ),
    "plans": (
        "jit",
        "geqo",
        "plan_cache_mode",
        "constraint_exclusion",
        "enable_partition_pruning",
        *(name for name in HOSTILE if name.startswith("enable_") and name != "enable_partition_pruning"),
    ),
}
"""What is set together. Each of them alone would be told by a wrong answer, and none of a topic hides another's."""


def test_each_hostile_value_has_a_topic() -> None:
    assert sorted(name for names in TOPICS.values() for name in names) == sorted(HOSTILE)


@pytest.mark.parametrize("topic", TOPICS)
def test_settings_of_the_database_change_no_answer(
    server_url: str, database_url: str, undisturbed: Answers, topic: str
) -> None:
    known = _known(server_url)
    hostile = {name: HOSTILE[name] for name in TOPICS[topic] if name in known}
    if not hostile:
        pytest.skip(f"this PostgreSQL has no {TOPICS[topic][0]}")
    with _set(database_url, SQL("DATABASE {database}"), hostile):
        assert _trip(database_url) == undisturbed


SCOPES = [SQL("DATABASE {database}"), SQL("ROLE {role}"), SQL("ROLE {role} IN DATABASE {database}")]
"""Where a setting may lie; each outranks those before it."""


def _end_to_end(server_url: str, template: str, home: Path, settings: dict[str, str]) -> list[Answers]:
    """From the first reading to the models and to Dagster, on a database of its own."""
    name = f"dagster_of_{template}"
    (home / "dagster").mkdir(parents=True)
    with fresh_database(server_url, template) as url, dropped_afterwards(server_url, [name]):
        with _set(url, SCOPES[-1], settings):
            answers = [
                ask_api(url),
                round_trip.run_jobs(url, home),
                round_trip.run_whole_day(url, home),
                round_trip.use_dagster(url, name, home / "dagster"),
            ]
        return [*answers, read_back(url)]


@pytest.fixture(scope="module")
def undisturbed_end_to_end(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> list[Answers]:
    """What comes of it where nobody has set anything."""
    return _end_to_end(server_url, template, tmp_path_factory.mktemp("undisturbed"), {})


@pytest.mark.long
def test_all_of_them_together_change_nothing_from_the_first_reading_to_the_models(
    server_url: str, template: str, tmp_path: Path, undisturbed_end_to_end: list[Answers]
) -> None:
    assert _end_to_end(server_url, template, tmp_path, _known(server_url)) == undisturbed_end_to_end
    assert len(undisturbed_end_to_end[-1]["stored"]) == 97


def test_an_empty_database_is_migrated_whatever_is_set(server_url: str, template: str) -> None:
    name = f"empty_{template}"
    with dropped_afterwards(server_url, [name]):
        with connect(server_url) as admin:
            admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        url = server_url.rpartition("/")[0] + f"/{name}"
        with _set(url, SQL("DATABASE {database}"), _known(server_url)):
            assert migrate(url)
        with connect(url) as connection:
            (schema,) = connection.execute(
                "SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'partition_ledger'"
            ).fetchall()
    assert schema == (SCHEMA,)


def _of_pool(url: str, names: Sequence[str]) -> Said:
    import asyncio

    async def ask() -> Said:
        database = Database(url)
        await database.open()
        try:
            async with database.connection() as connection:
                rows = [await (await connection.execute(f"SHOW {name}".encode())).fetchone() for name in names]
        finally:
            await database.close()
        return tuple(str(next(iter(row.values()))) for row in rows if row)

    return asyncio.run(ask())


def _of_psycopg(open_one: Callable[[str], psycopg.Connection[Any]]) -> Callable[[str, Sequence[str]], Said]:
    def ask(url: str, names: Sequence[str]) -> Said:
        with closing(open_one(url)) as connection:
            rows = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in names]
        return tuple(str(row[0]) for row in rows if row)

    return ask


def _of_sqlalchemy(url: str, names: Sequence[str]) -> Said:
    of_dagster = storage_url(url, str(conninfo_to_dict(url)["dbname"]))
    with create_engine(of_dagster, poolclass=NullPool).connect() as connection:  # as Dagster makes them
        return tuple(str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in names)


def _of_dagster_pool(url: str, names: Sequence[str]) -> Said:
    of_dagster = storage_url(url, str(conninfo_to_dict(url)["dbname"]))
    engine = storage._engine(of_dagster)
    try:
        with engine.connect() as connection:
            return tuple(str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in names)
    finally:
        engine.dispose()


KINDS = {
    "job": _of_psycopg(open_connection),
    "migration": _of_psycopg(lambda url: open_connection(url, autocommit=False)),
    "commit writer": _of_psycopg(open_loop_connection),
    "pool of the API": _of_pool,
    "Dagster's engine": _of_sqlalchemy,
    "Dagster's pool": _of_dagster_pool,
}


@pytest.fixture(scope="module")
def asked_url(server_url: str, template: str) -> Iterator[str]:
    """A database for all tests that only ask what a session has, and leave no setting behind."""
    with fresh_database(server_url, template) as url:
        yield url


@pytest.mark.parametrize("name", ["statement_timeout", "lock_timeout", "idle_session_timeout"])
def test_no_timeout_strikes_before_the_session_has_said_what_it_relies_on(asked_url: str, name: str) -> None:
    begins = SessionStart.of_address(asked_url).at_connect
    of_database = _set(asked_url, SQL("DATABASE {database}"), {name: HOSTILE[name]})
    with of_database, psycopg.connect(asked_url, **begins) as begun:  # type: ignore[arg-type]
        assert begun.execute(f"SHOW {name}".encode()).fetchone() == ("0",)


@pytest.fixture
def hostile_environment(monkeypatch: pytest.MonkeyPatch, server_url: str) -> None:
    """What libpq reads from the environment."""
    monkeypatch.setenv("PGTZ", HOSTILE["timezone"])
    monkeypatch.setenv("PGDATESTYLE", HOSTILE["datestyle"])
    monkeypatch.setenv("PGCLIENTENCODING", HOSTILE["client_encoding"])
    monkeypatch.setenv("PGGEQO", HOSTILE["geqo"])
    monkeypatch.setenv("PGOPTIONS", " ".join(option(*each) for each in _known(server_url).items()))


@pytest.mark.usefixtures("hostile_environment")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_session_has_what_it_relies_on(asked_url: str, kind: str) -> None:
    known = _known(asked_url)
    names = [name for name in RELIED_ON if name in known or name in ALIKE_EVERYWHERE]
    everything = " ".join(option(*each) for each in known.items() if each[0] != "search_path")
    with ExitStack() as stack:
        for scope in SCOPES:
            stack.enter_context(_set(asked_url, scope, known))
        for url in (asked_url, f"{asked_url}?options={quote(everything, safe='')}"):
            said = KINDS[kind](url, names)
            assert dict(zip(names, said, strict=True)) == {name: RELIED_ON[name] for name in names}


@pytest.mark.usefixtures("hostile_environment")
def test_the_environment_changes_no_answer(database_url: str, undisturbed: Answers) -> None:
    assert _trip(database_url) == undisturbed


@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_that_waits_for_the_standbys_too_is_kept(asked_url: str, kind: str) -> None:
    for said, kept in (("remote_apply", "remote_apply"), ("remote_write", "on"), ("local", "on"), ("off", "on")):
        with _set(asked_url, SQL("DATABASE {database}"), {"synchronous_commit": said}):
            assert KINDS[kind](asked_url, ["synchronous_commit"]) == (kept,)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_address_sets_beside_ours_stays(asked_url: str, kind: str) -> None:
    theirs = quote("-c work_mem=5MB --random-page-cost=1.5 -cjit=on", safe="")
    names = ["work_mem", "random_page_cost", "jit"]
    assert KINDS[kind](f"{asked_url}?options={theirs}", names) == ("5MB", "1.5", "off")


def test_the_schema_that_the_address_names_is_used(server_url: str, template: str, tmp_path: Path) -> None:
    name = f"schema_{template}"
    with dropped_afterwards(server_url, [name, f"dagster_{name}"]):
        with connect(server_url) as admin:
            admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        url = server_url.rpartition("/")[0] + f"/{name}"
        with connect(url) as connection:
            connection.execute("CREATE SCHEMA app")
        in_app = f"{url}?options=-csearch_path%3Dapp"
        migrate(in_app)
        with connect(url) as connection:
            query = "SELECT DISTINCT relnamespace::regnamespace::text FROM pg_class WHERE relname = ANY(%s)"
            tables = connection.execute(query, [["partition_ledger", "meters", "alembic_version"]]).fetchall()
        assert tables == [("app",)]
        assert round_trip.use_dagster(in_app, f"dagster_{name}", tmp_path) == {"metadata": 'a\\b "c" ä'}


def test_options_are_read_as_postgresql_reads_them() -> None:
    said = r"-c search_path=app,\ public -cjit=on --work-mem=5MB -e -c Time\Zone=UTC"
    assert settings_of(said) == {"search_path": "app, public", "jit": "on", "work_mem": "5MB", "timezone": "UTC"}
    assert settings_of(option("search_path", 'a b, "c\\d"')) == {"search_path": 'a b, "c\\d"'}


def test_a_server_that_is_not_there_is_told_in_a_sentence() -> None:
    with pytest.raises(DatabaseUnavailableError), connect("postgresql://fleet@127.0.0.1:1/fleetwatt"):
        pass
