"""``fleetwatt upgrade``: the data of an earlier version is brought to this one, or nothing is changed."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from orchestration.home.folder import held
from tests.conftest import fresh_database
from tests.earlier_data import DEVICES, EXPORTED, fill, publish_unversioned
from tests.earlier_schema import bring_to, database_before
from tests.integration.orchestration.conftest import Fleetwatt
from tests.open_folder import open_folder
from warehouse.backup.target import BackupTarget
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.cluster import MAJOR_VERSION, UPGRADED
from warehouse.postgres.embedded.major_upgrade import BEFORE
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import MIGRATIONS, find_revision, head_revision
from warehouse.upgrade import upgrader
from warehouse.upgrade.note import FILE

FIRST_RELEASE = "0003"
EARLIER = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))[:-1]
READINGS = 2 * 1440 * DEVICES


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A home of the first release, with readings and a lake; nothing runs there."""
    with open_folder() as folder:
        server = EmbeddedPostgres(folder / "home")
        try:
            url = server.ensure_running()
            bring_to(url, FIRST_RELEASE)
            with connect(url) as connection:
                fill(connection, FIRST_RELEASE)
                publish_unversioned(connection, folder / "home" / "lake")
        finally:
            server.stop()
        yield folder / "home"


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that the account of the home may enter."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def home(made: Path, folder: Path) -> Iterator[Path]:
    """A copy of it, for one test."""
    subprocess.run(["cp", "-a", made, folder / "home"], check=True)
    yield folder / "home"
    EmbeddedPostgres(folder / "home").stop()


@pytest.fixture
def older(server_url: str) -> Iterator[str]:
    """A database of one's own, of the revision before the newest."""
    with database_before(server_url, MIGRATIONS / "versions" / f"{head_revision()}_.py") as url:
        yield url


def state_of(home: Path) -> tuple[str | None, int]:
    """The schema's revision, and how many readings of meters there are."""
    server = EmbeddedPostgres(home)
    try:
        with connect(server.ensure_running()) as connection:
            row = connection.execute("SELECT count(*) FROM meter_readings").fetchone()
            return find_revision(connection), int(row[0]) if row else 0
    finally:
        server.stop()


def test_a_home_of_the_first_release_is_backed_up_migrated_and_checked(fleetwatt: Fleetwatt, home: Path) -> None:
    target = home.parent / "backups"
    refused = fleetwatt("upgrade", "--home", home)
    assert refused.code == 1
    assert "in the way: there is no backup: name a folder for one" in refused.err
    looked = fleetwatt("upgrade", target, "--home", home, "--dry-run")
    assert looked.code == 4
    assert f"schema: {FIRST_RELEASE}, to be brought to {head_revision()} by" in looked.err
    assert f"server: PostgreSQL {MAJOR_VERSION} of this home" in looked.err
    assert "lake: 1 file in" in looked.err
    assert not target.exists()
    assert state_of(home) == (FIRST_RELEASE, READINGS)
    done = fleetwatt("upgrade", target, "--home", home)
    assert done.code == 0, done.err
    assert "verified, in" in done.err
    assert "no table has fewer rows than before" in done.err
    assert "checked: the schema, the server, and the partitions of the coming days" in done.err
    assert f"upgraded; start it: fleetwatt up --home {home}" in done.err
    assert state_of(home) == (head_revision(), READINGS)
    assert not (home / FILE).exists()
    assert len(list(Lake(home / "lake").store.list())) == 1
    again = fleetwatt("upgrade", "--home", home)
    assert (again.code, again.err.splitlines()[-1]) == (0, "nothing to do")
    (backup,) = BackupTarget(target).backups()
    assert backup.base is not None
    assert (backup.base.schema, backup.lake_files) == (FIRST_RELEASE, 1)


@pytest.mark.long
def test_its_backup_is_of_before_and_comes_back(fleetwatt: Fleetwatt, home: Path) -> None:
    """Its lake had no versions yet."""
    target, new = home.parent / "backups", home.parent / "back"
    assert fleetwatt("upgrade", target, "--home", home).code == 0
    (backup,) = BackupTarget(target).backups()
    assert backup.base is not None
    at = backup.base.restorable_from.isoformat()
    restored = fleetwatt("restore", target, "--home", new, "--at", at)
    assert restored.code == 0, restored.err
    (key,) = Lake(new / "lake").store.list()
    with Lake(new / "lake").store.open(key) as file:
        assert file.read() == EXPORTED
    assert state_of(new) == (head_revision(), READINGS)


