"""The WAL gets into the target, or waits, or is given up before it fills the disk: and whoever asks is told which."""

import errno
import json
import shutil
from collections.abc import Iterator

import psycopg
import pytest

from tests.audited import audited
from tests.integration.orchestration.backup.fleet_home import (
    DAY,
    FleetHome,
    backed_up_home,
    flip_a_byte,
    readings_in,
    wait_for,
)
from tests.integration.orchestration.conftest import Fleetwatt
from warehouse.backup import make
from warehouse.backup.errors import BackupFailedError
from warehouse.backup.lake_backup import lake_backup_of
from warehouse.backup.lake_copies import is_intact_copy, path_of_copy
from warehouse.backup.reach import reach_of
from warehouse.backup.standing import standing_of
from warehouse.backup.target import BackupTarget
from warehouse.contract.partitions import Stream
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.embedded.process import postmaster
from warehouse.postgres.ledger.lake_files import find_lake_file


@pytest.fixture(scope="module")
def made() -> Iterator[FleetHome]:
    """A home that was backed up once; its server runs."""
    with backed_up_home() as (fleet, _):
        yield fleet


@pytest.fixture
def fleet(made: FleetHome) -> FleetHome:
    """Running, whatever the test before did to it."""
    made.url = made.server.ensure_running()
    return made


def is_well(fleet: FleetHome) -> bool:
    standing = standing_of(fleet.server)
    return standing is not None and standing.is_well


def none_waits(fleet: FleetHome) -> bool:
    standing = standing_of(fleet.server)
    return standing is not None and standing.waiting.segments == 0


def switch(fleet: FleetHome) -> None:
    """Close the segment that is written to."""
    with connect(fleet.server.upkeep_url()) as connection:
        connection.execute("SELECT txid_current()")
        connection.execute("SELECT pg_switch_wal()")


def test_while_the_target_is_away_the_wal_waits_and_status_says_so(fleet: FleetHome, fleetwatt: Fleetwatt) -> None:
    away = fleet.target.path.with_name("away")
    fleet.target.path.rename(away)
    try:
        switch(fleet)
        wait_for(lambda: fleet.server.wal_archive.failure)
        fleet.import_readings(10)  # nothing waits for it
        shown = fleetwatt("status", "--home", fleet.home)
        assert "WARNING: backup: " in shown.out
        assert f"{fleet.target.path}/wal/" in shown.out
        assert "is not there; nothing is lost, it goes on when that is put right" in shown.out
        assert json.loads(fleetwatt("status", "--home", fleet.home, "--json").out)["backup"]["isWell"] is False
        assert not fleet.target.path.exists(), "an unmounted disk's folder would be written to"
    finally:
        away.rename(fleet.target.path)
    fleet.archive_wal()
    wait_for(lambda: fleet.server.wal_archive.failure is None)
    shown = fleetwatt("status", "--home", fleet.home)
    assert f"\nbackup: the newest one in {fleet.target.path} is of " in shown.out


def test_a_killed_server_archives_what_it_had_not(fleet: FleetHome) -> None:
    (backup,) = fleet.target.backups()[-1:]
    assert backup.base is not None
    fleet.import_readings(20)
    switch(fleet)
    process = postmaster(fleet.server.data)
    assert process is not None
    process.kill()
    fleet.url = fleet.server.ensure_running()
    fleet.import_readings(21)
    last = fleet.archive_wal()
    reach = reach_of(fleet.target, backup.base, account_for_home(fleet.home))
    assert reach.segments[-1] == last, "there is a gap"


def test_the_archive_is_given_up_before_the_disk_is_full_and_the_next_backup_begins_anew(fleet: FleetHome) -> None:
    state = fleet.server.wal_archive
    before = state.read()
    assert before is not None
    with as_owner_of(state.folder):
        state.give_up("000000010000000000000001", "the target is away")
    switch(fleet)
    standing = standing_of(fleet.server)
    assert standing is not None
    assert not standing.is_well
    assert "the WAL is not archived since" in standing.words
    wait_for(lambda: none_waits(fleet))
    backup = fleet.back_up()
    assert backup.base is not None
    fleet.import_readings(30)
    last = fleet.archive_wal()
    assert is_well(fleet)
    assert reach_of(fleet.target, backup.base, account_for_home(fleet.home)).segments[-1] == last
    earlier = fleet.target.backups()[0]
    assert earlier.base is not None
    assert last not in reach_of(fleet.target, earlier.base, account_for_home(fleet.home)).segments


def test_what_is_there_is_not_copied_again_and_what_rotted_is(fleet: FleetHome) -> None:
    with connect(fleet.url) as connection:
        file = find_lake_file(connection, Stream.METER_READINGS, DAY)
    assert file is not None
    copy = path_of_copy(fleet.target, file.sha256.hex())
    copied_at = copy.stat().st_mtime_ns
    fleet.back_up()
    assert copy.stat().st_mtime_ns == copied_at
    flip_a_byte(copy)
    fleet.back_up()
    assert is_intact_copy(fleet.target, file.sha256.hex())


