"""Whose the files of a home are and who can read them: handed over by root without being led astray, closed once."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.cli.failures import note_home, write_details
from orchestration.home.folder import HomeInUseError, held, make_home, opened_in, require_no_earlier_version
from orchestration.home.home_files import close_to_others, hand_over
from tests.open_folder import open_folder
from warehouse.contract.errors import HomeError
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.embedded.cluster import read_password, role_password
from warehouse.postgres.embedded.files import make_folder

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it is about root and another account")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are closed to all but their owner."""
    with open_folder() as path:
        yield path


@pytest.fixture
def home(folder: Path) -> Path:
    """A home as an earlier version left it, but for its server."""
    home = folder / "home"
    for name in ("logs/dagster/steps/a run", "lake/meters/day=2026-02-08", "dagster/storage"):
        (home / name).mkdir(parents=True)
    for name in ("lock", "postgres.lock", "logs/api.log", "lake/meters/day=2026-02-08/data.parquet"):
        (home / name).write_text(name)
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return home


def modes(home: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in home.rglob("*")}


def test_a_home_of_before_is_closed_to_others_once(home: Path) -> None:
    close_to_others(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in ("lock", "postgres.lock")} == {0o600}
    assert modes(home / "lake") | modes(home / "logs") == {(True, 0o750), (False, 0o640)}

    home.chmod(0o755)  # as its user wants it
    (home / "logs" / "api.log").chmod(0o644)
    close_to_others(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "logs" / "api.log").stat().st_mode) == 0o644


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
def test_a_home_that_is_made_is_its_owners_alone_whatever_the_umask(folder: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        make_folder(folder / "above" / "home")
    finally:
        os.umask(before)
    enter = stat.S_IXOTH if os.geteuid() == 0 else 0  # until the account has it
    assert stat.S_IMODE((folder / "above" / "home").stat().st_mode) == 0o700 | enter
    assert stat.S_IMODE((folder / "above").stat().st_mode) == 0o777 & ~umask | enter


def test_what_was_closed_further_stays_so(home: Path) -> None:
    (home / "logs" / "api.log").chmod(0o600)
    close_to_others(home)
    assert stat.S_IMODE((home / "logs" / "api.log").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", [os.symlink, os.link])
def test_closing_changes_nothing_that_a_link_leads_to(home: Path, folder: Path, kind: object) -> None:
    outside = folder / "outside"
    outside.write_text("another's")
    outside.chmod(0o644)
    (os.symlink if kind is os.symlink else os.link)(outside, home / "lake" / "link")
    close_to_others(home)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


def test_a_home_that_is_not_there_stays_so(folder: Path) -> None:
    close_to_others(folder / "none")
    assert not (folder / "none").exists()


def test_the_locks_are_for_their_owner_alone(folder: Path) -> None:
    """Who can open a lock's file can hold it, and keep the platform from starting."""
    before = os.umask(0)
    try:
        with held(folder / "home"):
            assert stat.S_IMODE((folder / "home" / "lock").stat().st_mode) == 0o600
        server = EmbeddedPostgres(folder / "home")
        server.ensure_running()
        server.stop()
        assert stat.S_IMODE((folder / "home" / "postgres.lock").stat().st_mode) == 0o600
    finally:
        os.umask(before)


@only_root
def test_root_hands_over_a_home_of_before(home: Path, folder: Path) -> None:
    account = account_for_home(home)
    assert account.uid != 0
    before = folder.stat()
    hand_over(home, account)
    assert {path.stat().st_uid for path in [home, *home.rglob("*")]} == {account.uid}
    assert (folder.stat().st_uid, folder.stat().st_mode) == (before.st_uid, before.st_mode)
    hand_over(home, account)


@only_root
def test_a_new_home_is_made_for_the_account_alone(folder: Path) -> None:
    home = folder / "made" / "home"
    account = account_for_home(home)
    hand_over(home, account)
    assert (home.stat().st_uid, stat.S_IMODE(home.stat().st_mode)) == (account.uid, 0o700)
    assert home.parent.stat().st_uid == 0


@only_root
@pytest.mark.parametrize("where", ["link", "lake/link", "logs/dagster/steps/link"])
@pytest.mark.parametrize("kind", ["symbolic link to a file", "symbolic link to a folder", "hard link"])
def test_root_is_not_led_to_give_away_what_lies_elsewhere(home: Path, folder: Path, where: str, kind: str) -> None:
    outside = folder / "outside"
    outside.mkdir()
    secret = outside / "secret"
    secret.write_text("root's")
    if where == "link":
        where = "history.ndjson"  # a name of ours, at the top
    if kind == "hard link":
        os.link(secret, home / where)
    else:
        (home / where).symlink_to(outside if kind.endswith("folder") else secret)
    hand_over(home, account_for_home(home))
    assert {outside.stat().st_uid, secret.stat().st_uid} == {0}


@only_root
def test_a_folder_of_ours_that_is_a_link_is_not_followed(home: Path, folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    (home / "dagster").rename(elsewhere)
    (home / "dagster").symlink_to(elsewhere)
    hand_over(home, account_for_home(home))
    assert {path.stat().st_uid for path in [elsewhere, *elsewhere.rglob("*")]} == {0}


@only_root
def test_a_pipe_in_a_home_holds_nobody_up(home: Path) -> None:
    os.mkfifo(home / "logs" / "pipe")
    hand_over(home, account_for_home(home))
    assert (home / "logs" / "pipe").stat().st_uid == 0


@only_root
def test_a_folder_with_other_things_in_it_is_not_given_away(folder: Path) -> None:
    (folder / "accounts.ods").touch()
    with pytest.raises(HomeError, match=r"holds what is not Fleetwatt's \(accounts.ods\)"):
        hand_over(folder, account_for_home(folder))
    assert {folder.stat().st_uid, (folder / "accounts.ods").stat().st_uid} == {0}


def test_a_home_is_made_for_its_owner_alone(folder: Path) -> None:
    """By an ordinary user too, whatever the umask."""
    home = folder / "made" / "home"
    before = os.umask(0o022)
    try:
        make_home(home)
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert home.stat().st_uid == (account_for_home(home).uid if os.geteuid() == 0 else os.geteuid())


def test_an_earlier_version_at_work_is_told_from_this_one(home: Path) -> None:
    require_no_earlier_version(home / "not there")
    require_no_earlier_version(home)  # it has ended
    with held(home):
        with pytest.raises(HomeInUseError, match=rf"earlier version of Fleetwatt runs .*\(process {os.getpid()}\)"):
            require_no_earlier_version(home)
        (home / "lock").chmod(0o600)  # as this version makes it
        require_no_earlier_version(home)
    (home / "lock").unlink()
    (home / "lock").symlink_to(home / "postgres.lock")
    require_no_earlier_version(home)  # a link is no lock of ours


@pytest.fixture
def taken_over(folder: Path) -> tuple[Path, Path]:
    """A home that belongs to its account, which led ``logs`` to a folder of root's."""
    home, of_root = folder / "home", folder / "of root"
    of_root.mkdir(mode=0o700)
    make_home(home)
    (home / "logs").symlink_to(of_root)
    return home, of_root


@only_root
def test_roots_commands_write_their_details_for_the_account(folder: Path) -> None:
    home = folder / "home"
    make_home(home)
    (home / "logs").mkdir()
    hand_over(home, account_for_home(home))
    note_home(home)
    assert write_details(ValueError("unforeseen")) == home / "logs" / "commands.log"
    owner = home.stat().st_uid
    assert owner != 0
    assert (home / "logs" / "commands.log").stat().st_uid == owner
    assert (os.geteuid(), os.getegid()) == (0, 0)


@only_root
def test_root_writes_no_details_through_a_link_of_the_account(taken_over: tuple[Path, Path]) -> None:
    home, of_root = taken_over
    note_home(home)
    log = write_details(ValueError("unforeseen"))
    assert log
    assert (log.parent, list(of_root.iterdir())) == (Path(tempfile.gettempdir()), [])
    log.unlink()


@only_root
def test_root_starts_no_server_whose_log_the_account_led_elsewhere(taken_over: tuple[Path, Path]) -> None:
    home, of_root = taken_over
    with pytest.raises(HomeError, match="Permission denied"):
        EmbeddedPostgres(home).ensure_running()
    assert (list(of_root.iterdir()), of_root.stat().st_uid) == ([], 0)


@only_root
@pytest.mark.parametrize("name", ["lock", "users"])
def test_a_lock_that_root_takes_is_the_accounts(folder: Path, name: str) -> None:
    home = folder / "home"
    make_home(home)
    os.close(opened_in(home, name, os.O_RDWR))
    assert (home / name).stat().st_uid == home.stat().st_uid != 0


@only_root
@pytest.mark.parametrize("name", ["role.password", "fleetwatt.password"])
def test_root_sends_no_server_what_the_account_calls_its_password(folder: Path, name: str) -> None:
    """A server of the account's could ask for it in plain text."""
    home, secret = folder / "home", folder / "secret"
    secret.write_text("root's alone")
    secret.chmod(0o600)
    make_home(home)
    (home / "postgres").mkdir()
    (home / "postgres" / name).symlink_to(secret)
    account = account_for_home(home / "none")
    os.chown(home / "postgres", account.uid, account.gid)
    read = role_password if name == "role.password" else read_password
    with pytest.raises(PermissionError):
        read(home / "postgres")


@only_root
def test_roots_rights_come_back_whatever_happens(folder: Path) -> None:
    before = (os.geteuid(), os.getegid(), os.getgroups())
    make_home(folder / "home")
    with pytest.raises(ZeroDivisionError), as_owner_of(folder / "home"):
        assert os.geteuid() == (folder / "home").stat().st_uid
        _ = 1 / 0
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
