"""A file that is lost, and that nothing can rebuild any more, is a gap for the days after it, until it is back."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from tests.conftest import fresh_database
from tests.fewer_models import catalog_of
from tests.integration.lake.copied_days import copy_of
from tests.integration.lake.drawn_days import add_pair, made, made_all, run_what_is_queued, stored
from tests.lake_folder import newest_file
from tests.unit.sessions.drawn import Drawn, Flow, Register, at
from warehouse.contract.partitions import Stream
from warehouse.lake.publish import MissingFileError
from warehouse.lake.scrub import Damage, scrub
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.fault_step import FAULTS
from warehouse.lifecycle.lagging_models import outdated_models
from warehouse.lifecycle.loss_step import LOSSES
from warehouse.lifecycle.pipeline_files import OnlyCopyDamagedError
from warehouse.lifecycle.retention import Retention
from warehouse.lifecycle.session_step import SESSIONS
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.gaps import list_gaps

DAYS = [date(2026, 2, 8) + timedelta(days=number) for number in range(3)]
FIRST, SECOND, LAST = DAYS
WEEK = "weekly_vehicle_losses"
CHARGES = [
    *(Flow(at(f"{hour}:30", day), at(f"{hour + 1}:30", day), 7.4) for day in range(3) for hour in range(2, 16, 2)),
    *(Flow(at("22:00", day), at("00:30", day + 1), 7.4) for day in range(2)),
]
"""Seven a day, and one over midnight."""


def fleet() -> Drawn:
    """From the last day on the car gets 0.84 of what the meter counts; 0.9 before."""
    end = at("23:50", 2)
    dc = [flow._replace(kw=flow.kw * (0.84 if flow.begin >= at("00:00", 2) else 0.9)) for flow in CHARGES]
    ac = Register(CHARGES, interval_s=600, last_at=end)
    return Drawn({1: ac}, {1: Register(dc, interval_s=600, last_at=end)})


@pytest.fixture(scope="module")
def whole(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """The days, run once and then dropped from PostgreSQL."""
    folder = tmp_path_factory.mktemp("lost")
    with fresh_database(server_url, template) as url:
        pipeline = DailyPipeline(url, Lake(folder / "lake"), catalog_of(WEEK))
        with connect(url) as connection:
            add_pair(connection)
            stored(url, fleet(), folder)
            assert run_what_is_queued(pipeline, connection) == DAYS
        assert not [each for each in Retention(url, pipeline.lake, timedelta()).drop_old() if each.why_kept]
        yield pipeline


@pytest.fixture
def pipeline(whole: DailyPipeline, server_url: str, tmp_path: Path) -> Iterator[DailyPipeline]:
    """A copy, to go on with."""
    with copy_of(whole, server_url, tmp_path) as copied:
        yield copied


@pytest.fixture
def connection(pipeline: DailyPipeline) -> Iterator[psycopg.Connection]:
    """A connection to the database of the copy."""
    with connect(pipeline.url) as connection:
        yield connection


def lose(pipeline: DailyPipeline, day: date, *datasets: str) -> dict[Path, bytes]:
    """Delete files; returns what a backup has of them."""
    files = [newest_file(pipeline.lake, name, day) for name in datasets]
    backup = {file: file.read_bytes() for file in files}
    for file in files:
        file.unlink()
    return backup


def put_back(backup: dict[Path, bytes]) -> None:
    for file, content in backup.items():
        file.write_bytes(content)


def run(pipeline: DailyPipeline, connection: psycopg.Connection, day: date) -> list[str]:
    """Run a day that was queued; returns what it says of gaps. Nothing is queued by that."""
    day_ledger.request_build(connection, day, "a test")
    said: list[str] = []
    pipeline.run(day, said.append)
    assert [each.day for each in day_ledger.days_to_run(connection)] == []
    return [line.partition("; ")[2] for line in said if "made without" in line]


def everything(pipeline: DailyPipeline, days: Sequence[date] = DAYS) -> dict[tuple[str, date], pl.DataFrame]:
    return made_all(pipeline, (*SESSIONS, *FAULTS, *LOSSES), days)


def queued_by_scrub(pipeline: DailyPipeline, connection: psycopg.Connection) -> list[date]:
    assert [each for each in scrub(connection, pipeline.lake) if isinstance(each, Damage)] == []
    return [each.day for each in day_ledger.days_to_run(connection)]


def test_a_day_is_made_without_a_sample_that_is_lost_and_says_so(
    whole: DailyPipeline, pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    assert made(whole, LAST, "loss_findings")["state"].to_list() == ["open"]
    sample, export = lose(pipeline, FIRST, "loss_samples", Stream.METER_READINGS)
    assert run(pipeline, connection, LAST) == [
        f"made without loss_samples of {FIRST}: {sample} is not there; "
        f"first put {export} back from a backup, then fleetwatt run-day {FIRST} rebuilds it"
    ]
    unread = made(pipeline, LAST, "loss_sources").filter(pl.col("sha256").is_null())
    assert unread.select("dataset", "source_day").rows() == [("loss_samples", FIRST)]
    assert made(pipeline, LAST, "loss_findings").is_empty(), "too few sessions are known of before"
    (told,) = map(str, list_gaps(connection))
    assert told.startswith(f"{LAST} was made without loss_samples of {FIRST}, which is lost: fleetwatt scrub says")


def test_when_the_file_itself_is_put_back_a_scrub_has_the_days_made_again(
    whole: DailyPipeline, pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    backup = lose(pipeline, FIRST, "loss_samples", Stream.METER_READINGS)
    run(pipeline, connection, LAST)
    put_back(backup)
    assert queued_by_scrub(pipeline, connection) == [LAST], "the day between was made when the file was there"
    assert run_what_is_queued(pipeline, connection) == [LAST]
    assert list_gaps(connection) == []
    for key, frame in everything(pipeline).items():
        assert_frame_equal(frame, made(whole, key[1], key[0]))
    assert queued_by_scrub(pipeline, connection) == []


@pytest.mark.long
def test_when_the_export_is_put_back_a_run_of_its_day_has_the_days_made_again(
    whole: DailyPipeline, pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    sample, export = (lose(pipeline, FIRST, name) for name in ("loss_samples", Stream.METER_READINGS))
    run(pipeline, connection, LAST)
    with pytest.raises(OnlyCopyDamagedError, match="backup"):
        pipeline.run(FIRST)
    put_back(export)
    pipeline.run(FIRST)
    assert {file.read_bytes() for file in sample} == set(sample.values())
    assert LAST in [each.day for each in day_ledger.days_to_run(connection)]
    run_what_is_queued(pipeline, connection)
    assert list_gaps(connection) == []
    for key, frame in everything(pipeline).items():
        assert_frame_equal(frame, made(whole, key[1], key[0]))


@pytest.mark.long
def test_what_the_day_before_carried_and_is_lost_is_taken_from_the_day_before_that(
    whole: DailyPipeline, pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    lost = ("open_islands", "standby_history", "loss_findings")
    backup = lose(pipeline, SECOND, *lost, Stream.VEHICLE_READINGS)
    told = run(pipeline, connection, LAST)
    assert [line.partition(":")[0] for line in told] == [f"made without {name} of {SECOND}" for name in lost]
    night = [made(each, LAST).sort("started_at").row(0, named=True) for each in (whole, pipeline)]
    assert [row["ac_kwh"] for row in night] == pytest.approx([7.4 * 2.5, 7.4 * 0.5], abs=1.3), "two hours are lost"
    assert made(pipeline, LAST).height == 8, "what the first day left open is known to the second to have ended"
    assert made(pipeline, LAST, "loss_findings")["opened_on"].to_list() == [LAST]
    put_back(backup)
    assert queued_by_scrub(pipeline, connection) == [LAST]
    run_what_is_queued(pipeline, connection)
    for key, frame in everything(pipeline).items():
        assert_frame_equal(frame, made(whole, key[1], key[0]))


def test_a_file_that_can_be_rebuilt_is_no_gap_though_its_readings_were_dropped(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    lose(pipeline, SECOND, "loss_findings")
    day_ledger.request_build(connection, LAST, "a test")
    with pytest.raises(MissingFileError, match=f"fleetwatt run-day {SECOND} rebuilds it"):
        pipeline.run(LAST)
    assert run_what_is_queued(pipeline, connection) == [SECOND, LAST]
    assert list_gaps(connection) == []


def test_where_no_day_before_it_is_left_a_day_begins_from_nothing(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    for day in (FIRST, SECOND):
        lose(pipeline, day, "recent_sessions", Stream.METER_READINGS)
    (told,) = run(pipeline, connection, LAST)
    assert told.startswith(f"made without recent_sessions of {FIRST} and recent_sessions of {SECOND}: ")
    assert [(gap.day, gap.made_day_count, gap.first_made_day) for gap in list_gaps(connection)] == [
        (day, 1, LAST) for day in (FIRST, SECOND)
    ]
    assert made(pipeline, LAST, "recent_sessions").height == made(pipeline, LAST).height


def test_last_samples_that_are_lost_are_known_from_what_later_days_began_from(
    whole: DailyPipeline, pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    lose(pipeline, FIRST, "device_last", Stream.METER_READINGS)
    lose(pipeline, SECOND, "device_last", Stream.METER_READINGS)
    assert run(pipeline, connection, LAST) == []
    for name in ("carried_samples", "hourly_energy"):
        assert_frame_equal(made(pipeline, LAST, name), made(whole, LAST, name))


@pytest.mark.long
def test_a_device_whose_last_sample_is_lost_begins_from_an_older_one_and_the_day_says_so(
    whole: DailyPipeline, pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    backup = lose(pipeline, SECOND, "device_last", Stream.METER_READINGS)
    lose(pipeline, LAST, "carried_samples")
    (told,) = run(pipeline, connection, LAST)
    assert told.startswith(f"made without device_last of {SECOND}: ")
    assert made(pipeline, LAST, "carried_samples")["ts"].dt.date().to_list() == [FIRST] * 2
    put_back(backup)
    assert queued_by_scrub(pipeline, connection) == [LAST]
    run_what_is_queued(pipeline, connection)
    assert_frame_equal(made(pipeline, LAST, "hourly_energy"), made(whole, LAST, "hourly_energy"))


def test_a_model_that_looks_back_is_made_without_a_lost_day(
    whole: DailyPipeline, pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    backup = lose(pipeline, FIRST, "daily_vehicle_efficiency", Stream.METER_READINGS)
    (told,) = run(pipeline, connection, LAST)
    assert told.startswith(f"made without daily_vehicle_efficiency of {FIRST}: ")
    assert made(pipeline, LAST, WEEK)["mapped_day_count"].to_list() == [2]
    assert outdated_models(connection, pipeline.catalog) == []
    put_back(backup)
    assert queued_by_scrub(pipeline, connection) == [LAST]
    run_what_is_queued(pipeline, connection)
    assert_frame_equal(made(pipeline, LAST, WEEK), made(whole, LAST, WEEK))
    assert list_gaps(connection) == []
