"""The look at files before a question is answered: what was changed, cut or lost is found."""

import os
from datetime import date
from pathlib import Path

import psycopg
import pytest

from warehouse.lake.checked_files import damaged_files
from warehouse.lake.publish import DamagedFileError, MissingFileError, publish, say_damaged
from warehouse.lake.scrub import scrub
from warehouse.lake.snapshot import current_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger.lake_files import LakeFile

DAYS = date(2026, 2, 8), date(2026, 2, 9)
FIRST, SECOND = DAYS


@pytest.fixture
def lake(connection: psycopg.Connection, tmp_path: Path) -> Lake:
    """Two days of two datasets."""
    lake = Lake(tmp_path / "lake")
    for dataset in ("marts", "reports"):
        for day in DAYS:
            put(connection, lake, dataset, day)
    return lake


def put(connection: psycopg.Connection, lake: Lake, dataset: str, day: date, content: bytes = b"content") -> LakeFile:
    with lake.aside(dataset, day) as written:
        written.write_bytes(content)
        return publish(connection, lake, dataset, day, written, 1)


def file_of(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> tuple[LakeFile, Path]:
    (file,) = current_snapshot(connection, lake).select([dataset], day)
    return file, Path(lake.location(file))


def damaged(connection: psycopg.Connection, lake: Lake, datasets: list[str], day: date | None) -> list[date]:
    return [file.day for file in damaged_files(lake, current_snapshot(connection, lake).select(datasets, day))]


def flip_unseen(path: Path, bit: int) -> None:
    """Another bit, with the size and the times that the file had."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_no_bit_flips_unseen(connection: psycopg.Connection, lake: Lake) -> None:
    _, path = file_of(connection, lake, "marts", FIRST)
    for bit in range(8 * len(b"content")):
        flip_unseen(path, bit)
        assert damaged(connection, lake, ["marts"], None) == [FIRST]
        flip_unseen(path, bit)
        assert damaged(connection, lake, ["marts"], None) == []


@pytest.mark.parametrize("content", [b"Content", b"content and more", b"cont", b""])
def test_a_changed_file_is_found(connection: psycopg.Connection, lake: Lake, content: bytes) -> None:
    file, path = file_of(connection, lake, "marts", FIRST)
    path.write_bytes(content)
    assert damaged(connection, lake, ["marts", "unknown"], None) == [FIRST]
    assert damaged(connection, lake, ["marts"], SECOND) == []
    assert damaged(connection, lake, ["reports"], None) == []
    with pytest.raises(DamagedFileError, match="fleetwatt run-day 2026-02-08"):
        say_damaged(connection, lake, file)


def test_a_lost_file_is_missed(connection: psycopg.Connection, lake: Lake) -> None:
    file, path = file_of(connection, lake, "marts", SECOND)
    path.unlink()
    assert damaged(connection, lake, ["marts"], None) == [SECOND]
    with pytest.raises(MissingFileError, match="is not there; fleetwatt run-day 2026-02-09"):
        say_damaged(connection, lake, file)


def test_an_older_version_cannot_be_rebuilt_and_that_is_said(connection: psycopg.Connection, lake: Lake) -> None:
    file, path = file_of(connection, lake, "marts", FIRST)
    path.unlink()
    put(connection, lake, "marts", FIRST, b"other content")
    with pytest.raises(MissingFileError, match="version 2 has replaced it, and nothing can rebuild an older one"):
        say_damaged(connection, lake, file)


def test_a_file_that_nobody_published_is_no_part_of_the_lake(connection: psycopg.Connection, lake: Lake) -> None:
    _, path = file_of(connection, lake, "marts", FIRST)
    path.with_name("v7-00000000.parquet").write_bytes(b"strange")
    assert current_snapshot(connection, lake).locations("marts", FIRST) == [str(path)]


def test_a_backup_that_was_put_back_is_as_good(connection: psycopg.Connection, lake: Lake) -> None:
    os.utime(file_of(connection, lake, "marts", FIRST)[1])
    assert damaged(connection, lake, ["marts"], None) == []


def test_a_file_on_a_failing_disk_is_found_and_the_scrub_goes_on(connection: psycopg.Connection, lake: Lake) -> None:
    names = ("daily_fleet_efficiency", "low_efficiency_days")
    for name in names:
        put(connection, lake, name, FIRST)
    file, path = file_of(connection, lake, names[0], FIRST)
    path.unlink()
    path.symlink_to("/proc/self/mem")  # a file whose first byte is an input/output error
    assert damaged_files(lake, [file]) == [file]
    found = {each.dataset: each.what for each in scrub(connection, lake) if each}
    assert found.keys() == {names[0]}
    assert f"{path} cannot be read (Input/output error); fleetwatt run-day {FIRST} rebuilds it" in found[names[0]]
    assert connection.execute("SELECT day FROM day_builds").fetchall() == [(FIRST,)]
    put(connection, lake, names[0], FIRST)
    assert damaged_files(lake, [file]) == []
    assert not path.is_symlink()


def test_a_scrub_passes_by_what_a_removed_model_made(connection: psycopg.Connection, lake: Lake) -> None:
    """Nothing can rebuild it: its day would be queued each night."""
    file_of(connection, lake, "marts", FIRST)[1].unlink()
    for dataset in ("daily_fleet_efficiency", "low_efficiency_days"):
        put(connection, lake, dataset, SECOND)
    file_of(connection, lake, "low_efficiency_days", SECOND)[1].unlink()
    assert [each and each.dataset for each in scrub(connection, lake)] == ["low_efficiency_days", None]
    assert connection.execute("SELECT day FROM day_builds").fetchall() == [(SECOND,)]
