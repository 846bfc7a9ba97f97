"""Publishing: each version is a file of its own, and the ledger says which one is current, whoever is killed when."""

import errno
import re
from datetime import date
from pathlib import Path

import duckdb
import psycopg
import pytest

from tests.lake_folder import keys_of
from warehouse.lake import publish as publishing
from warehouse.lake.publish import DamagedFileError, MissingFileError, is_intact, publish, verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.lake.storage.local_folder import LocalFolder
from warehouse.lifecycle.pipeline_files import LakeFullError, written_aside
from warehouse.postgres.ledger.lake_files import LakeFile, days_with_files, find_lake_file, find_outdated_file

DAY = date(2026, 2, 8)


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def put(connection: psycopg.Connection, lake: Lake, content: bytes, rows: int = 1) -> LakeFile:
    with lake.aside("marts", DAY) as written:
        written.write_bytes(content)
        return publish(connection, lake, "marts", DAY, written, rows)


def current_bytes(connection: psycopg.Connection, lake: Lake) -> bytes:
    return Path(verified_file(connection, lake, "marts", DAY)).read_bytes()


def test_each_version_is_a_file_beside_the_one_before(connection: psycopg.Connection, lake: Lake) -> None:
    first = put(connection, lake, b"one")
    second = put(connection, lake, b"two!", rows=2)
    assert (first.version, second.version) == (1, 2)
    assert current_bytes(connection, lake) == b"two!"
    assert Path(lake.location(first)).read_bytes() == b"one"
    assert find_lake_file(connection, "marts", DAY) == second
    assert (second.size_bytes, second.row_count) == (4, 2)
    assert days_with_files(connection, "marts") == [DAY]
    assert [key.version for key in keys_of(lake)] == [1, 2]


def test_the_same_bytes_again_are_the_same_version(connection: psycopg.Connection, lake: Lake) -> None:
    assert [put(connection, lake, content).version for content in (b"one", b"one", b"two", b"one")] == [1, 1, 2, 3]
    assert [key.version for key in keys_of(lake)] == [1, 2, 3]


@pytest.mark.parametrize("is_there", [True, False])
def test_the_same_bytes_again_put_a_lost_file_right(connection: psycopg.Connection, lake: Lake, is_there: bool) -> None:
    path = Path(lake.location(put(connection, lake, b"one")))
    if is_there:
        path.write_bytes(b"onf")
    else:
        path.unlink()
    assert put(connection, lake, b"one").version == 1
    assert current_bytes(connection, lake) == b"one"


def test_what_is_made_again_is_newer_than_what_it_was_made_of(connection: psycopg.Connection, lake: Lake) -> None:
    inputs = [("marts", "rollups")]

    def make(dataset: str, content: bytes) -> None:
        with lake.aside(dataset, DAY) as written:
            written.write_bytes(content)
            publish(connection, lake, dataset, DAY, written, 1)

    make("rollups", b"one")
    make("marts", b"sum")
    make("rollups", b"two")
    assert find_outdated_file(connection, DAY, inputs) == "marts"
    make("marts", b"sum")
    assert find_outdated_file(connection, DAY, inputs) is None


def test_a_changed_byte_is_found_before_the_file_is_used(connection: psycopg.Connection, lake: Lake) -> None:
    Path(lake.location(put(connection, lake, b"one"))).write_bytes(b"onf")
    with pytest.raises(DamagedFileError, match="was changed or damaged; fleetwatt run-day 2026-02-08 rebuilds it"):
        verified_file(connection, lake, "marts", DAY)


def test_a_deleted_file_is_missed(connection: psycopg.Connection, lake: Lake) -> None:
    Path(lake.location(put(connection, lake, b"one"))).unlink()
    with pytest.raises(MissingFileError, match="is not there; fleetwatt run-day 2026-02-08"):
        verified_file(connection, lake, "marts", DAY)


def test_a_day_that_was_never_published_is_missed(connection: psycopg.Connection, lake: Lake) -> None:
    with pytest.raises(MissingFileError, match="marts of 2026-02-08 was never published; fleetwatt run-day"):
        verified_file(connection, lake, "marts", DAY)


@pytest.mark.parametrize("killed", ["before the file is put", "before the ledger knows", "before the commit"])
def test_killed_anywhere_the_version_before_stays_current_and_the_next_run_publishes(
    connection: psycopg.Connection, lake: Lake, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    put(connection, lake, b"old")

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        if killed == "before the file is put":
            patched.setattr(LocalFolder, "put", die)
        elif killed == "before the ledger knows":
            patched.setattr(publishing, "publish_file", die)
        with pytest.raises(Killed), lake.aside("marts", DAY) as written:
            written.write_bytes(b"new")
            publish(connection, lake, "marts", DAY, written, 1, die)
    assert current_bytes(connection, lake) == b"old"
    assert put(connection, lake, b"new").version == 2
    assert current_bytes(connection, lake) == b"new"
    assert [key.version for key in keys_of(lake)] == [1, 2]


def test_what_is_confirmed_with_the_file_is_in_the_same_transaction(connection: psycopg.Connection, lake: Lake) -> None:
    def confirm(transaction: psycopg.Connection) -> None:
        transaction.execute("INSERT INTO day_builds (day) VALUES (%s)", [DAY])
        raise Killed

    with pytest.raises(Killed), lake.aside("marts", DAY) as written:
        written.write_bytes(b"new")
        publish(connection, lake, "marts", DAY, written, 1, confirm)
    assert connection.execute("SELECT count(*) FROM day_builds").fetchall() == [(0,)]
    assert find_lake_file(connection, "marts", DAY) is None
    assert not is_intact(connection, lake, "marts", DAY)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "make room"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "make room"),
        (duckdb.IOException("IO Error: Could not write file: No space left on device"), "make room"),
        (OSError(errno.EROFS, "Read-only file system"), "put that right"),
        (PermissionError(errno.EACCES, "Permission denied"), "put that right"),
    ],
    ids=["full", "quota", "full, by DuckDB", "read-only", "closed"],
)
def test_what_keeps_a_file_from_being_written_is_told(lake: Lake, error: Exception, remedy: str) -> None:
    said = f"{re.escape(str(error))}. What was published stays; {remedy} and run the day again"
    with pytest.raises(LakeFullError, match=said), written_aside(lake, "marts", DAY) as target:
        target.write_bytes(b"half")
        raise error
    assert list(lake.root.rglob("*.parquet")) == []
