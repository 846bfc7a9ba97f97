"""Dagster's own folder and database, as Dagster reads them; and what it knows of a run's process."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.instance.config import PoolGranularity
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster_postgres import PostgresEventLogStorage
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url
from sqlalchemy.event import listen

from orchestration.dagster_runtime.first_partition import first_partition
from orchestration.dagster_runtime.instance import STORAGE_URL, DagsterHome
from orchestration.dagster_runtime.own_database import DagsterDatabaseError, make_database, storage_url
from orchestration.dagster_runtime.run_coordinator import PooledRunCoordinator
from orchestration.dagster_runtime.run_launcher import WatchedRunLauncher, runs_since
from orchestration.dagster_runtime.services import DagsterProcesses, socket_folder
from tests.dropped_database import drop_database
from warehouse.contract.errors import HomeError
from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.creation import make_partitions
from warehouse.settings import FleetSettings

_numbers = count(1)


@pytest.fixture
def database(admin_url: str) -> Iterator[str]:
    """A name for Dagster's database that nobody else has."""
    name = f"dagster_{os.getpid()}_{next(_numbers)}"
    yield name
    with connect(admin_url) as admin:
        drop_database(admin, name)


@pytest.fixture
def home(tmp_path: Path, database: str) -> DagsterHome:
    return DagsterHome(tmp_path, database, tmp_path / "code.sock")


@pytest.fixture
def instance(home: DagsterHome, server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv(STORAGE_URL, home.prepare(server_url)[STORAGE_URL])
    with dg.DagsterInstance.from_config(str(home.folder)) as instance:
        yield instance


def test_dagster_works_with_what_is_written(instance: dg.DagsterInstance, home: DagsterHome) -> None:
    assert instance.get_runs_count() == 0
    assert isinstance(instance.run_launcher, WatchedRunLauncher)
    assert not instance.telemetry_enabled
    assert instance.run_monitoring_enabled
    assert (instance.run_retries_max_retries, instance.run_retries_retry_on_asset_or_op_failure) == (2, False)
    assert isinstance(instance.run_coordinator, PooledRunCoordinator)
    concurrency = instance.get_concurrency_config()
    assert concurrency.run_queue_config is not None
    assert concurrency.run_queue_config.max_concurrent_runs == 2
    assert (concurrency.pool_config.pool_granularity, concurrency.pool_config.default_pool_limit) == (
        PoolGranularity.RUN,
        1,
    )
    assert "secret" not in (home.folder / "dagster.yaml").read_text()


def test_a_start_on_what_is_there_changes_nothing(home: DagsterHome, server_url: str) -> None:
    first = home.prepare(server_url)
    before = {path: path.read_bytes() for path in home.folder.iterdir()}
    assert home.prepare(server_url) == first
    assert {path: path.read_bytes() for path in home.folder.iterdir()} == before


@pytest.mark.parametrize("in_web_server", [False, True])
def test_connections_that_a_restart_cut_go_unnoticed(
    instance: dg.DagsterInstance, server_url: str, database: str, *, in_web_server: bool
) -> None:
    if in_web_server:
        instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3600, max_overflow=20)
        with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "15s"
    assert instance.get_runs_count() == 0
    with connect(server_url) as admin:
        cut = admin.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = %s AND backend_type = 'client backend'",  # not the server's own that vacuums there
            [database],
        ).fetchone()
    assert cut is not None
    assert cut[0] > 0, "they are kept open, to be used again"
    assert instance.get_runs_count() == 0


def test_the_schema_is_looked_at_once(instance: dg.DagsterInstance) -> None:
    made = dg.AssetMaterialization("meters", partition="2026-02-08", tags={"dagster/data_version": "1"})
    instance.report_runless_asset_event(made)
    statements: list[str] = []
    storage = instance.event_log_storage
    assert isinstance(storage, PostgresEventLogStorage)
    with storage.index_connection() as connection:
        listen(connection.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    instance.report_runless_asset_event(made)
    assert any("INSERT INTO event_logs" in statement for statement in statements)
    assert not [statement for statement in statements if "pg_catalog" in statement]


def test_who_may_not_make_the_database_is_told_what_to_run(admin_url: str, server_url: str, database: str) -> None:
    role = f"{database}_user"
    with connect(admin_url) as admin:
        try:
            admin.execute(SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(Identifier(role)))
        except psycopg.errors.InsufficientPrivilege:
            pytest.skip("the role of the tests may not make others")
        try:
            account = make_url(admin_url).set(username=role, password="x")  # noqa: S106 - made for this test
            url = account.render_as_string(hide_password=False)
            with pytest.raises(DagsterDatabaseError, match=f"CREATE DATABASE {database} OWNER {role}"):
                make_database(url, database)
            admin.execute(SQL("CREATE DATABASE {}").format(Identifier(database)))
            make_database(url, database)
        finally:
            admin.execute(SQL("DROP ROLE {}").format(Identifier(role)))


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://fleet:p%40ss%2F%3A@db.internal:5433/fleetwatt?sslmode=require",
        "postgresql://fleet@[::1]/fleetwatt",
        "postgresql:///fleetwatt?host=%2Frun%2Fmy%20postgres&user=fleet",
        "host=db.internal dbname=fleetwatt user=fleet password='p@ss/:'",
    ],
)
def test_the_storage_is_another_database_of_the_same_server(given: str) -> None:
    url = storage_url(given, "dagster")
    expected = {**conninfo_to_dict(given), "dbname": "dagster"}
    assert conninfo_to_dict(url) == expected, "as libpq reads it"
    parsed = make_url(url)
    read: dict[str, object] = {
        "user": parsed.username,
        "password": parsed.password,
        "host": parsed.host,
        "dbname": parsed.database,
    }
    read |= {"port": str(parsed.port) if parsed.port else None, **parsed.query}
    if parsed.host is None and "host" in parsed.query:
        read["host"] = parsed.query["host"]
    assert {name: value for name, value in read.items() if value} == expected, "as SQLAlchemy reads it"


