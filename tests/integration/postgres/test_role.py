"""The roles of the embedded server: what none of them may do, and how an older home comes to them."""

import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from orchestration.dagster_runtime.instance import STORAGE_URL, DagsterHome
from tests.open_folder import open_folder
from warehouse.contract.database_roles import APART, Role
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres, roles
from warehouse.postgres.embedded.account import account_for
from warehouse.postgres.embedded.cluster import DATABASE, ROLE, SUPERUSER, create_cluster
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.superuser import superuser_remark

REPOSITORY = Path(__file__).resolve().parents[3]
ATTACKS = [
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY pg_temp.stolen FROM PROGRAM 'id'",
    "COPY pg_temp.stolen FROM '/etc/passwd'",
    "COPY (SELECT 1) TO 'MADE'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_read_binary_file('fleetwatt.password')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('PG_VERSION')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, 'MADE')",
    "ALTER SYSTEM SET fsync = off",
    "SELECT pg_reload_conf()",
    "SET session_preload_libraries = 'auto_explain'",
    "ALTER DATABASE fleetwatt SET session_preload_libraries = 'auto_explain'",
    "CREATE ROLE evil SUPERUSER",
    "CREATE ROLE evil",
    "CREATE DATABASE evil",
    "ALTER ROLE fleetwatt SUPERUSER",
    "ALTER ROLE fleetwatt CREATEDB",
    "ALTER ROLE fleet PASSWORD 'known'",
    "GRANT fleet TO fleetwatt",
    "GRANT pg_execute_server_program TO fleetwatt",
    "SET ROLE fleet",
    "SET ROLE pg_read_server_files",
    "SET SESSION AUTHORIZATION fleet",
    "SELECT rolpassword FROM pg_authid",
    "CREATE EXTENSION file_fdw",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "CREATE FUNCTION evil(text) RETURNS integer LANGUAGE c AS 'libc.so.6', 'system'",
    "CREATE FUNCTION evil() RETURNS integer LANGUAGE internal AS 'pg_backend_pid'",
    "LOAD '/tmp/evil.so'",
    "CREATE LANGUAGE plpython3u",
    "CREATE EVENT TRIGGER evil ON login EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
    "UPDATE pg_catalog.pg_authid SET rolsuper = true",
]
EVIL_FUNCTIONS = """
    CREATE SCHEMA traps;
    CREATE FUNCTION traps.format(text, text, text, text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            ALTER ROLE fleetwatt SUPERUSER;
            RETURN pg_catalog.format($1, $2, $3, $4);
        END $$;
    ALTER DATABASE fleetwatt SET search_path = traps, pg_catalog;
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "new")
    server.ensure_running()
    yield server
    server.stop()


def test_a_first_start_whose_first_connection_times_out_ends_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that is busy enough the server may take longer to let anybody in than a connection waits."""
    open_for_upkeep = roles.open_for_upkeep
    refused: list[tuple[str, ...]] = []

    def refuse_the_first(*address: str) -> psycopg.Connection:
        if not refused:
            refused.append(address)
            raise psycopg.errors.ConnectionTimeout("connection timeout expired")
        return open_for_upkeep(*address)

    server = EmbeddedPostgres(folder / "slow")
    monkeypatch.setattr(roles, "open_for_upkeep", refuse_the_first)
    try:
        with connect(server.ensure_running()) as connection:
            assert connection.info.user == ROLE
        assert refused
    finally:
        server.stop()


@pytest.mark.parametrize("statement", ATTACKS)
def test_a_role_gets_neither_at_the_machine_nor_at_other_roles(server: EmbeddedPostgres, statement: str) -> None:
    made = server.data / "attack"  # where the server could write
    for role in (Role.OWNER, *APART):
        with psycopg.connect(server.running_url(role) or "", autocommit=True) as connection:
            connection.execute("CREATE TEMPORARY TABLE stolen (line text)")
            # An extension that is not shipped is not there to be made; all else is forbidden.
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
                connection.execute(statement.replace("MADE", str(made)).encode())
    assert not made.exists()


