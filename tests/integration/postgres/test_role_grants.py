"""What each role may do and what not: the table of grants, held against the catalogue by trying all of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.conftest import Server, fresh_database
from tests.earlier_schema import bring_to
from tests.factories import meter_payload
from tests.integration.lake.stored import post
from tests.own_server import PASSWORD, OwnServer, own_server_in
from warehouse.contract.database_roles import APART, Role
from warehouse.contract.errors import DatabaseUnfitError
from warehouse.contract.partitions import Stream, partition_name
from warehouse.postgres.connection import connect
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead, make_partitions
from warehouse.postgres.partitions.dropping import detach, drop_detached
from warehouse.postgres.roles.grants import FUNCTIONS_OF_PIPELINE, LETTERS, TABLES, VIEWS
from warehouse.postgres.roles.settling import settle_roles

own_server = pytest.fixture(own_server_in)
AsRole = Callable[[Role], str]
TODAY = datetime.now(UTC).date()
"""Of one test run; a partition of each day around it is there."""
NAMES = """
    SELECT relname, relkind FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S') AND NOT (relkind = 'S' AND EXISTS (
        SELECT FROM pg_depend WHERE objid = pg_class.oid AND classid = 'pg_class'::regclass AND deptype = 'i'
    ))
"""
"""Tables, and the sequences that are no identity column's."""
FIRST_COLUMN = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1"
TRIES = {
    "SELECT": "SELECT 1 FROM {table} LIMIT 0",
    "INSERT": "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE FALSE",
    "DELETE": "DELETE FROM {table} WHERE FALSE",
}
NEVER = (
    "TRUNCATE {table} CASCADE",
    "ALTER TABLE {table} ADD COLUMN evil integer",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} OWNER TO CURRENT_USER",
    "DROP TABLE {table} CASCADE",
    "CREATE INDEX ON {table} ({column})",
    "CREATE TRIGGER evil BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE evil AS ON INSERT TO {table} DO INSTEAD NOTHING",
)
ATTACKS = (
    "CREATE TABLE evil ()",
    "CREATE FUNCTION format(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
    "CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
    "CREATE SCHEMA evil",
    "CREATE OR REPLACE FUNCTION refuse_to_rewrite_events() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION refuse_to_rewrite_events() CASCADE",
    "SET session_replication_role = replica",
    "SELECT drop_partition_table('findings', '2026-02-08', FALSE)",
    "SELECT make_partition_table('findings', '2026-02-08', FALSE)",
    "SELECT drop_unfinished_index('meters_pkey')",
)


def tables_of(connection: psycopg.Connection) -> list[str]:
    """Every table, partitions too."""
    return sorted(name for name, kind in connection.execute(NAMES.encode()) if kind != "S")


def stream_of(table: str) -> str:
    """Of a day's partition its stream."""
    return next((stream for stream in Stream if table.startswith(f"{stream}_2")), table)


