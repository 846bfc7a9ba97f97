"""A day leaves PostgreSQL only where the lake holds it beyond doubt, and comes back whole when an import adds to it."""

import json
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import polars as pl
import psycopg
import pytest

from tests.conftest import fresh_database
from tests.factories import meter_payload, ramp, vehicle_payload
from tests.fewer_models import catalog_of
from tests.lake_folder import newest_file
from warehouse.contract.partitions import PartitionState, Stream, midnight, partition_name
from warehouse.lake.publish import DamagedFileError
from warehouse.lake.scrub import Damage, scrub
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.pipeline_files import OnlyCopyDamagedError
from warehouse.lifecycle.readings_import import ImportReport, import_file
from warehouse.lifecycle.retention import Retention, Verdict
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger, day_locks
from warehouse.postgres.ledger.partition_figures import partition_figures
from warehouse.postgres.partitions import dropping
from warehouse.settings import FleetSettings

DAY = datetime.now(UTC).date() - timedelta(days=40)
ROWS = 60
FROM_A_BACKUP = "PostgreSQL no longer has that day: put the file back from a backup"


class History:
    """One old day of one pair, imported and run."""

    def __init__(self, url: str, home: Path, connection: psycopg.Connection) -> None:
        self.url = url
        self.connection = connection
        self.settings = FleetSettings(_env_file=None, home=home)
        self.lake = Lake(self.settings.lake)
        self.pipeline = DailyPipeline(url, self.lake, catalog_of("daily_vehicle_efficiency"))
        self.retention = Retention(url, self.lake, self.settings.retention)

    def import_hour(self, hour: int) -> int:
        """An hour of both; returns the rows stored."""
        report = self.try_to_import_hour(hour)
        assert report.failure is None
        return report.accepted

    def try_to_import_hour(self, hour: int) -> ImportReport:
        start = midnight(DAY) + timedelta(hours=hour)
        meters = ramp(meter_payload, "kwhConsumedAc", start, ROWS, 100.0 + hour, 0.1)
        vehicles = ramp(vehicle_payload, "kwhDeliveredDc", start, ROWS, 50.0 + hour, 0.09)
        path = self.settings.home / f"{hour}.ndjson"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{json.dumps(each)}\n" for each in [*meters, *vehicles]))
        return import_file(self.url, path, self.settings)

    def forget_when_it_was_written(self) -> None:
        """Retention counts from the last write: let it have been long ago."""
        self.connection.execute("UPDATE late_rows SET stored_at = stored_at - INTERVAL '31 days'")

    def state(self, stream: Stream) -> str:
        return day_ledger.stream_day(self.connection, stream, DAY).state

    def drop(self) -> list[Verdict]:
        return list(self.retention.drop_old())

    def count(self, stream: Stream) -> int:
        row = self.connection.execute(f"SELECT count(*) FROM {stream}".encode()).fetchone()
        assert row is not None
        return int(row[0])


class FinishedDay(NamedTuple):
    """A day that was imported and run: made once, copied for each test."""

    database: str
    home: Path


@pytest.fixture(scope="module")
def finished(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FinishedDay]:
    home = tmp_path_factory.mktemp("finished") / "home"
    with fresh_database(server_url, template) as url:
        with connect(url) as connection:
            history = History(url, home, connection)
            assert history.import_hour(10) == 2 * ROWS
            history.forget_when_it_was_written()
            history.pipeline.run(DAY)
        yield FinishedDay(urlsplit(url).path.removeprefix("/"), home)


@pytest.fixture
def database_url(server_url: str, finished: FinishedDay) -> Iterator[str]:
    with fresh_database(server_url, finished.database) as url:
        yield url


@pytest.fixture
def history(database_url: str, tmp_path: Path, connection: psycopg.Connection, finished: FinishedDay) -> History:
    return History(database_url, shutil.copytree(finished.home, tmp_path / "home"), connection)


def why_kept(verdicts: list[Verdict]) -> list[str | None]:
    return [verdict.why_kept for verdict in verdicts]