def test_a_process_is_told_from_one_that_has_its_id_now() -> None:
    now = time.time()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert runs_since(process.pid, now + 1)
        assert not runs_since(process.pid, now - 3600), "another process had this id an hour ago"
        process.kill()
        process.wait()
        assert not runs_since(process.pid, now + 1)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_run_whose_process_is_gone_is_found(instance: dg.DagsterInstance, process: subprocess.Popen[bytes]) -> None:
    def started(grpc_info: str) -> dg.DagsterRun:
        run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags={GRPC_INFO_TAG: grpc_info})
        instance.report_engine_event("Started process", run, EngineEventData.in_process(process.pid))
        return run

    here, elsewhere = (
        started('{"host": "localhost", "socket": "/tmp/code.sock"}'),
        started('{"host": "h", "port": 4000}'),
    )
    launcher = instance.run_launcher
    assert launcher.check_run_worker_health(here).status == WorkerStatus.RUNNING
    process.kill()
    process.wait()
    gone = launcher.check_run_worker_health(here)
    assert (gone.status, gone.msg) == (WorkerStatus.FAILED, f"process {process.pid} is gone")
    assert launcher.check_run_worker_health(elsewhere).status == WorkerStatus.RUNNING, "nothing can be said from here"


def test_the_code_servers_folder_is_the_same_at_each_start(tmp_path: Path) -> None:
    with socket_folder(tmp_path / "home") as first:
        assert first.stat().st_mode & 0o777 == 0o700
    assert not first.exists()
    first.mkdir(mode=0o700)  # as kill -9 leaves it
    with socket_folder(tmp_path / "home") as again, socket_folder(tmp_path / "other home") as other:
        assert again == first
        assert other != first


def test_a_folder_that_others_may_enter_is_not_trusted(tmp_path: Path) -> None:
    with socket_folder(tmp_path) as folder:
        folder.chmod(0o755)
        with pytest.raises(HomeError, match=f"{folder} is needed and not ours alone"), socket_folder(tmp_path):
            pass


def test_one_dagster_a_home(tmp_path: Path) -> None:
    settings = FleetSettings(_env_file=None, home=tmp_path)
    with (
        DagsterProcesses.of(settings),
        pytest.raises(HomeError, match=f"dagster is in use by process {os.getpid()}"),
        DagsterProcesses.of(settings),
    ):
        pass


def test_partitions_begin_with_what_is_expected_until_there_are_readings(
    tmp_path: Path, database_url: str, connection: psycopg.Connection, database: str
) -> None:
    settings = FleetSettings(_env_file=None, home=tmp_path, database_url=database_url, dagster_database=database)
    today = datetime.now(UTC).date()
    with DagsterProcesses.of(settings) as processes:
        processes.prepare(database_url)
        assert first_partition(settings) == today - timedelta(days=7), "the oldest that a device may send"
        processes.prepare(database_url, today - timedelta(days=3))
        assert first_partition(settings) == today - timedelta(days=3)
        make_partitions(connection, [today - timedelta(days=days) for days in (400, 30, 20)], timedelta(hours=2))
        noon = datetime.now(UTC).replace(hour=12) - timedelta(days=30)
        connection.execute("INSERT INTO meter_readings (ts, kwh, meter_id) VALUES (%s, 1, 1)", [noon])
        processes.prepare(database_url, today - timedelta(days=3))
        assert first_partition(settings) == today - timedelta(days=30)


def test_only_our_code_is_told_of_the_fleets_database_and_none_of_a_secret_of_the_api(
    tmp_path: Path, server_url: str, database: str
) -> None:
    hook = "https://chat.example/hook"
    settings = FleetSettings(
        _env_file=None, home=tmp_path, database_url=server_url, dagster_database=database, alert_webhook=hook
    )
    with DagsterProcesses.of(settings) as processes:
        processes.prepare(server_url)
        given = {child.name: child for child in processes.children()}
    assert given.keys() == {"dagster code-server", "dagster webserver", "dagster daemon"}
    ours = {name: {each for each in child.environment if each.startswith("FLEET_")} for name, child in given.items()}
    assert ours.pop("dagster code-server") == {
        STORAGE_URL,
        "FLEET_DATABASE_URL",
        "FLEET_PIPELINE_URL",
        "FLEET_HOME",
        "FLEET_DAGSTER_DATABASE",
        "FLEET_ALERT_WEBHOOK",
    }
    assert list(ours.values()) == [{STORAGE_URL}, {STORAGE_URL}]
    assert not any(child.inherits("FLEET_ADMIN_TOKEN") for child in given.values())


def test_a_home_whose_name_dagster_takes_for_a_pattern_is_refused(tmp_path: Path) -> None:
    settings = FleetSettings(_env_file=None, home=tmp_path / "home [1]")
    with pytest.raises(HomeError, match="choose another with --home"), DagsterProcesses.of(settings):
        pass


@dg.job
def nothing() -> None:
    """A job of no steps."""