def test_one_that_failed_half_way_is_gone_on_with(
    fleetwatt: Fleetwatt, server_url: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with fresh_database(server_url, "template1") as url:
        bring_to(url, "0012")
        monkeypatch.setenv("FLEET_DATABASE_URL", url)
        monkeypatch.setenv("FLEET_HOME", str(folder / "home"))
        with connect(url) as connection:
            connection.execute("CREATE TABLE untold_events ()")  # in the way of 0014
            failed = fleetwatt("upgrade", "--while-running")
            assert failed.code == 1
            assert "the upgrade did not come to its end" in failed.err
            assert find_revision(connection) == "0013"
            connection.execute("DROP TABLE untold_events")
        done = fleetwatt("upgrade")
        assert done.code == 0, done.err
        assert "is gone on with" in done.err
        assert not (folder / "home" / FILE).exists()


@pytest.mark.long
def test_a_home_that_failed_half_way_is_gone_on_with_and_says_the_way_back(fleetwatt: Fleetwatt, home: Path) -> None:
    target = home.parent / "backups"
    with_obstacle(home, "CREATE TABLE findings ()")
    failed = fleetwatt("upgrade", target, "--home", home)
    assert failed.code == 1
    assert re.search(rf"fleetwatt restore {target} --home NEW --at \S+\+00:00", failed.err)
    assert (home / FILE).exists()
    revision, _ = state_of(home)
    assert revision == "0012"
    with_obstacle(home, "DROP TABLE findings")
    done = fleetwatt("upgrade", "--home", home)
    assert done.code == 0, done.err
    assert "is gone on with" in done.err
    assert "is new enough" in done.err
    assert len(BackupTarget(target).backups()) == 1
    assert state_of(home) == (head_revision(), READINGS)


def with_obstacle(home: Path, statement: str) -> None:
    server = EmbeddedPostgres(home)
    with connect(server.ensure_running()) as connection:
        connection.execute(statement.encode())
    server.stop()


def test_rows_that_are_lost_on_the_way_are_told(
    fleetwatt: Fleetwatt, older: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with connect(older) as connection:
        fill(connection, head_revision())

    def loses(url: str, say: object) -> list[str]:
        with connect(url) as connection:
            connection.execute("DELETE FROM vehicle_latest WHERE vehicle_id = 1")
        return migrate(url)

    monkeypatch.setattr(upgrader, "migrate", loses)
    monkeypatch.setenv("FLEET_DATABASE_URL", older)
    ended = fleetwatt("upgrade", "--home", folder / "home")
    assert ended.code == 1
    lost = f"After the upgrade something is missing: vehicle_latest had {DEVICES} rows and has {DEVICES - 1}"
    assert ended.err.splitlines()[-1] == lost


def test_of_a_database_of_ones_own_it_says_what_is_not_backed_up(
    fleetwatt: Fleetwatt, older: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", older)
    monkeypatch.setenv("FLEET_HOME", str(folder / "home"))
    done = fleetwatt("upgrade", folder / "backups")
    assert done.code == 0, done.err
    assert "NOT backed up: the database of FLEET_DATABASE_URL; take its own backup" in done.err
    assert done.err.splitlines()[-1] == "upgraded"
    with connect(older) as connection:
        assert find_revision(connection) == head_revision()
        done_by_hand = "SELECT subject, after ->> 'begun_at_schema' FROM audit_log WHERE action = 'command.run'"
        assert connection.execute(done_by_hand.encode()).fetchall() == [("upgrade", EARLIER[-1])]


def test_nobody_else_may_be_at_work(
    fleetwatt: Fleetwatt, older: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", older)
    monkeypatch.setenv("FLEET_HOME", str(folder / "home"))
    with held(folder / "home"):
        refused = fleetwatt("upgrade")
        assert refused.code == 1
        assert "is in use by process" in refused.err
    with connect(older), psycopg.connect(older):
        refused = fleetwatt("upgrade")
        assert refused.code == 1
        assert "Fleetwatt is at work on this database (1 session of 127.0.0.1); stop it" in refused.err
        assert fleetwatt("upgrade", "--while-running").code == 0


def test_a_disk_without_the_room_is_told_before_anything_is_changed(
    fleetwatt: Fleetwatt, older: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", older)
    monkeypatch.setenv("FLEET_HOME", str(folder / "home"))
    monkeypatch.setattr("warehouse.upgrade.room.LEAST_BYTES", 1 << 60)
    refused = fleetwatt("upgrade")
    assert refused.code == 1
    assert re.search(
        r"in the way: the disk of \S+ has [\d,]+ MB free, and [\d,]+ MB are needed; make room", refused.err
    )


def test_between_two_servers_nothing_starts_until_the_upgrade_is_gone_on_with(
    fleetwatt: Fleetwatt, folder: Path
) -> None:
    """Killed between its two renames: a start would make an empty database."""
    home = folder / "home"
    (home / UPGRADED / "data").mkdir(parents=True)
    (home / UPGRADED / "data" / "PG_VERSION").write_text(MAJOR_VERSION)
    (home / BEFORE).mkdir()
    refused = fleetwatt("migrate", "--home", home)
    assert refused.code == 1
    assert "is between two versions of PostgreSQL, for an upgrade was interrupted; fleetwatt upgrade" in refused.err


def test_data_of_an_earlier_server_needs_its_programs(fleetwatt: Fleetwatt, home: Path, tmp_path: Path) -> None:
    version = home / "postgres" / "PG_VERSION"
    version.write_text("9")
    refused = fleetwatt("upgrade", "--home", home)
    assert refused.code == 1
    assert "its programs are needed once more. They are not in" in refused.err
    assert "/usr/lib/postgresql/9/bin" in refused.err
    named = fleetwatt("upgrade", "--home", home, "--old-programs", tmp_path)
    assert f"They are not in {tmp_path}: install them" in named.err
    started = fleetwatt("migrate", "--home", home)
    assert (
        f"was made by PostgreSQL 9, and this Fleetwatt brings PostgreSQL {MAJOR_VERSION}: fleetwatt upgrade"
        in started.err
    )
    version.write_text(MAJOR_VERSION)


def test_where_there_is_no_database_yet_none_is_made(fleetwatt: Fleetwatt, folder: Path) -> None:
    refused = fleetwatt("upgrade", "--home", folder / "home")
    assert refused.code == 1
    assert "run fleetwatt migrate" in refused.err
    assert not (folder / "home").exists()