def test_a_day_in_the_lake_leaves_postgresql_and_its_models_can_still_be_built(history: History) -> None:
    assert history.drop() == [Verdict(stream, DAY, None) for stream in Stream]
    assert [history.state(stream) for stream in Stream] == ["dropped", "dropped"]
    assert [history.count(stream) for stream in Stream] == [0, 0]
    assert history.connection.execute(
        "SELECT to_regclass('meter_readings_' || %s)", [f"{DAY:%Y_%m_%d}"]
    ).fetchone() == (None,)
    assert history.drop() == []
    day_ledger.request_build(history.connection, DAY, "a test")
    assert [each.day for each in day_ledger.days_to_run(history.connection)] == [DAY]
    history.pipeline.run(DAY)
    assert pl.read_parquet(newest_file(history.lake, "hourly_energy", DAY))["energy_kwh"].sum() == pytest.approx(
        59 * 0.19
    )


def test_what_another_worker_has_dropped_meanwhile_is_for_that_one_to_tell(history: History) -> None:
    verdicts = history.retention.drop_old()
    first = next(verdicts)  # both days were found
    assert [first, *history.drop()] == [Verdict(stream, DAY, None) for stream in Stream]
    assert list(verdicts) == []


def test_the_last_write_counts_and_not_the_day(history: History) -> None:
    history.connection.execute("UPDATE late_rows SET stored_at = clock_timestamp()")
    assert history.drop() == []


def test_a_day_that_is_not_exported_stays(history: History) -> None:
    history.connection.execute("UPDATE partition_ledger SET state = 'sealed' WHERE state = 'exported'")
    assert why_kept(history.drop()) == ["it is not exported"] * 2


def test_a_dirty_day_stays_until_it_is_exported_again(history: History) -> None:
    assert history.import_hour(12) == 2 * ROWS
    history.forget_when_it_was_written()
    history.forget_when_it_was_written()
    assert why_kept(history.drop()) == ["rows came in since its export; it is exported again first"] * 2
    history.pipeline.run(DAY)
    assert why_kept(history.drop()) == [None, None]


@pytest.mark.parametrize("harm", ["flip", "delete"])
def test_a_file_that_is_not_what_was_published_keeps_its_day_and_is_rebuilt(history: History, harm: str) -> None:
    file = newest_file(history.lake, Stream.METER_READINGS, DAY)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink() if harm == "delete" else file.write_bytes(content)
    meter, vehicle = history.drop()
    assert meter.why_kept and "queued" in meter.why_kept
    assert vehicle.why_kept is None
    assert [each.day for each in day_ledger.days_to_run(history.connection)] == [DAY]
    history.pipeline.run(DAY)
    assert why_kept(history.drop()) == [None]


