"""A lake of the release that replaced its files in place: taken over where it lies, killed anywhere, nothing lost."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.lake_folder import keys_of
from warehouse.lake.checked_files import damaged_files
from warehouse.lake.snapshot import ForgottenVersionError, ManifestError, manifest_snapshot, released_snapshot
from warehouse.lake.storage.keys import FileKey
from warehouse.lake.storage.lake import Lake
from warehouse.lake.storage.local_folder import LocalFolder
from warehouse.lifecycle import take_over as taking
from warehouse.lifecycle.take_over import open_lake_folder, take_over
from warehouse.postgres.ledger.lake_take_over import add_version_of

DAYS = date(2026, 2, 8), date(2026, 2, 9)
FIRST, SECOND = DAYS
DATASETS = ("hours", "marts")
PUBLISHED_AT = datetime(2026, 2, 10, 1, tzinfo=UTC)


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def old_path(lake: Lake, dataset: str, day: date) -> Path:
    return lake.root / dataset / f"day={day}" / "data.parquet"


def content_of(dataset: str, day: date, version: int = 3) -> bytes:
    return f"{dataset} of {day}, version {version}".encode()


def publish_as_before(
    connection: psycopg.Connection,
    lake: Lake,
    dataset: str,
    day: date,
    *,
    confirmed: bool = True,
    renamed: bool = True,
    before: int = 3,
) -> None:
    """A file as that release left it: confirmed, or its next version was to be published and it was killed."""
    path = old_path(lake, dataset, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    if before:
        path.write_bytes(content_of(dataset, day, before))
    sha256 = hashlib.sha256(content_of(dataset, day, before)).digest() if before else None
    publishing = None
    if not confirmed:
        publishing = hashlib.sha256(content_of(dataset, day, before + 1)).digest()
        if renamed:
            path.write_bytes(content_of(dataset, day, before + 1))
    connection.execute(
        "INSERT INTO lake_files"
        " (dataset, day, version, sha256, publishing_sha256, size_bytes, row_count, published_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            *(dataset, day, before, sha256, publishing),
            *((len(content_of(dataset, day, before)), 7, PUBLISHED_AT) if before else (None, None, None)),
        ],
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def old_lake(connection: psycopg.Connection, lake: Lake) -> Lake:
    """Two days of two datasets, all of version 3."""
    for dataset in DATASETS:
        for day in DAYS:
            publish_as_before(connection, lake, dataset, day)
    return lake


def assert_taken_over(connection: psycopg.Connection, lake: Lake) -> None:
    """Readers see all of it, as it was; the folder has nothing else."""
    snapshot = released_snapshot(connection, lake)
    assert {name: snapshot.days(name) for name in snapshot.files} == {name: list(DAYS) for name in DATASETS}
    files = snapshot.select(DATASETS, None)
    assert damaged_files(lake, files) == []
    assert {(file.version, file.row_count, file.published_at) for file in files} == {(3, 7, PUBLISHED_AT)}
    assert {each.relative_to(lake.root).as_posix() for each in lake.root.rglob("*.parquet")} == set(lake.store.list())
    assert len(keys_of(lake)) == len(DATASETS) * len(DAYS)
    said: list[str] = []
    take_over(connection, lake, said.append)
    assert said == []
    assert manifest_snapshot(lake) == snapshot


def test_each_file_gets_the_name_of_its_version(
    connection: psycopg.Connection, database_url: str, old_lake: Lake
) -> None:
    said: list[str] = []
    assert open_lake_folder(database_url, old_lake.root, said.append) == old_lake
    assert said == ["the lake keeps versions from now on: 4 files renamed"]
    assert_taken_over(connection, old_lake)


def test_earlier_states_are_known_since_it_was_published(connection: psycopg.Connection, old_lake: Lake) -> None:
    take_over(connection, old_lake)
    assert released_snapshot(connection, old_lake, as_of=PUBLISHED_AT).days("hours") == list(DAYS)


@pytest.mark.parametrize("at_file", range(4))
@pytest.mark.parametrize("killed", ["before the rename", "after the rename"])
def test_killed_anywhere_the_next_one_goes_on(
    connection: psycopg.Connection, old_lake: Lake, monkeypatch: pytest.MonkeyPatch, at_file: int, killed: str
) -> None:
    calls = 0

    def dies(original: object) -> object:
        def call(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls > at_file:
                raise Killed
            return original(*arguments)  # type: ignore[operator]

        return call

    with monkeypatch.context() as patched:
        if killed == "before the rename":
            patched.setattr(LocalFolder, "put", dies(LocalFolder.put))
        else:
            patched.setattr(taking, "add_version_of", dies(add_version_of))
        with pytest.raises(Killed):
            take_over(connection, old_lake)
    take_over(connection, old_lake)
    assert_taken_over(connection, old_lake)


def test_a_new_version_that_was_confirmed_by_nobody_is_made_again(connection: psycopg.Connection, lake: Lake) -> None:
    """What was to become true with it did not, so its day must find that it is not the one on record."""
    publish_as_before(connection, lake, "hours", FIRST, confirmed=False)
    publish_as_before(connection, lake, "marts", FIRST, confirmed=False, before=0)
    take_over(connection, lake)
    (file,) = released_snapshot(connection, lake).select(DATASETS, None)
    assert (file.dataset, file.version) == ("hours", 3)
    assert damaged_files(lake, [file]) == [file]
    assert list(lake.root.rglob("*.parquet")) == []
    requested = connection.execute("SELECT day, requested > built FROM day_builds").fetchall()
    assert requested == [(FIRST, True)]


def test_a_new_version_that_nobody_confirmed_is_kept_where_it_is_all_there_is_of_the_day(
    connection: psycopg.Connection, lake: Lake
) -> None:
    """The release before took such a file for good enough to drop its day from PostgreSQL."""
    publish_as_before(connection, lake, "meter_readings", FIRST, confirmed=False)
    connection.execute(
        "INSERT INTO partition_ledger (stream, day, state, late_after, seal_after)"
        " VALUES ('meter_readings', %s, 'dropped', now(), now())",
        [FIRST],
    )
    take_over(connection, lake)
    (file,) = released_snapshot(connection, lake).select(["meter_readings"], None)
    assert Path(lake.location(file)).read_bytes() == content_of("meter_readings", FIRST, 4)
    assert damaged_files(lake, [file]) == []
    assert file.version == 4


def test_what_was_before_a_day_was_rebuilt_is_not_known_and_that_is_said(
    connection: psycopg.Connection, old_lake: Lake
) -> None:
    take_over(connection, old_lake)
    with pytest.raises(ForgottenVersionError):
        released_snapshot(connection, old_lake, as_of=PUBLISHED_AT - timedelta(minutes=1))


def test_a_version_that_never_came_to_its_place_changes_nothing(connection: psycopg.Connection, lake: Lake) -> None:
    publish_as_before(connection, lake, "hours", FIRST, confirmed=False, renamed=False)
    take_over(connection, lake)
    files = released_snapshot(connection, lake).select(DATASETS, None)
    assert damaged_files(lake, files) == []
    assert connection.execute("SELECT count(*) FROM day_builds").fetchall() == [(0,)]


@pytest.mark.parametrize("harm", [None, b"damaged"], ids=["lost", "damaged"])
def test_what_was_harmed_before_is_found_afterwards(
    connection: psycopg.Connection, old_lake: Lake, harm: bytes | None
) -> None:
    path = old_path(old_lake, "hours", SECOND)
    if harm:
        path.write_bytes(harm)
    else:
        path.unlink()
    take_over(connection, old_lake)
    damaged = damaged_files(old_lake, released_snapshot(connection, old_lake).select(DATASETS, None))
    assert [(file.dataset, file.day) for file in damaged] == [("hours", SECOND)]


def test_a_new_lake_has_nothing_to_take_over(database_url: str, lake: Lake) -> None:
    said: list[str] = []
    open_lake_folder(database_url, lake.root, said.append)
    assert said == []
    assert not lake.root.exists()


def test_in_a_folder_that_has_none_of_the_files_nothing_is_done(
    connection: psycopg.Connection, old_lake: Lake, tmp_path: Path
) -> None:
    """As in a container that migrates, and has no volume for the lake."""
    elsewhere = Lake(tmp_path / "elsewhere")
    take_over(connection, elsewhere)
    assert not elsewhere.root.exists()
    elsewhere.root.mkdir()
    take_over(connection, elsewhere)
    take_over(connection, old_lake)
    assert_taken_over(connection, old_lake)


def test_beside_a_stopped_database_an_old_lake_says_what_to_do(old_lake: Lake) -> None:
    with pytest.raises(ManifestError, match=r"no .*files\.json.*; fleetwatt migrate or fleetwatt up writes it"):
        manifest_snapshot(old_lake)


def test_a_list_that_was_lost_is_written_again(connection: psycopg.Connection, old_lake: Lake) -> None:
    take_over(connection, old_lake)
    (old_lake.root / "files.json").unlink()
    take_over(connection, old_lake)
    assert_taken_over(connection, old_lake)


def test_a_day_that_cannot_be_renamed_holds_up_no_other_and_is_told(
    connection: psycopg.Connection, old_lake: Lake
) -> None:
    key = FileKey.of("hours", FIRST, 3, hashlib.sha256(content_of("hours", FIRST)).digest())
    in_the_way = old_lake.root / str(key)
    in_the_way.mkdir()
    said: list[str] = []
    take_over(connection, old_lake, said.append)
    assert said[0].startswith(f"files of {FIRST} keep their old names, and cannot be read: [Errno 21] Is a directory")
    assert said[0].endswith("; put that right, then: fleetwatt migrate")
    assert said[1] == "the lake keeps versions from now on: 2 files renamed"
    assert damaged_files(old_lake, released_snapshot(connection, old_lake, SECOND).select(DATASETS, None)) == []
    in_the_way.rmdir()
    take_over(connection, old_lake)
    assert_taken_over(connection, old_lake)


def test_who_may_not_write_the_list_is_told_and_reads_all_the_same(
    connection: psycopg.Connection, old_lake: Lake
) -> None:
    (old_lake.root / "README.md").mkdir()
    said: list[str] = []
    take_over(connection, old_lake, said.append)
    assert said[-1].startswith("The lake's README cannot be written: ")
    assert damaged_files(old_lake, released_snapshot(connection, old_lake).select(DATASETS, None)) == []