@contextmanager
def undone(connection: psycopg.Connection) -> Iterator[None]:
    """Whatever it does is taken back."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL lock_timeout = '10s'")
        yield


def is_allowed(connection: psycopg.Connection, statement: bytes) -> bool:
    """Whether a role may do it; that the row would be a bad one, or a trigger refuses, is another matter."""
    try:
        with undone(connection):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except (psycopg.errors.IntegrityError, psycopg.errors.RaiseException):
        pass
    return True


def test_every_table_and_sequence_has_a_line_in_the_table_of_grants(connection: psycopg.Connection) -> None:
    found = connection.execute(NAMES.encode()).fetchall()
    partitions = {name for name, _ in found if stream_of(name) != name}
    assert len(partitions) > 2 * 14
    assert {name for name, _ in found} - partitions == TABLES.keys(), "say in grants.py who may do what with it"
    views = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
    assert {name for (name,) in connection.execute(views.encode())} == VIEWS.keys()
    sequences = {name for name, kind in found if kind == "S"}
    assert {name for name, grants in TABLES.items() if "N" in "".join(grants)} == sequences


@pytest.mark.parametrize("role", APART)
def test_a_role_may_do_what_the_table_of_grants_says_and_nothing_else(
    connection: psycopg.Connection, as_role: AsRole, role: Role
) -> None:
    wrong = []
    with connect(as_role(role)) as session:
        for table in tables_of(connection):
            grants = TABLES[stream_of(table)].of(role)
            ((column,),) = connection.execute(FIRST_COLUMN, [table]).fetchall()
            names = {"table": Identifier(table), "column": Identifier(column)}
            for privilege, statement in TRIES.items():
                tried = SQL(statement).format(**names).as_bytes(session)
                if is_allowed(session, tried) != (privilege in grants):
                    wrong.append(f"{role}: {privilege} on {table}")
            for statement in NEVER:
                if is_allowed(session, SQL(statement).format(**names).as_bytes(session)):
                    wrong.append(f"{role}: {statement.format(table=table, column=column)}")
    assert wrong == []


@pytest.mark.parametrize("role", APART)
def test_what_the_catalogue_says_of_a_role_is_what_the_table_of_grants_says(
    connection: psycopg.Connection, as_role: AsRole, role: Role
) -> None:
    """What cannot be tried without doing it, and what nobody thought of trying."""
    name = urlsplit(as_role(role)).username
    granted = """
        SELECT relname, privilege_type FROM pg_class CROSS JOIN aclexplode(relacl)
        WHERE relnamespace = 'public'::regnamespace AND grantee IN (0, %s::regrole)
    """
    found = connection.execute(granted.encode(), [name]).fetchall()
    every = [*tables_of(connection), *(name for name, grants in TABLES.items() if "N" in "".join(grants))]
    expected = {(table, privilege) for table in every for privilege in TABLES[stream_of(table)].of(role)}
    expected |= {(view, privilege) for view, grants in VIEWS.items() for privilege in grants.of(role)}
    assert set(found) == expected
    ours = "SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    columns = f"SELECT FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid IN ({ours})"
    assert connection.execute(columns.encode()).fetchall() == [], "nothing is granted by columns"
    calls = """
        SELECT proname FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prosecdef AND has_function_privilege(%s, oid, 'EXECUTE')
    """
    may_call = {name for (name,) in connection.execute(calls.encode(), [name])}
    functions = {each.partition("(")[0] for each in FUNCTIONS_OF_PIPELINE}
    assert may_call == (functions if role == Role.PIPELINE else set())


@pytest.mark.parametrize("role", APART)
@pytest.mark.parametrize("statement", ATTACKS)
def test_a_role_makes_nothing_of_its_own_and_changes_no_rule(as_role: AsRole, role: Role, statement: str) -> None:
    refused = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)
    with connect(as_role(role)) as session, pytest.raises(refused), undone(session):
        session.execute(statement.encode())


@pytest.mark.parametrize("role", [Role.INGEST, Role.READ])
@pytest.mark.parametrize("function", FUNCTIONS_OF_PIPELINE)
def test_partitions_are_the_pipelines_alone(as_role: AsRole, role: Role, function: str) -> None:
    name, _, types = function.partition("(")
    arguments = ", ".join(f"NULL::{each}" for each in types.rstrip(")").split(", "))
    with connect(as_role(role)) as session, pytest.raises(psycopg.errors.InsufficientPrivilege), undone(session):
        session.execute(f"SELECT {name}({arguments})".encode())


def test_the_pipeline_drops_no_day_that_is_attached(connection: psycopg.Connection, as_role: AsRole) -> None:
    with connect(as_role(Role.PIPELINE)) as session, pytest.raises(psycopg.errors.RaiseException, match="detached"):
        drop_detached(session, Stream.METER_READINGS, TODAY)
    there = connection.execute("SELECT to_regclass(%s)", [partition_name(Stream.METER_READINGS, TODAY)])
    assert there.fetchone() != (None,)


def test_names_that_a_role_plants_are_not_what_the_owners_functions_find(as_role: AsRole) -> None:
    """A temporary table comes first for whoever made it, and is nobody's trap for the owner."""
    with connect(as_role(Role.PIPELINE)) as session:
        session.execute("CREATE TEMPORARY TABLE meter_readings (ts timestamptz, evil integer)")
        session.execute("CREATE TEMPORARY TABLE pg_inherits (inhrelid oid)")
        day = TODAY - timedelta(days=20)
        assert len(make_partitions(session, [day], timedelta(hours=2))) == len(Stream)
        with pytest.raises(psycopg.errors.RaiseException, match="detached"):
            drop_detached(session, Stream.METER_READINGS, day)


