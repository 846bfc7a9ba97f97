"""The drill: a home is backed up while it works, everything else is lost, and it is there again as it was."""

import json
import re
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.audited import audited
from tests.integration.orchestration.backup.conftest import History
from tests.integration.orchestration.backup.fleet_home import DAY, flip_a_byte, readings_in
from tests.integration.orchestration.conftest import Fleetwatt
from tests.open_folder import open_folder
from warehouse.backup import recover
from warehouse.backup.errors import BackupTargetError, RestoreError
from warehouse.contract.partitions import Stream
from warehouse.contract.users import Role
from warehouse.disk import Disk
from warehouse.lake.publish import is_intact
from warehouse.lake.storage.lake import Lake
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.access.token_store import list_tokens, revoke_token
from warehouse.postgres.access.user_store import add_user, list_users
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.wal.archive import wal_folder


@pytest.fixture
def new_home() -> Iterator[Path]:
    """Where there is none yet."""
    with open_folder() as folder:
        yield folder / "home"


def test_the_database_is_there_as_it_was_at_an_instant_with_its_lake(
    fleetwatt: Fleetwatt, history: History, new_home: Path
) -> None:
    restored = fleetwatt("restore", history.fleet.target.path, "--home", new_home, "--at", history.between.isoformat())
    assert restored.code == 0, restored.err
    assert "the last reading is of" in restored.err
    assert f"{DAY} 00:02:00Z" in restored.err
    assert "0 files of the lake missing or damaged" in restored.err
    server = EmbeddedPostgres(new_home)
    try:
        url = server.ensure_running()
        assert readings_in(url) == 2
        assert_access_is_the_newest(url, history)
        assert "1 token and 1 user get in, as far as the archive knows, until" in restored.err
        assert f"let in: {history.newer} (charger 7 again); if they are why" in restored.err
        with connect(url) as connection:
            assert is_intact(connection, Lake(new_home / "lake"), Stream.METER_READINGS, DAY)
            connection.execute("CREATE TABLE written (i int)")  # it is an ordinary server again
            (told,) = audited(connection, subject="restore")
            assert (told["actor_kind"], told["after"]["backup"]) == ("command line", history.backup.name)
    finally:
        server.stop()
    assert {path.name for path in new_home.iterdir()} <= {"postgres", "postgres.lock", "secrets", "lake", "logs"}


def assert_access_is_the_newest(url: str, history: History) -> None:
    """What was revoked behind the instant stays so, and nobody is signed in."""
    with connect(url) as connection:
        states = {each.token_id: each.state(datetime.now(UTC)) for each in list_tokens(connection)}
        assert states == {history.stolen: "revoked", history.newer: "valid"}
        assert {each.name: each.state for each in list_users(connection)} == {"maria": "disabled", "nina": "enabled"}
        assert connection.execute("SELECT count(*) FROM user_sessions").fetchone() == (0,)
        for subject, acts in (
            (history.stolen, ["token.create", "token.revoke"]),
            (history.newer, ["token.create"]),
            ("maria", ["user.add", "user.disable"]),
        ):
            assert [each["action"] for each in audited(connection, subject=subject)] == acts, "once each"
        # Numbers go on behind those that are there.
        assert revoke_token(connection, history.newer).revoked_at
        add_user(connection, "olga", Role.VIEWER, "correct horse battery")


@pytest.mark.long
def test_without_an_instant_all_is_there_that_was_archived_and_a_backup_begins_anew(
    fleetwatt: Fleetwatt, history: History, new_home: Path
) -> None:
    target = history.fleet.target
    assert fleetwatt("restore", target.path, "--home", new_home).code == 0
    with open_folder() as folder:
        made = fleetwatt("backup", folder / "other", "--home", new_home)
        assert made.code == 0, made.err
        server = EmbeddedPostgres(new_home)
        archive = server.wal_archive.read()
        assert archive is not None
        assert history.backup.base is not None
        assert archive.id != history.backup.base.wal_archive
        try:
            assert readings_in(server.ensure_running()) == 3
        finally:
            server.stop()
        assert fleetwatt("restore", folder / "other", "--home", new_home.parent / "again").code == 0
        again = EmbeddedPostgres(new_home.parent / "again")
        try:
            assert readings_in(again.ensure_running()) == 3
        finally:
            again.stop()


def test_backups_are_listed_with_the_instants_they_can_be_brought_to(fleetwatt: Fleetwatt, history: History) -> None:
    listed = fleetwatt("backup", "--list", history.fleet.target.path, "--json")
    (found,) = json.loads(listed.out)
    assert found["name"] == history.backup.name
    assert found["restorableFrom"] <= history.between.isoformat() <= found["restorableTo"]
    assert found["lakeFiles"] == history.backup.lake_files > 0
    assert history.backup.name in fleetwatt("backup", "--list", history.fleet.target.path).out


def test_nobody_else_may_read_a_backup(history: History) -> None:
    root = history.fleet.target.path
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")]}
    assert modes <= {0o700, 0o600}