def test_a_role_sees_its_own_database_alone(server: EmbeddedPostgres) -> None:
    dagsters = server.dagsters_database("dagster")
    for role in (Role.OWNER, *APART):
        assert server.running_url(role) is not None
        assert server.running_url(role, "dagster") is None
    assert server.running_url(Role.DAGSTER) is None
    with connect(dagsters) as connection:
        assert connection.info.user == Role.DAGSTER
        connection.execute("CREATE TABLE theirs (id bigint)")


def test_passwords_of_roles_are_files_of_their_owner_alone(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    folder = server.home / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = {path.name: path for path in folder.iterdir()}
    assert found.keys() == {f"{role}.password" for role in (*APART, Role.DAGSTER)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found.values()} == {0o600}
    assert {path.stat().st_uid for path in found.values()} == {server.data.stat().st_uid}
    assert len({path.read_text() for path in found.values()}) == len(found)
    assert [path for path in found.values() if path.read_text() in server.log.read_text()] == []


def test_only_scram_is_taken_and_nobody_gets_in_without_a_password(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    with connect(server.upkeep_url()) as admin:
        methods = admin.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'fleet%'").fetchall()
    assert methods == [("scram-sha-256",)]
    assert {password.partition("$")[0] for (password,) in stored} == {"SCRAM-SHA-256"}
    for role in (Role.OWNER, *APART):
        without = make_conninfo(server.running_url(role) or "", password="")
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(without, passfile="/dev/null")


def test_secrets_that_are_lost_are_made_anew_at_the_next_start(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    before = server.running_url(Role.INGEST)
    server.stop()
    shutil.rmtree(server.home / "secrets")
    server.ensure_running()
    after = server.running_url(Role.INGEST)
    assert before
    assert after
    assert urlsplit(after).password != urlsplit(before).password


def test_the_owner_owns_its_database_and_no_role_has_power_beyond(server: EmbeddedPostgres) -> None:
    every = [Role.OWNER, *APART, Role.DAGSTER]
    with connect(server.upkeep_url()) as admin:
        powers = "rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
        attributes = admin.execute(f"SELECT {powers} FROM pg_roles WHERE rolname = ANY(%s)", [every]).fetchall()
        member = admin.execute("SELECT FROM pg_auth_members WHERE member = ANY(%s::regrole[])", [every]).fetchone()
        owner = admin.execute("SELECT datdba::regrole::text FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
    assert attributes == [(False,) * 5] * len(every)
    assert member is None
    assert owner == (ROLE,)


def test_what_was_granted_to_the_role_is_taken_back_at_the_next_start(server: EmbeddedPostgres) -> None:
    with connect(server.upkeep_url()) as admin:
        for role in (Role.OWNER, *APART):
            admin.execute(f"ALTER ROLE {role} SUPERUSER".encode())
            admin.execute(f"GRANT pg_read_server_files, pg_execute_server_program TO {role}".encode())
        admin.execute(f"GRANT {Role.OWNER} TO {Role.INGEST}".encode())
    server.stop()
    server.ensure_running()
    test_the_owner_owns_its_database_and_no_role_has_power_beyond(server)


def test_the_role_lays_no_trap_for_the_superuser(server: EmbeddedPostgres) -> None:
    """Who owns a database may define functions and a search path that the superuser would run into."""
    with connect(server.ensure_running()) as connection:
        connection.execute(EVIL_FUNCTIONS)
    server.stop()
    try:
        with connect(server.ensure_running()) as connection:
            assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (
                False,
            )
    finally:
        with connect(server.ensure_running()) as connection:
            connection.execute("ALTER DATABASE fleetwatt RESET search_path; DROP SCHEMA traps CASCADE")


@pytest.mark.parametrize("role", APART)
def test_a_role_that_owns_nothing_is_let_in_again_that_shut_itself_out(server: EmbeddedPostgres, role: Role) -> None:
    server.ensure_running()
    with connect(server.running_url(role) or "") as connection:
        connection.execute(f"ALTER ROLE {role} SET local_preload_libraries = 'evil'".encode())
        connection.execute(f"ALTER ROLE {role} IN DATABASE fleetwatt SET local_preload_libraries = 'evil'".encode())
        connection.execute(f"ALTER ROLE {role} PASSWORD 'known'".encode())
    server.stop()
    server.ensure_running()
    with connect(server.running_url(role) or "") as connection:
        assert connection.execute("SELECT current_user").fetchone() == (role,)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE fleetwatt SET local_preload_libraries = 'evil'",
        "ALTER ROLE fleetwatt IN DATABASE fleetwatt SET local_preload_libraries = 'evil'",
        "ALTER DATABASE fleetwatt SET local_preload_libraries = 'evil'",
        "ALTER DATABASE fleetwatt CONNECTION LIMIT 0",
        "REVOKE CONNECT ON DATABASE fleetwatt FROM PUBLIC, fleetwatt",
        "REVOKE CONNECT ON DATABASE fleetwatt FROM fleetwatt_ingest",
    ],
)
def test_the_role_is_let_in_again_that_shut_itself_out(server: EmbeddedPostgres, statement: str) -> None:
    with connect(server.ensure_running()) as connection:
        connection.execute(statement.encode())
    server.stop()
    with connect(server.ensure_running()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (ROLE,)


def test_a_database_is_made_for_dagster_once(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    assert server.dagsters_database("a second one") == server.dagsters_database("a second one")
    with connect(server.dagsters_database("a second one")) as connection:
        connection.execute("CREATE TABLE ours (id bigint)")


def test_a_superuser_that_an_address_names_is_remarked_on(server: EmbeddedPostgres) -> None:
    with connect(server.ensure_running()) as ordinary, connect(server.upkeep_url()) as superuser:
        assert superuser_remark(ordinary) is None
        assert f"the role {SUPERUSER} of FLEET_DATABASE_URL is a superuser" in (superuser_remark(superuser) or "")


# --- homes of before the role ---------------------------------------------------------------------------------------


def start_as_before(server: EmbeddedPostgres) -> str:
    """Make and start a server in which the superuser does everything; the superuser's URL."""
    server._files.home.mkdir(exist_ok=True)
    account = account_for(server.data)
    deadline = time.monotonic() + 60
    with server._files.lock(deadline, account) as lock:
        create_cluster(server._files, account, lock)
        return server._start_until_it_answers(account, deadline)


@pytest.fixture(scope="module")
def made_before(folder: Path) -> EmbeddedPostgres:
    """A home with readings and a run of Dagster, all of it the superuser's; it is stopped, and only copied."""
    server = EmbeddedPostgres(folder / "before")
    url = make_conninfo(start_as_before(server), dbname=DATABASE)
    migrate(url)
    with connect(url) as connection:
        make_ahead(connection, datetime.now(UTC), timedelta(days=1), timedelta(hours=2))
        connection.execute("INSERT INTO meters (external_id) VALUES ('meter-1')")
        connection.execute("CREATE VIEW made_by_hand AS SELECT external_id FROM meters")
        connection.execute("CREATE SEQUENCE counted_by_hand")
        connection.execute("CREATE SCHEMA reports")
        connection.execute("CREATE MATERIALIZED VIEW reports.meters AS SELECT external_id FROM public.meters")
        connection.execute("CREATE PROCEDURE reports.nothing() LANGUAGE sql AS ''")
        connection.execute("CREATE DOMAIN reports.share AS real")
        connection.execute("CREATE TYPE reports.pair AS (a real, b real)")
        connection.execute("CREATE STATISTICS reports.about ON external_id, meter_id FROM meters")
        connection.execute("CREATE EXTENSION IF NOT EXISTS plpgsql")
    home = DagsterHome(server.home, "dagster", server.home / "code.sock")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(STORAGE_URL, home.prepare(url)[STORAGE_URL])
        with dg.DagsterInstance.from_config(str(home.folder)) as instance:
            instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.SUCCESS)
    server.stop()
    return server


@pytest.fixture
def old_home(made_before: EmbeddedPostgres, folder: Path) -> Iterator[EmbeddedPostgres]:
    """A copy of it, which is the test's own."""
    home = Path(tempfile.mkdtemp(dir=folder)) / "home"
    home.parent.chmod(0o755)
    subprocess.run(["cp", "-a", made_before.home, home], check=True)  # with the owners of the files
    server = EmbeddedPostgres(home)
    yield server
    server.stop()


def owners(server: EmbeddedPostgres, database: str) -> set[str]:
    """Who owns what lies in the database, but for what PostgreSQL itself brings."""
    ours = "(SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)')"
    with connect(make_conninfo(server.upkeep_url(), dbname=database)) as admin:
        rows = admin.execute(
            f"""
            SELECT relowner::regrole::text FROM pg_class WHERE relnamespace IN {ours}
            UNION ALL SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace IN {ours}
            UNION ALL SELECT typowner::regrole::text FROM pg_type WHERE typnamespace IN {ours}
            UNION ALL SELECT stxowner::regrole::text FROM pg_statistic_ext
            UNION ALL SELECT nspowner::regrole::text FROM pg_namespace
                WHERE oid IN {ours} AND nspname <> 'public'
            UNION ALL SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()
            """
        ).fetchall()
    return {owner for (owner,) in rows}


def test_a_home_of_before_belongs_to_the_roles_after_a_start(old_home: EmbeddedPostgres) -> None:
    url = old_home.ensure_running()
    assert [owners(old_home, name) for name in (DATABASE, "dagster")] == [{ROLE}, {ROLE}]
    dagsters = old_home.dagsters_database("dagster")
    assert [owners(old_home, name) for name in (DATABASE, "dagster")] == [{ROLE}, {Role.DAGSTER}]
    with connect(url) as connection:
        assert connection.execute("SELECT external_id FROM made_by_hand").fetchall() == [("meter-1",)]
        made = make_ahead(connection, datetime.now(UTC), timedelta(days=3), timedelta(hours=2))
        assert made, "it makes and attaches partitions of tables that were another's"
        connection.execute("VACUUM meter_readings")
        connection.execute("REINDEX TABLE CONCURRENTLY meters")
    assert migrate(url) == []
    with connect(dagsters) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        connection.execute("ALTER TABLE runs ADD COLUMN of_a_newer_dagster text")
    old_home.stop()
    assert old_home.ensure_running() == url
    assert owners(old_home, "dagster") == {Role.DAGSTER}, "it stays Dagster's"
    old_home.stop()
    assert old_home.ensure_running() == url, "a second start finds it done"


def test_a_handing_over_that_is_killed_goes_on_at_the_next_start(old_home: EmbeddedPostgres) -> None:
    account = account_for(old_home.data)
    upkeep = old_home._start_until_it_answers(account, time.monotonic() + 60)
    assert old_home.running_url() is None, "it runs as an earlier version left it"
    with psycopg.connect(make_conninfo(upkeep, dbname="dagster")) as other:
        other.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        start = "import sys; from pathlib import Path; from warehouse.postgres.embedded import EmbeddedPostgres;"
        start += "EmbeddedPostgres(Path(sys.argv[1])).ensure_running()"
        with subprocess.Popen([sys.executable, "-c", start, str(old_home.home)], cwd=REPOSITORY) as starter:
            give_up = time.monotonic() + 60
            waits = "SELECT FROM pg_locks WHERE relation = 'runs'::regclass AND NOT granted"
            while other.execute(waits).fetchone() is None and time.monotonic() < give_up:
                time.sleep(0.05)
            starter.kill()
        assert time.monotonic() < give_up, "it never came to Dagster's database"
        other.rollback()
    old_home.ensure_running()
    assert [owners(old_home, name) for name in (DATABASE, "dagster")] == [{ROLE}, {ROLE}]


def test_no_password_is_in_the_log(old_home: EmbeddedPostgres) -> None:
    url = old_home.ensure_running()
    assert SUPERUSER + ":" not in url
    secrets = [(old_home.data / name).read_text() for name in ("fleetwatt.password", "role.password")]
    assert [secret for secret in secrets if secret in old_home.log.read_text()] == []


@dg.job
def nothing() -> None:
    """A job of no steps."""