def test_days_that_the_pipeline_makes_are_of_use_to_everybody_until_it_drops_them(
    connection: psycopg.Connection, as_role: AsRole
) -> None:
    day = TODAY + timedelta(days=30)
    with connect(as_role(Role.PIPELINE)) as pipeline:
        assert len(make_partitions(pipeline, [day], timedelta(hours=2))) == len(Stream)
        name = partition_name(Stream.METER_READINGS, day)
        owner = "SELECT relowner::regrole::text, reloptions FROM pg_class WHERE relname = ANY(%s) ORDER BY relname"
        made, before = connection.execute(owner, [[name, partition_name(Stream.METER_READINGS, TODAY)]]).fetchall()
        assert made == before, "it is the owner's, as those of before"
        with connect(as_role(Role.INGEST)) as ingest:
            store = "INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (1, %s, 1)"
            ingest.execute(store, [datetime(day.year, day.month, day.day, tzinfo=UTC)])
        with connect(as_role(Role.READ)) as read:
            assert read.execute(SQL("SELECT kwh FROM {}").format(Identifier(name))).fetchall() == [(1.0,)]
        pipeline.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(name)))
        pipeline.execute(SQL("REINDEX INDEX CONCURRENTLY {}").format(Identifier(f"{name}_pkey")))
        vacuumed = "SELECT reltuples FROM pg_class WHERE relname = %s"
        assert connection.execute(vacuumed, [name]).fetchone() == (1.0,), "a vacuum that is refused only warns"
        assert detach(pipeline, Stream.METER_READINGS, day)
        drop_detached(pipeline, Stream.METER_READINGS, day)
    assert connection.execute("SELECT to_regclass(%s)", [name]).fetchone() == (None,)


def test_days_of_before_the_roles_are_of_use_too(postgres_server: Server) -> None:
    with fresh_database(postgres_server.url, "template1") as url:
        bring_to(url, "0024")
        with connect(url) as owner:
            make_as_before(owner)
        migrate(url)
        addresses = {role: postgres_server.address(role, url) for role in APART}
        assert settle_roles(url, addresses).keys() == set(APART)
        with connect(addresses[Role.INGEST]) as ingest:
            post(ingest, [meter_payload()])
        with connect(addresses[Role.READ]) as read:
            of_day = SQL("SELECT count(*) FROM {}").format(Identifier(partition_name(Stream.METER_READINGS, TODAY)))
            assert read.execute(of_day).fetchone() == (1,)


def make_as_before(owner: psycopg.Connection) -> None:
    """Today's partitions, as a version made them that knew no roles."""
    for stream in Stream:
        name, parent = Identifier(partition_name(stream, TODAY)), Identifier(stream)
        owner.execute(SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(name, parent))
        ends = SQL("FROM ('{}') TO ('{}')").format(SQL(f"{TODAY}Z"), SQL(f"{TODAY + timedelta(days=1)}Z"))
        owner.execute(SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES {}").format(parent, name, ends))
        add = "INSERT INTO partition_ledger (stream, day, late_after, seal_after) VALUES (%s, %s, %s, %s)"
        owner.execute(add, [stream, TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=2)])