def test_no_secret_of_the_settings_is_in_it(history: History) -> None:
    text = (history.fleet.target.folder(history.backup) / "settings.env").read_text()
    assert text.startswith("# Settings of the fleet")
    assert "FLEET_HOME" not in text


def test_an_instant_that_cannot_be_had_is_refused_in_a_sentence(
    fleetwatt: Fleetwatt, history: History, new_home: Path
) -> None:
    target = history.fleet.target.path
    early = fleetwatt("restore", target, "--home", new_home, "--at", (history.between - timedelta(days=1)).isoformat())
    assert early.code == 1
    assert re.search(r"is before the oldest backup, which can be brought back from \S+Z on", early.err)
    late = fleetwatt("restore", target, "--home", new_home, "--at", (history.between + timedelta(days=1)).isoformat())
    assert late.code == 1
    assert re.search(r"is after the newest instant that backup \S+ can be brought to, \S+Z", late.err)
    assert not new_home.exists()


def test_a_disk_without_the_room_is_told_before_anything_is_copied(
    fleetwatt: Fleetwatt, history: History, new_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover, "disk_of", lambda home: Disk(home, 10**9, 10**6))
    refused = fleetwatt("restore", history.fleet.target.path, "--home", new_home)
    assert refused.code == 1
    assert f"and the disk of {new_home} has 1 MB free; make room" in refused.err
    assert not new_home.exists()


def test_a_home_that_holds_something_is_left_alone(fleetwatt: Fleetwatt, history: History, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    refused = fleetwatt("restore", history.fleet.target.path, "--home", tmp_path)
    assert refused.code == 1
    assert "is not empty; name a folder that is empty" in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "what",
    ["base", "wal", pytest.param("missing", marks=pytest.mark.long), pytest.param("manifest", marks=pytest.mark.long)],
)
def test_a_damaged_backup_is_refused_and_nothing_is_left(
    fleetwatt: Fleetwatt, history: History, new_home: Path, what: str
) -> None:
    assert history.backup.base is not None
    copy = new_home.parent / "backups"
    shutil.copytree(history.fleet.target.path, copy)
    base = copy / "backups" / history.backup.name / "postgres"
    wal = sorted(wal_folder(copy, history.backup.base.wal_archive).glob("0*.zst"))
    match what:
        case "base":
            flip_a_byte(max(base.glob("base/*/*"), key=lambda path: path.stat().st_size))
        case "wal":
            flip_a_byte(wal[-1])
        case "missing":
            (base / "global" / "pg_control").unlink()
        case "manifest":
            flip_a_byte(base / "backup_manifest", 100)
    refused = fleetwatt("restore", copy, "--home", new_home, "--at", history.between.isoformat())
    assert refused.code == 1
    assert refused.err.splitlines()[-1].startswith("The backup is damaged: ")
    assert not new_home.exists() or list(new_home.iterdir()) == []


def test_a_half_backup_is_none(fleetwatt: Fleetwatt, history: History, tmp_path: Path) -> None:
    copy = tmp_path / "backups"
    shutil.copytree(history.fleet.target.path, copy)
    whole = copy / "backups" / history.backup.name
    (whole / "backup.json").unlink()  # the last file that is written
    listed = fleetwatt("backup", "--list", copy)
    assert (listed.code, "there is no whole backup" in listed.err) == (0, True)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("s3://bucket/fleet", "s3:// is not supported yet: name a folder"),
        ("{home}/backups", "lie in each other"),
        ("{full}", "holds other files; name an empty folder"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused(
    fleetwatt: Fleetwatt, history: History, tmp_path: Path, target: str, why: str
) -> None:
    (tmp_path / "mine").touch()
    named = target.format(home=history.fleet.home, full=tmp_path)
    refused = fleetwatt("backup", named, "--home", history.fleet.home)
    assert refused.code == 1
    assert why in refused.err


def test_what_a_killed_restore_left_is_removed_by_the_next(new_home: Path) -> None:
    with recover.made_aside(new_home) as aside:
        make_folders(aside, "lake", "postgres")
    assert {path.name for path in new_home.iterdir()} == {"lake", "postgres"}
    with pytest.raises(RestoreError, match="is not empty"), recover.made_aside(new_home):
        pass
    shutil.rmtree(new_home / "postgres")
    make_folders(new_home, "restoring")  # killed while it was moving what it had made
    with recover.made_aside(new_home) as aside:
        assert [path.name for path in new_home.iterdir()] == ["restoring"]
        make_folders(aside, "postgres")
    assert [path.name for path in new_home.iterdir()] == ["postgres"]


def make_folders(folder: Path, *names: str) -> None:
    """By the account of the home."""
    with as_owner_of(folder):
        for name in names:
            (folder / name).mkdir()


def test_two_backups_into_one_folder_are_not_made_at_once(history: History) -> None:
    target = history.fleet.target
    with target.held(), pytest.raises(BackupTargetError, match="another backup is being made"), target.held():
        pass
