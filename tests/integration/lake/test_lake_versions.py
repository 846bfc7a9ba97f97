"""What readers see of a lake that is published again and again: one build of a day, now or as it was; and what goes."""

import errno
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import polars as pl
import psycopg
import pytest

from tests.lake_folder import keys_of
from warehouse.lake.checked_files import damaged_files
from warehouse.lake.publish import publish
from warehouse.lake.snapshot import (
    ForgottenVersionError,
    ManifestError,
    Snapshot,
    manifest_of,
    manifest_snapshot,
    released_snapshot,
)
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.lake_upkeep import remove_old_versions, tidy_lake, withdraw_datasets
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_locks import day_held
from warehouse.postgres.ledger.lake_files import list_versions, release_day
from warehouse.postgres.ledger.lake_locks import begin_reading
from warehouse.postgres.ledger.models import register_model
from warehouse.postgres.overview import look

DAY, NEXT = date(2026, 2, 8), date(2026, 2, 9)
DATASETS = ("hours", "marts")
KEPT = timedelta(days=7)
READERS_PAUSE_S = 0.02


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def put(connection: psycopg.Connection, lake: Lake, dataset: str, rows: int, day: date = DAY) -> None:
    """Publish a file of so many rows."""
    with lake.aside(dataset, day) as written:
        pl.DataFrame({"row": range(rows)}).write_parquet(written)
        publish(connection, lake, dataset, day, written, rows)


def build(connection: psycopg.Connection, lake: Lake, rows: int, day: date = DAY) -> None:
    """A day of two datasets with as many rows, released."""
    for dataset in DATASETS:
        put(connection, lake, dataset, rows, day)
    release_day(connection, day)


def rows_seen(snapshot: Snapshot, day: date = DAY) -> dict[str, int]:
    """Of the files that are there, the rows that are in them."""
    return {
        dataset: pl.scan_parquet(files).select(pl.len()).collect().item()
        for dataset in snapshot.files
        if (files := snapshot.locations(dataset, day))
    }


def seen(connection: psycopg.Connection, lake: Lake) -> dict[str, int]:
    return rows_seen(released_snapshot(connection, lake))


def now(connection: psycopg.Connection) -> datetime:
    ((instant,),) = connection.execute("SELECT clock_timestamp()").fetchall()
    assert isinstance(instant, datetime)
    return instant


def let_time_pass(connection: psycopg.Connection, passed: timedelta) -> None:
    """All that was published was published so much longer ago."""
    for table, column in (("lake_file_versions", "published_at"), ("lake_releases", "released_at")):
        connection.execute(f"UPDATE {table} SET {column} = {column} - %s".encode(), [passed])


def versions_in_folder(lake: Lake) -> list[tuple[str, int]]:
    return [(key.dataset, key.version) for key in sorted(keys_of(lake))]


def remove_without(connection: psycopg.Connection, lake: Lake, declared: Iterable[str]) -> tuple[str, ...]:
    """What upkeep removes of datasets that are not declared."""
    withdrawn = withdraw_datasets(connection, declared, KEPT)
    return remove_old_versions(connection, lake, KEPT, withdrawn, timedelta(0)).withdrawn


class TestReleases:
    def test_a_day_that_was_never_released_shows_what_is_there(
        self, connection: psycopg.Connection, lake: Lake
    ) -> None:
        put(connection, lake, "hours", 1)
        assert seen(connection, lake) == {"hours": 1}

    def test_while_a_day_is_rebuilt_its_last_build_is_seen(self, connection: psycopg.Connection, lake: Lake) -> None:
        build(connection, lake, 1)
        put(connection, lake, "hours", 2)
        assert seen(connection, lake) == {"hours": 1, "marts": 1}
        put(connection, lake, "marts", 2)
        assert seen(connection, lake) == {"hours": 1, "marts": 1}
        release_day(connection, DAY)
        assert seen(connection, lake) == {"hours": 2, "marts": 2}

    def test_a_dataset_that_was_added_is_seen_with_the_next_build(
        self, connection: psycopg.Connection, lake: Lake
    ) -> None:
        build(connection, lake, 1)
        put(connection, lake, "reports", 5)
        assert seen(connection, lake) == {"hours": 1, "marts": 1}
        release_day(connection, DAY)
        assert seen(connection, lake) == {"hours": 1, "marts": 1, "reports": 5}

    def test_a_release_of_what_is_released_is_none(self, connection: psycopg.Connection, lake: Lake) -> None:
        build(connection, lake, 1)
        release_day(connection, DAY)
        assert connection.execute("SELECT release FROM lake_releases").fetchall() == [(1,)]

    def test_days_are_released_apart(self, connection: psycopg.Connection, lake: Lake) -> None:
        build(connection, lake, 1)
        build(connection, lake, 1, NEXT)
        put(connection, lake, "hours", 2)
        put(connection, lake, "hours", 2, NEXT)
        release_day(connection, NEXT)
        snapshot = released_snapshot(connection, lake)
        assert rows_seen(snapshot, DAY) == {"hours": 1, "marts": 1}
        assert rows_seen(snapshot, NEXT) == {"hours": 2, "marts": 1}
        assert snapshot.days("hours") == [DAY, NEXT]