def test_what_a_role_was_granted_beside_the_table_is_taken_back(
    connection: psycopg.Connection, database_url: str, as_role: AsRole
) -> None:
    ingest = urlsplit(as_role(Role.INGEST)).username or ""
    day = Identifier(partition_name(Stream.VEHICLE_READINGS, TODAY))
    for table in (Identifier("finding_events"), Identifier("meter_readings"), day):
        connection.execute(SQL("GRANT DELETE, TRUNCATE ON {} TO {}").format(table, Identifier(ingest)))
    connection.execute(SQL("GRANT CREATE ON SCHEMA public TO PUBLIC, {}").format(Identifier(ingest)))
    connection.execute(SQL("REVOKE INSERT ON late_rows FROM {}").format(Identifier(ingest)))
    settle_roles(database_url, {role: as_role(role) for role in APART})
    test_what_the_catalogue_says_of_a_role_is_what_the_table_of_grants_says(connection, as_role, Role.INGEST)
    with connect(as_role(Role.INGEST)) as session, pytest.raises(psycopg.errors.InsufficientPrivilege), undone(session):
        session.execute("CREATE TABLE evil ()")


def test_what_a_role_may_not_do_is_told_in_a_sentence(connection: psycopg.Connection, as_role: AsRole) -> None:
    name = urlsplit(as_role(Role.READ)).username or ""
    connection.execute(SQL("REVOKE ALL ON meters FROM {}").format(Identifier(name)))
    said = "permission denied for table meters; fleetwatt migrate grants"
    with pytest.raises(DatabaseUnfitError, match=said), connect(as_role(Role.READ)) as session:
        session.execute("SELECT FROM meters")


# --- roles of a server of one's own ---------------------------------------------------------------------------------


def test_a_role_that_cannot_be_made_is_told_and_all_goes_on_as_one(database_url: str) -> None:
    said: list[str] = []
    nobody = urlunsplit(urlsplit(database_url)._replace(netloc=f"nobody_{os.getpid()}:x@127.0.0.1"))
    owner = urlsplit(database_url).username
    useful = settle_roles(database_url, {Role.INGEST: nobody, Role.READ: database_url}, said.append)
    assert useful == {Role.READ: database_url}, "the owner's own address is of use as it is"
    assert said == [
        f"{owner} may not make the role nobody_{os.getpid()}, so what was to work as it works as {owner}; as an "
        f"administrator run: CREATE ROLE nobody_{os.getpid()} LOGIN PASSWORD '...', then fleetwatt migrate"
    ]


def test_roles_that_are_missing_are_made_by_an_owner_who_may(own_server: OwnServer) -> None:
    addresses, said = own_server.addresses, list[str]()
    migrate(own_server.url)
    for _ in range(2):
        useful = settle_roles(own_server.url, addresses, said.append)
    assert (useful, said) == (addresses, [])
    named = {role: urlsplit(address).username for role, address in addresses.items()}
    with connect(addresses[Role.PIPELINE]) as pipeline:
        assert pipeline.info.user == named[Role.PIPELINE]
        assert pipeline.info.password == PASSWORD
        assert make_ahead(pipeline, datetime.now(UTC), timedelta(days=1), timedelta(hours=2))
    with connect(addresses[Role.INGEST]) as ingest:
        post(ingest, [meter_payload()])
    with connect(addresses[Role.READ]) as read:
        assert read.execute("SELECT count(*) FROM meter_readings").fetchone() == (1,)
        powers = "SELECT FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolcreatedb OR rolcreaterole)"
        assert read.execute(powers, [list(named.values())]).fetchall() == []


def test_letters_stand_for_one_privilege_each() -> None:
    assert all(set("".join(grants)) <= LETTERS.keys() for grants in TABLES.values())
    assert not any("T" in grants for grants in TABLES.values())
