"""The look at files before a question is answered: what was changed, cut or lost is found; each is read once."""

import os
from datetime import date
from pathlib import Path

import psycopg
import pytest

from warehouse.lake import checked_files
from warehouse.lake import publish as publishing
from warehouse.lake.checked_files import CheckedFiles
from warehouse.lake.paths import Lake
from warehouse.lake.publish import DamagedFileError, MissingFileError, publish

DAYS = date(2026, 2, 8), date(2026, 2, 9)
FIRST, SECOND = DAYS


@pytest.fixture
def lake(connection: psycopg.Connection, tmp_path: Path) -> Lake:
    """Two days of two datasets."""
    lake = Lake(tmp_path / "lake")
    for dataset in ("marts", "reports"):
        for day in DAYS:
            with lake.aside(dataset, day) as written:
                written.write_bytes(b"content")
                publish(connection, lake, dataset, day, written, 1)
    return lake


def require_published(connection: psycopg.Connection, lake: Lake, datasets: list[str], day: date | None) -> None:
    """As a new process sees it."""
    CheckedFiles().require_published(connection, lake, datasets, day)


def test_each_file_is_read_once_for_as_long_as_it_is_the_same(
    connection: psycopg.Connection, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def digest(path: Path) -> bytes:
        read.append(path)
        return publishing.digest(path)

    monkeypatch.setattr(checked_files, "digest", digest)
    checked = CheckedFiles()
    checked.require_published(connection, lake, ["marts"], SECOND)
    assert read == [lake.file("marts", SECOND)]
    for _ in range(2):
        checked.require_published(connection, lake, ["marts", "reports", "unknown"], None)
    assert sorted(read) == sorted(lake.file(name, day) for name in ("marts", "reports") for day in DAYS)
    os.utime(lake.file("marts", FIRST))
    checked.require_published(connection, lake, ["marts"], None)
    assert len(read) == 5


def flip_unseen(path: Path, bit: int) -> None:
    """Another bit, with the size and the times that the file had."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("is_known", [False, True], ids=["a new process", "the same process"])
def test_no_bit_flips_unseen(connection: psycopg.Connection, lake: Lake, is_known: bool) -> None:
    path = lake.file("marts", FIRST)
    checked = CheckedFiles()
    for bit in range(8 * len(b"content")):
        flip_unseen(path, bit)
        with pytest.raises(DamagedFileError):
            (checked if is_known else CheckedFiles()).require_published(connection, lake, ["marts"], None)
        flip_unseen(path, bit)
        checked.require_published(connection, lake, ["marts"], None)


@pytest.mark.parametrize("content", [b"Content", b"content and more", b"cont", b""])
def test_a_changed_file_is_found(connection: psycopg.Connection, lake: Lake, content: bytes) -> None:
    lake.file("marts", FIRST).write_bytes(content)
    with pytest.raises(DamagedFileError, match="fleetwatt run-day 2026-02-08"):
        require_published(connection, lake, ["marts"], None)
    require_published(connection, lake, ["marts"], SECOND)
    require_published(connection, lake, ["reports"], None)


def test_a_lost_file_is_missed(connection: psycopg.Connection, lake: Lake) -> None:
    lake.file("marts", SECOND).unlink()
    with pytest.raises(MissingFileError, match="is not there; fleetwatt run-day 2026-02-09"):
        require_published(connection, lake, ["marts"], None)
    require_published(connection, lake, ["marts"], FIRST)


def test_a_file_that_nobody_published_is_no_part_of_the_lake(connection: psycopg.Connection, lake: Lake) -> None:
    strange = lake.file("marts", date(2026, 2, 10))
    strange.parent.mkdir()
    strange.write_bytes(b"content")
    with pytest.raises(MissingFileError, match="was never published"):
        require_published(connection, lake, ["marts"], None)


def test_a_backup_that_was_put_back_is_as_good(connection: psycopg.Connection, lake: Lake) -> None:
    os.utime(lake.file("marts", FIRST))
    require_published(connection, lake, ["marts"], None)


@pytest.mark.parametrize("killed_at", ["before the rename", "after the rename"])
def test_what_a_killed_publisher_left_is_good_to_read(
    connection: psycopg.Connection, lake: Lake, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, lake.aside("marts", FIRST) as written:
        written.write_bytes(b"a longer content")
        if killed_at == "before the rename":
            patch.setattr(Path, "replace", killed)
        else:
            patch.setattr(publishing, "sync_folder", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(connection, lake, "marts", FIRST, written, 1)
    require_published(connection, lake, ["marts"], None)