class TestAsOf:
    @pytest.fixture
    def instants(self, connection: psycopg.Connection, lake: Lake) -> list[datetime]:
        """Before, between and after three builds, of 1, 2 and 3 rows."""
        instants = [now(connection)]
        for rows in (1, 2, 3):
            build(connection, lake, rows)
            instants.append(now(connection))
        return instants

    def test_it_is_what_readers_saw_then(
        self, connection: psycopg.Connection, lake: Lake, instants: list[datetime]
    ) -> None:
        found = [rows_seen(released_snapshot(connection, lake, as_of=each)) for each in instants]
        assert found == [{}, *({"hours": rows, "marts": rows} for rows in (1, 2, 3))]

    @pytest.mark.usefixtures("instants")
    def test_a_release_is_asked_for_by_its_number(self, connection: psycopg.Connection, lake: Lake) -> None:
        assert rows_seen(released_snapshot(connection, lake, DAY, release=2)) == {"hours": 2, "marts": 2}
        with pytest.raises(ForgottenVersionError, match="of 2026-02-08 there are 1 to 3"):
            released_snapshot(connection, lake, DAY, release=4)
        with pytest.raises(ForgottenVersionError, match="there are none"):
            released_snapshot(connection, lake, NEXT, release=1)

    def test_what_is_not_kept_any_more_is_told_and_not_made_up(
        self, connection: psycopg.Connection, lake: Lake, instants: list[datetime]
    ) -> None:
        let_time_pass(connection, KEPT + timedelta(days=1))
        build(connection, lake, 4)
        let_time_pass(connection, timedelta(days=1))
        removed = remove_old_versions(connection, lake, KEPT)
        assert (removed.versions, removed.why_kept) == (4, None)  # of the first and the second build
        long_ago = timedelta(days=9)
        with pytest.raises(ForgottenVersionError, match=r"what 2026-02-08 was then is not kept any more; ask for "):
            released_snapshot(connection, lake, as_of=instants[2] - long_ago)
        assert rows_seen(released_snapshot(connection, lake, as_of=instants[3] - long_ago)) == dict.fromkeys(
            DATASETS, 3
        )
        with pytest.raises(ForgottenVersionError, match="of 2026-02-08 there are 3 to 4"):
            released_snapshot(connection, lake, DAY, release=2)


