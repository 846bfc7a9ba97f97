"""Publishing: a reader sees the old version or the new one, and whoever was killed half way leaves either valid."""

from datetime import date
from pathlib import Path

import psycopg
import pytest

from warehouse.lake import publish as publishing
from warehouse.lake.paths import Lake
from warehouse.lake.publish import DamagedFileError, MissingFileError, is_intact, publish, verified_file
from warehouse.postgres.ledger.lake_files import find_lake_file

DAY = date(2026, 2, 8)


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def write(lake: Lake, content: bytes) -> Path:
    path = lake.root / "new.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_each_version_replaces_the_one_before(connection: psycopg.Connection, lake: Lake) -> None:
    assert publish(connection, lake, "marts", DAY, write(lake, b"one"), 1) == 1
    assert publish(connection, lake, "marts", DAY, write(lake, b"two"), 2) == 2
    assert verified_file(connection, lake, "marts", DAY).read_bytes() == b"two"
    known = find_lake_file(connection, "marts", DAY)
    assert known is not None
    assert (known.version, known.size_bytes, known.row_count, known.publishing_sha256) == (2, 3, 2, None)
    assert lake.days("marts") == [DAY]


def test_a_changed_byte_is_found_before_the_file_is_used(connection: psycopg.Connection, lake: Lake) -> None:
    publish(connection, lake, "marts", DAY, write(lake, b"one"), 1)
    lake.file("marts", DAY).write_bytes(b"onf")
    with pytest.raises(DamagedFileError, match="was changed or damaged; fleetwatt run-day 2026-02-08 rebuilds it"):
        verified_file(connection, lake, "marts", DAY)


def test_a_deleted_file_is_missed(connection: psycopg.Connection, lake: Lake) -> None:
    publish(connection, lake, "marts", DAY, write(lake, b"one"), 1)
    lake.file("marts", DAY).unlink()
    with pytest.raises(MissingFileError, match="fleetwatt run-day 2026-02-08"):
        verified_file(connection, lake, "marts", DAY)


@pytest.mark.parametrize("killed_at", ["before the rename", "after the rename"])
def test_killed_half_way_either_version_is_valid_and_the_next_run_publishes(
    connection: psycopg.Connection, lake: Lake, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    publish(connection, lake, "marts", DAY, write(lake, b"old"), 1)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        if killed_at == "before the rename":
            patched.setattr(Path, "replace", die)
        else:
            patched.setattr(publishing, "sync_folder", die)
        with pytest.raises(Killed):
            publish(connection, lake, "marts", DAY, write(lake, b"new"), 1)
    left = b"old" if killed_at == "before the rename" else b"new"
    assert verified_file(connection, lake, "marts", DAY).read_bytes() == left
    assert publish(connection, lake, "marts", DAY, write(lake, b"new"), 1) == 2
    assert verified_file(connection, lake, "marts", DAY).read_bytes() == b"new"


def test_what_is_confirmed_with_the_file_is_in_the_same_transaction(connection: psycopg.Connection, lake: Lake) -> None:
    def confirm(transaction: psycopg.Connection) -> None:
        transaction.execute("INSERT INTO day_builds (day) VALUES (%s)", [DAY])
        raise Killed

    with pytest.raises(Killed):
        publish(connection, lake, "marts", DAY, write(lake, b"new"), 1, confirm)
    assert connection.execute("SELECT count(*) FROM day_builds").fetchall() == [(0,)]
    known = find_lake_file(connection, "marts", DAY)
    assert known is not None
    assert known.publishing_sha256 is not None
    assert is_intact(connection, lake, "marts", DAY)
