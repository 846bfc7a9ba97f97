"""Names of WAL segments, files of an archive, and when an archive is given up."""

from pathlib import Path

import pytest

from warehouse.postgres.embedded.interpreter import own_interpreter
from warehouse.postgres.wal.archive import Waiting, must_give_up, waiting_of
from warehouse.postgres.wal.commands import archive_command
from warehouse.postgres.wal.segments import is_segment, next_segment, segment_of, unbroken_after
from warehouse.postgres.wal.stored import DamagedWalError, OtherWalError, load, store, stored_names


def test_segments_follow_one_another_over_the_end_of_a_log() -> None:
    assert next_segment("000000010000000000000001") == "000000010000000000000002"
    assert next_segment("0000000100000000000000FF") == "000000010000000100000000"


@pytest.mark.parametrize(
    ("lsn", "name"),
    [
        ("0/2003E70", "000000010000000000000002"),
        ("0/3000000", "000000010000000000000002"),
        ("1A/FF000001", "000000010000001A000000FF"),
    ],
)
def test_what_ends_at_a_position_ends_in_the_segment_before_it(lsn: str, name: str) -> None:
    assert segment_of(1, lsn) == name


def test_what_follows_ends_at_the_first_gap() -> None:
    names = {f"00000001000000000000000{digit}" for digit in "23467"}
    found = unbroken_after("000000010000000000000001", names)
    assert [name[-1] for name in found] == ["2", "3", "4"]


def test_histories_of_timelines_are_no_segments() -> None:
    assert is_segment("000000010000000000000001")
    assert not is_segment("00000002.history")
    assert not is_segment("000000010000000000000002.00000028.backup")


def test_a_segment_is_stored_once_and_comes_back_as_it_was(tmp_path: Path) -> None:
    source = tmp_path / "segment"
    source.write_bytes(b"wal" * 1000)
    archive = tmp_path / "archive"
    archive.mkdir()
    store(source, archive, "A")
    store(source, archive, "A")  # PostgreSQL was killed before it noted the first time
    assert stored_names(archive) == {"A"}
    assert load(archive / "A.zst") == source.read_bytes()
    source.write_bytes(b"other")
    with pytest.raises(OtherWalError):
        store(source, archive, "A")


def test_a_damaged_segment_is_noticed_and_stored_again(tmp_path: Path) -> None:
    source = tmp_path / "segment"
    source.write_bytes(bytes(range(256)) * 100)
    store(source, tmp_path, "A")
    stored = tmp_path / "A.zst"
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(content)
    with pytest.raises(DamagedWalError):
        load(stored)
    store(source, tmp_path, "A")
    assert load(stored) == source.read_bytes()


def test_the_server_finds_our_packages_where_we_were_told_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/opt/fleet watt")  # as a process that root began again as another account
    command = archive_command(own_interpreter(), Path("/home of 100%/backup"))
    assert command.startswith(
        "test ! -e '/home of 100%%/backup/archive.json' || exec env PYTHONPATH='/opt/fleet watt' "
    )
    assert command.endswith(" -P -m warehouse.postgres.wal.archive_segment '/home of 100%%/backup' %p %f")
    monkeypatch.delenv("PYTHONPATH")
    assert own_interpreter().environment == {}


def test_what_waits_is_counted_and_a_server_without_any_waits_for_nothing(tmp_path: Path) -> None:
    assert waiting_of(tmp_path) == Waiting(0, None)
    (tmp_path / "archive_status").mkdir()
    (tmp_path / "archive_status" / "A.ready").touch()
    (tmp_path / "archive_status" / "B.done").touch()
    assert waiting_of(tmp_path).segments == 1


def test_an_absent_folder_is_not_made(tmp_path: Path) -> None:
    source = tmp_path / "segment"
    source.write_bytes(b"wal")
    with pytest.raises(FileNotFoundError):
        store(source, tmp_path / "absent", "A")
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize(
    ("used_ratio", "waiting_bytes", "free_bytes", "gives_up"),
    [
        (0.5, 100, 1000, False),
        (0.96, 100, 1000, False),  # something else fills the disk
        (0.94, 2000, 1000, False),  # there is room still
        (0.95, 1000, 1000, True),
    ],
)
def test_an_archive_is_given_up_before_what_waits_fills_the_disk(
    used_ratio: float, waiting_bytes: int, free_bytes: int, gives_up: bool
) -> None:
    assert must_give_up(used_ratio, 0.95, waiting_bytes, free_bytes) is gives_up