def test_a_row_that_comes_in_between_the_last_look_and_the_detaching_is_not_lost(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    detach = dropping.detach

    def store_then_detach(connection: psycopg.Connection, stream: Stream, day: date) -> bool:
        with connect(history.url) as other:
            device = "meter_id" if stream is Stream.METER_READINGS else "vehicle_id"
            other.execute(f"INSERT INTO {stream} (ts, kwh, {device}) VALUES (%s, 1, 1)".encode(), [midnight(day)])
        return detach(connection, stream, day)

    monkeypatch.setattr(dropping, "detach", store_then_detach)
    verdicts = history.drop()
    assert all("counts something else" in str(verdict.why_kept) for verdict in verdicts)
    assert [history.state(stream) for stream in Stream] == ["sealed", "sealed"]
    assert [history.count(stream) for stream in Stream] == [ROWS + 1, ROWS + 1]


def test_readers_are_not_stopped_and_the_day_waits_for_the_next_time(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropping, "_ATTEMPTS", 2)
    with connect(history.url, autocommit=False) as reader:
        reader.execute("SELECT count(*) FROM meter_readings")
        meter, vehicle = history.drop()
    assert meter.why_kept and "readers were in the way" in meter.why_kept
    assert vehicle.why_kept is None
    assert history.state(Stream.METER_READINGS) == "exported"


def test_a_day_that_an_import_holds_is_passed_by(history: History) -> None:
    with connect(history.url) as importer, day_locks.holding_days(importer) as hold:
        hold(DAY)
        assert why_kept(history.drop()) == ["a worker or an import has the day now"] * 2


def test_a_worker_killed_between_detaching_and_dropping_leaves_work_for_the_next(history: History) -> None:
    assert dropping.detach(history.connection, Stream.METER_READINGS, DAY)
    assert dropping.detached_days(history.connection) == [(Stream.METER_READINGS, DAY)]
    assert why_kept(history.drop()) == [None, None]
    assert dropping.detached_days(history.connection) == []


def test_an_import_into_a_dropped_day_adds_to_it(history: History) -> None:
    history.drop()
    assert history.import_hour(12) == 2 * ROWS
    assert [history.count(stream) for stream in Stream] == [2 * ROWS, 2 * ROWS]
    assert [history.state(stream) for stream in Stream] == [PartitionState.OPEN, PartitionState.OPEN]
    history.pipeline.run(DAY)
    versions = [day_ledger.stream_day(history.connection, stream, DAY).version for stream in Stream]
    assert versions == [2, 2]
    assert pl.read_parquet(newest_file(history.lake, Stream.METER_READINGS, DAY)).height == 2 * ROWS


def test_the_same_import_again_finds_duplicates_in_the_restored_day(history: History) -> None:
    before = [partition_figures(history.connection, stream, DAY) for stream in Stream]
    history.drop()
    assert history.import_hour(10) == 0
    assert [partition_figures(history.connection, stream, DAY) for stream in Stream] == before


def test_a_killed_restore_starts_over(history: History) -> None:
    history.drop()
    table = partition_name(Stream.METER_READINGS, DAY)
    history.connection.execute(f"CREATE TABLE {table}_restoring (LIKE meter_readings INCLUDING ALL)".encode())
    history.connection.execute(f"INSERT INTO {table}_restoring (ts, kwh, meter_id) VALUES (now(), 1, 1)".encode())
    assert dropping.detached_days(history.connection) == []
    history.import_hour(12)
    assert history.count(Stream.METER_READINGS) == 2 * ROWS


def test_nothing_is_added_to_a_dropped_day_whose_only_copy_is_damaged(history: History) -> None:
    history.drop()
    file = newest_file(history.lake, Stream.METER_READINGS, DAY)
    file.write_bytes(file.read_bytes()[:-1])
    report = history.try_to_import_hour(12)
    assert isinstance(report.failure, DamagedFileError)
    assert report.failure.detail == f"{file} was changed or damaged; {FROM_A_BACKUP}"
    assert (report.accepted, history.state(Stream.METER_READINGS)) == (0, "dropped")
    day_ledger.request_build(history.connection, DAY, "a test")
    with pytest.raises(OnlyCopyDamagedError, match="backup"):
        history.pipeline.run(DAY)


@pytest.mark.parametrize("harm", ["cut", "delete"])
def test_what_to_do_about_a_damaged_file_of_a_dropped_day_is_true(history: History, harm: str) -> None:
    """Its readings come from a backup, whatever is made of them by a run of the day, once its readings are back."""
    history.drop()
    files = [newest_file(history.lake, name, DAY) for name in (Stream.METER_READINGS, "hourly_energy")]
    contents = [file.read_bytes() for file in files]
    for file in files:
        file.unlink() if harm == "delete" else file.write_bytes(b"PAR1")

    def told() -> dict[str, str]:
        found = scrub(history.connection, history.lake)
        return {damage.dataset: damage.what.partition("; ")[2] for damage in found if damage}

    rebuild = f"fleetwatt run-day {DAY} rebuilds it"
    first = f"first put {files[0]} back from a backup, then "
    assert told() == {Stream.METER_READINGS: FROM_A_BACKUP, "hourly_energy": first + rebuild}
    files[0].write_bytes(contents[0])
    assert told() == {"hourly_energy": rebuild}
    history.pipeline.run(DAY)
    assert told() == {}


def test_two_imports_into_a_dropped_day_restore_it_once(history: History) -> None:
    history.drop()
    stored: list[int] = []
    importers = [
        threading.Thread(target=lambda hour=hour: stored.append(history.import_hour(hour))) for hour in (12, 14)
    ]
    for importer in importers:
        importer.start()
    for importer in importers:
        importer.join()
    assert stored == [2 * ROWS, 2 * ROWS]
    assert history.count(Stream.METER_READINGS) == 3 * ROWS


def test_a_scrub_finds_what_is_damaged_and_asks_for_its_day(history: History) -> None:
    file = newest_file(history.lake, "daily_vehicle_efficiency", DAY)
    content = bytearray(file.read_bytes())
    content[60] ^= 4
    file.write_bytes(content)
    found = list(scrub(history.connection, history.lake))
    assert [each.dataset for each in found if isinstance(each, Damage)] == ["daily_vehicle_efficiency"]
    assert len(found) == len(history.pipeline.catalog.models)
    history.pipeline.run(DAY)
    assert not any(scrub(history.connection, history.lake))