class TestRemoval:
    def test_a_version_stays_for_as_long_after_it_was_replaced(
        self, connection: psycopg.Connection, lake: Lake
    ) -> None:
        build(connection, lake, 1)
        let_time_pass(connection, timedelta(days=30))
        build(connection, lake, 2)
        let_time_pass(connection, timedelta(days=6, hours=23))
        assert remove_old_versions(connection, lake, KEPT).versions == 0
        let_time_pass(connection, timedelta(hours=2))
        assert remove_old_versions(connection, lake, KEPT).versions == 2
        assert versions_in_folder(lake) == [("hours", 2), ("marts", 2)]
        assert seen(connection, lake) == {"hours": 2, "marts": 2}
        assert remove_old_versions(connection, lake, KEPT).versions == 0

    def test_what_readers_see_stays_however_old(self, connection: psycopg.Connection, lake: Lake) -> None:
        build(connection, lake, 1)
        put(connection, lake, "hours", 2)  # and then the build broke off
        let_time_pass(connection, timedelta(days=100))
        assert remove_old_versions(connection, lake, KEPT).versions == 0
        assert seen(connection, lake) == {"hours": 1, "marts": 1}

    def test_nothing_goes_while_somebody_reads(
        self, connection: psycopg.Connection, database_url: str, lake: Lake
    ) -> None:
        build(connection, lake, 1)
        build(connection, lake, 2)
        let_time_pass(connection, timedelta(days=30))
        with connect(database_url) as reader:
            begin_reading(reader)
            refused = remove_old_versions(connection, lake, KEPT, readers_end_within=timedelta(0))
            who = f"session {reader.info.backend_pid} at 127.0.0.1 since "
            assert refused.versions == 0
            assert str(refused).startswith(f"no version removed: the lake is still read by {who}")
            assert versions_in_folder(lake) == [("hours", 1), ("hours", 2), ("marts", 1), ("marts", 2)]
        assert remove_old_versions(connection, lake, KEPT).versions == 2, "the server sees a moment later that it ended"

    def test_who_begins_to_read_meanwhile_is_not_waited_for(
        self, connection: psycopg.Connection, database_url: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many there are: a lake that is read all the time would never lose a version."""
        build(connection, lake, 1)
        build(connection, lake, 2)
        let_time_pass(connection, timedelta(days=30))
        with ExitStack() as stack:
            readers: list[psycopg.Connection] = []

            def one_ends_and_another_begins(_: float) -> None:
                readers.append(stack.enter_context(connect(database_url)))
                begin_reading(readers[-1])
                if len(readers) > 1:
                    readers[-2].close()

            one_ends_and_another_begins(0)
            monkeypatch.setattr("time.sleep", one_ends_and_another_begins)
            removed = remove_old_versions(connection, lake, KEPT, readers_end_within=timedelta(minutes=1))
            assert (removed.versions, removed.why_kept) == (2, None)
            assert seen(readers[-1], lake) == {"hours": 2, "marts": 2}
            with pytest.raises(ForgottenVersionError):
                released_snapshot(readers[-1], lake, DAY, release=1)

    def test_a_clock_that_was_set_back_for_a_while_takes_no_version_early(
        self, connection: psycopg.Connection, lake: Lake
    ) -> None:
        build(connection, lake, 1)
        let_time_pass(connection, timedelta(days=30))
        build(connection, lake, 2)  # what readers saw until just now
        build(connection, lake, 3)
        back = "- interval '20 days'"
        connection.execute(
            f"UPDATE lake_file_versions SET published_at = published_at {back} WHERE version = 3".encode()
        )
        connection.execute(f"UPDATE lake_releases SET released_at = released_at {back} WHERE release = 3".encode())
        assert remove_old_versions(connection, lake, KEPT).versions == 0
        assert rows_seen(released_snapshot(connection, lake, DAY, release=2)) == {"hours": 2, "marts": 2}
        let_time_pass(connection, KEPT)
        assert remove_old_versions(connection, lake, KEPT).versions == 4

    def test_a_clock_that_was_set_forth_for_a_while_keeps_no_version_for_ever(
        self, connection: psycopg.Connection, lake: Lake
    ) -> None:
        build(connection, lake, 1)
        build(connection, lake, 2)
        let_time_pass(connection, timedelta(days=-1000))
        build(connection, lake, 3)
        let_time_pass(connection, KEPT + timedelta(hours=1))
        assert remove_old_versions(connection, lake, KEPT).versions == 4
        assert versions_in_folder(lake) == [("hours", 3), ("marts", 3)]

    def test_what_the_lake_itself_still_names_stays(self, connection: psycopg.Connection, lake: Lake) -> None:
        build(connection, lake, 1)
        (lake.root / "files.json").write_text(manifest_of(released_snapshot(connection, lake)))
        build(connection, lake, 2)
        let_time_pass(connection, timedelta(days=30))
        assert remove_old_versions(connection, lake, KEPT).versions == 0
        assert rows_seen(manifest_snapshot(lake)) == {"hours": 1, "marts": 1}
        (lake.root / "files.json").unlink()
        assert remove_old_versions(connection, lake, KEPT).versions == 2

    def test_on_a_disk_that_is_too_full_to_describe_the_lake_old_versions_make_room(
        self, connection: psycopg.Connection, lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build(connection, lake, 1)
        tidy_lake(connection, lake, KEPT)
        for rows in (2, 3):
            build(connection, lake, rows)
        let_time_pass(connection, timedelta(days=30))
        gone = [Path(lake.location(file)) for file in list_versions(connection) if file.version == 2]
        assert len(gone) == 2
        original = Path.write_bytes

        def write_where_there_is_room(path: Path, content: bytes) -> int:
            if any(each.exists() for each in gone):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return original(path, content)

        monkeypatch.setattr(Path, "write_bytes", write_where_there_is_room)
        assert tidy_lake(connection, lake, KEPT).versions == 2, "those that the lake does not name"
        assert rows_seen(manifest_snapshot(lake)) == {"hours": 3, "marts": 3}
        assert tidy_lake(connection, lake, KEPT).versions == 2, "those that it named until then"

    def test_killed_between_file_and_ledger_it_goes_on(self, connection: psycopg.Connection, lake: Lake) -> None:
        build(connection, lake, 1)
        build(connection, lake, 2)
        let_time_pass(connection, timedelta(days=30))
        (gone, *_) = sorted(keys_of(lake))
        lake.store.delete(str(gone))
        assert remove_old_versions(connection, lake, KEPT).versions == 2
        assert versions_in_folder(lake) == [("hours", 2), ("marts", 2)]

    def test_what_a_killed_publisher_left_goes_once_its_version_was_made(
        self, connection: psycopg.Connection, database_url: str, lake: Lake
    ) -> None:
        build(connection, lake, 1)
        left = lake.root / "hours/day=2026-02-08/v2-00000000.parquet"
        left.write_bytes(b"left behind")
        assert remove_old_versions(connection, lake, KEPT).left_behind == 0, "its publisher may be at work"
        build(connection, lake, 2)
        assert remove_old_versions(connection, lake, KEPT).left_behind == 0, "it may be of a database that was restored"
        long_ago = (datetime.now(UTC) - KEPT - timedelta(hours=1)).timestamp()
        os.utime(left, (long_ago, long_ago))
        with connect(database_url) as publisher, day_held(publisher, DAY):
            assert remove_old_versions(connection, lake, KEPT).left_behind == 0
        assert remove_old_versions(connection, lake, KEPT).left_behind == 1
        assert not left.exists()
        assert versions_in_folder(lake) == [("hours", 1), ("hours", 2), ("marts", 1), ("marts", 2)]

    def test_what_a_removed_model_made_goes_once_days_were_released_without_it_for_long_enough(
        self, connection: psycopg.Connection, database_url: str, lake: Lake
    ) -> None:
        for day in (DAY, NEXT):
            build(connection, lake, 1, day)
            register_model(connection, "marts", day, "its digest", ())
        let_time_pass(connection, timedelta(days=30))
        assert remove_without(connection, lake, ["hours"]) == (), "no day was released without it"
        put(connection, lake, "hours", 2, NEXT)
        release_day(connection, NEXT, ["hours"])
        let_time_pass(connection, timedelta(days=6, hours=23))
        assert remove_without(connection, lake, ["hours"]) == (), "its model may come back"
        let_time_pass(connection, timedelta(hours=2))
        assert remove_without(connection, lake, DATASETS) == (), "its model is there"
        assert remove_without(connection, lake, ["marts"]) == (), "no model made hours"
        with connect(database_url) as worker, day_held(worker, DAY):
            assert remove_without(connection, lake, ["hours"]) == ("marts",)
            assert ("marts", 1) in versions_in_folder(lake), "somebody works on that day"
        with connect(database_url) as reader:
            begin_reading(reader)
            assert remove_without(connection, lake, ["hours"]) == ()
            assert ("marts", 1) in versions_in_folder(lake), "somebody has begun to read it"
            assert seen(connection, lake) == {"hours": 1}, "nobody begins to read it any more"
        assert remove_without(connection, lake, ["hours"]) == ("marts",)
        assert versions_in_folder(lake) == [("hours", 1), ("hours", 2)]
        assert remove_without(connection, lake, ["hours"]) == ()
        put(connection, lake, "marts", 3)
        assert rows_seen(released_snapshot(connection, lake)) == {"hours": 1}

    def test_what_is_newer_than_the_ledger_stays(self, connection: psycopg.Connection, lake: Lake) -> None:
        """A database that was restored from a backup knows less than the lake has."""
        build(connection, lake, 1)
        build(connection, lake, 2)
        connection.execute("TRUNCATE lake_releases, lake_file_versions, lake_files CASCADE")
        assert remove_old_versions(connection, lake, KEPT).left_behind == 0
        assert len(keys_of(lake)) == 4


def test_the_status_tells_what_replaced_versions_take(connection: psycopg.Connection, lake: Lake) -> None:
    build(connection, lake, 1)
    first = sum(file.size_bytes for file in released_snapshot(connection, lake).select(DATASETS, DAY))
    assert (look(connection).database.lake_bytes, look(connection).database.replaced_lake_bytes) == (first, 0)
    build(connection, lake, 100_000)
    second = sum(file.size_bytes for file in released_snapshot(connection, lake).select(DATASETS, DAY))
    assert (look(connection).database.lake_bytes, look(connection).database.replaced_lake_bytes) == (second, first)


class TestManifest:
    def test_it_gives_the_same_snapshot(self, connection: psycopg.Connection, lake: Lake) -> None:
        build(connection, lake, 1)
        build(connection, lake, 2, NEXT)
        snapshot = released_snapshot(connection, lake)
        (lake.root / "files.json").write_text(manifest_of(snapshot))
        assert manifest_snapshot(lake) == snapshot

    def test_without_one_the_lake_is_empty(self, lake: Lake) -> None:
        assert manifest_snapshot(lake) == Snapshot.of(lake, [])

    @pytest.mark.parametrize(
        "text",
        [
            *("", "[]", "{}", "\xff", "[" * 100_000, '{"format": 2, "datasets": {}}', '{"format": 1, "datasets": []}'),
            '{"format": 1, "datasets": {"hours": {"2026-02-30": {}}}}',
            '{"format": 1, "datasets": {"hours": {"2026-02-08": {"version": 1e999}}}}',
        ],
        ids=range(9),
    )
    def test_one_that_cannot_be_read_is_told(self, lake: Lake, text: str) -> None:
        lake.root.mkdir()
        (lake.root / "files.json").write_text(text, encoding="latin-1")
        with pytest.raises(ManifestError, match=r"files\.json: .*; the next fleetwatt run-day writes it again"):
            manifest_snapshot(lake)


def test_a_list_that_is_no_file_is_told(lake: Lake) -> None:
    lake.root.mkdir()
    os.mkfifo(lake.root / "files.json")
    with pytest.raises(ManifestError, match="it is no file"):
        manifest_snapshot(lake)


def test_names_that_only_look_like_versions_are_in_nobodys_way(connection: psycopg.Connection, lake: Lake) -> None:
    build(connection, lake, 1)
    for name in ("hours/day=2026-13-45/v1-aaaaaaaa.parquet", "hours/day=2026-02-08/v1-bbbbbbbb.parquet/x"):
        path = lake.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"strange")
    assert remove_old_versions(connection, lake, KEPT).why_kept is None
    assert versions_in_folder(lake) == [("hours", 1), ("marts", 1)]


def test_a_pipe_in_the_place_of_a_version_is_missed(connection: psycopg.Connection, lake: Lake) -> None:
    build(connection, lake, 1)
    (file, _) = released_snapshot(connection, lake).select(DATASETS, DAY)
    Path(lake.location(file)).unlink()
    os.mkfifo(lake.location(file))
    assert damaged_files(lake, [file]) == [file]


@pytest.fixture
def readers(database_url: str, lake: Lake) -> Iterator[list[dict[str, int]]]:
    """Two who ask all the time, each by a connection of their own; what they saw."""
    found: list[dict[str, int]] = []
    stop = Event()

    def read() -> None:
        with connect(database_url) as connection:
            while not stop.wait(READERS_PAUSE_S):
                found.append(seen(connection, lake))

    threads = [Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield found
    stop.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("builds", [30, pytest.param(60, marks=pytest.mark.long)])
def test_of_a_day_that_is_republished_again_and_again_readers_see_one_build_each(
    connection: psycopg.Connection, lake: Lake, readers: list[dict[str, int]], builds: int
) -> None:
    for rows in range(1, builds + 1):
        build(connection, lake, rows)
        remove_old_versions(connection, lake, KEPT)
        while rows % 5 == 0 and {"hours": rows, "marts": rows} not in readers:
            time.sleep(READERS_PAUSE_S)  # those who began before see what they saw
    counted = {tuple(each.items()) for each in readers}
    assert counted <= {(), *(((("hours", rows), ("marts", rows))) for rows in range(1, builds + 1)), (("hours", 1),)}
    old = released_snapshot(connection, lake, DAY, release=1)
    assert rows_seen(old) == {"hours": 1, "marts": 1}
    assert datetime.now(UTC) - min(file.published_at for file in old.select(DATASETS, DAY)) < KEPT