def test_so_many_backups_are_kept_with_what_they_need(fleet: FleetHome, fleetwatt: Fleetwatt) -> None:
    fleet.back_up()
    assert len(fleet.target.backups()) > 1
    kept = fleetwatt("backup", fleet.target.path, "--home", fleet.home, "--keep", 1)
    assert kept.code == 0, kept.err
    (backup,) = fleet.target.backups()
    assert backup.base is not None
    wal = fleet.target.wal(backup.base.wal_archive)
    assert min(path.name[:24] for path in wal.glob("0*.zst")) >= backup.base.last_segment
    assert all(is_intact_copy(fleet.target, path.stem) for path in fleet.target.lake.glob("*/*"))
    assert backup.lake_files == len(list(fleet.target.lake.glob("*/*")))


def test_a_killed_backup_is_not_listed_and_goes_with_the_next(fleet: FleetHome) -> None:
    before = fleet.target.backups()
    half = fleet.target.unfinished("20260101T000000Z")
    with fleet.target.writing():
        shutil.copytree(fleet.target.folder(before[-1]), half)
    assert fleet.target.backups() == before
    fleet.back_up()
    assert not half.exists()


def test_a_day_stays_in_postgresql_until_the_backup_has_its_file(fleet: FleetHome) -> None:
    backup = lake_backup_of(fleet.settings)
    assert backup is not None
    with connect(fleet.url) as connection:
        file = find_lake_file(connection, Stream.METER_READINGS, DAY)
        assert file is not None
        assert backup.why_not_taken(file) is None
        path_of_copy(fleet.target, file.sha256.hex()).unlink()
        assert "is not in the backup yet" in str(backup.why_not_taken(file))
        assert backup.take_new(connection, fleet.lake) == "1 file of the lake copied into the backup"
        assert backup.why_not_taken(file) is None


def test_moving_to_another_target_leaves_the_first_one_as_it_is(fleet: FleetHome) -> None:
    other = BackupTarget(fleet.folder / "other")
    before = fleet.target.backups()
    fleet.back_up(other)
    archive = fleet.server.wal_archive.read()
    assert archive is not None
    assert archive.targets == (other.path,)
    assert len(other.backups()) == 1
    assert fleet.target.backups() == before
    fleet.back_up()


def test_nothing_is_archived_any_more_once_that_is_stopped(fleet: FleetHome, fleetwatt: Fleetwatt) -> None:
    assert fleetwatt("backup", "--stop", "--home", fleet.home).err == "nothing is archived any more\n"
    assert "there is no backup: fleetwatt backup TARGET begins one" in fleetwatt("status", "--home", fleet.home).out
    with connect(fleet.url) as connection:
        told = audited(connection, subject="backup")[-1]
    assert (told["actor_kind"], told["after"]) == ("command line", {"stop": True})
    fleet.back_up()
    fleet.stop()
    end = fleetwatt("backup", "--stop", "--home", fleet.home)
    assert end.err.splitlines() == [
        "nothing is archived any more",
        "the audit log does not tell of it: the server does not run",
    ]
    fleet.url = fleet.server.ensure_running()
    fleet.back_up()


def test_no_password_is_on_a_command_line_or_in_the_log(fleet: FleetHome) -> None:
    fleet.back_up()
    password = psycopg.conninfo.conninfo_to_dict(fleet.server.upkeep_url())["password"]
    assert str(password) not in fleet.server.log.read_text()
    assert readings_in(EmbeddedPostgres(fleet.home).ensure_running()) > 0


def test_of_a_postgresql_of_ones_own_the_lake_is_taken_and_that_is_said(
    fleet: FleetHome, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", fleet.url)
    made = fleetwatt("backup", fleet.folder / "of the lake", "--home", fleet.home)
    assert made.code == 0, made.err
    assert "the database of FLEET_DATABASE_URL is not in it: that server has backups of its own" in made.err
    (backup,) = BackupTarget(fleet.folder / "of the lake").backups()
    assert backup.base is None
    assert backup.lake_files > 0
    refused = fleetwatt("restore", fleet.folder / "of the lake", "--home", fleet.folder / "none")
    assert (refused.code, "has no whole backup of a database" in refused.err) == (1, True)


def test_what_fails_leaves_nothing_that_takes_room(fleet: FleetHome, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fleet.target.backups()
    monkeypatch.setattr(make, "take_base", fail_to_take_base)
    with pytest.raises(BackupFailedError, match="No space left on device"):
        fleet.back_up()
    assert fleet.target.backups() == before
    assert {path.name for path in (fleet.target.path / "backups").iterdir()} == {each.name for each in before}


def fail_to_take_base(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
