"""Losses in the lake: a charger that changes, found in the daily pipeline, and found the same after a late reading."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from tests.conftest import fresh_database
from tests.fewer_models import catalog_of
from tests.integration.lake.copied_days import copy_of
from tests.integration.lake.drawn_days import (
    add_pair,
    forget,
    made,
    made_all,
    publish_beside,
    run_what_is_queued,
    stored,
)
from tests.integration.lake.lossy_days import CHANGED, CHARGES_A_DAY, DAYS, LATE, fleet, lossy_days
from tests.lake_folder import newest_file
from warehouse.lake.publish import DamagedFileError
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.loss_step import LOSSES
from warehouse.losses.loss_files import LossFiles, write_losses
from warehouse.losses.settings import SETTINGS
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import find_lake_file


@pytest.fixture(scope="module")
def whole(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """The days, run once; readings of a charge of the first day are missing."""
    with lossy_days(server_url, template, tmp_path_factory.mktemp("losses"), catalog_of()) as pipeline:
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


def test_a_charger_that_loses_more_than_before_is_found_with_its_onset(whole: DailyPipeline) -> None:
    assert [made(whole, day, "loss_findings").height for day in DAYS] == [0, 0, 1]
    row = made(whole, DAYS[2], "loss_findings").row(0, named=True)
    assert (row["state"], row["vehicle_id"], row["meter_id"]) == ("open", 1, 1)
    assert row["onset_at"].date() == DAYS[2]
    assert row["onset_at"].hour == 1
    assert row["points"] == pytest.approx(6, abs=0.5)
    assert row["excess_kwh"] == pytest.approx(8 * 7.4 * 0.84 * (1 / 0.84 - 1 / 0.9), rel=0.1)


def test_an_open_finding_has_a_verdict_or_says_why_it_has_none(whole: DailyPipeline) -> None:
    (finding_id,) = made(whole, DAYS[2], "loss_findings")["finding_id"]
    row = made(whole, DAYS[2], "register_verdicts").row(0, named=True)
    assert (row["finding_id"], row["cause"]) == (finding_id, "undecided")
    assert row["why_undecided"] == "readings are too far apart to show a power"
    assert made(whole, DAYS[2], "site_verdicts").is_empty()
    assert made(whole, DAYS[2], "first_day_verdicts").is_empty(), "8 sessions are before its Monday, of 14"


def test_a_day_says_which_files_its_losses_were_made_from(whole: DailyPipeline) -> None:
    told = made(whole, DAYS[2], "loss_sources")
    with connect(whole.url) as connection:
        files = [find_lake_file(connection, "loss_samples", day) for day in DAYS[:2]]
    expected = [("loss_samples", file.day, file.sha256.hex(), SETTINGS.version) for file in files if file]
    assert told.filter(pl.col("dataset") == "loss_samples").rows() == expected


@pytest.mark.long
def test_late_readings_restate_all_days_that_look_back_on_them_as_if_they_had_been_in_time(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    before = made(pipeline, DAYS[2], "loss_findings")
    assert made(pipeline, DAYS[0], "loss_samples").height == CHARGES_A_DAY - 1
    stored(pipeline.url, fleet(), tmp_path)
    assert run_what_is_queued(pipeline, connection) == DAYS
    after = made(pipeline, DAYS[2], "loss_findings")
    assert after["finding_id"].equals(before["finding_id"])
    assert after["older_count"].to_list() == [CHANGED]
    restated = made_all(pipeline, LOSSES, DAYS)
    for day in DAYS:
        pipeline.run(day)
    assert run_what_is_queued(pipeline, connection) == []
    for key, frame in made_all(pipeline, LOSSES, DAYS).items():
        assert_frame_equal(frame, restated[key])


def test_findings_of_before_a_column_was_added_are_gone_on_from(whole: DailyPipeline, tmp_path: Path) -> None:
    files = LossFiles(*(newest_file(whole.lake, name, DAYS[2]) for name in LossFiles._fields))
    before = tmp_path / "before.parquet"
    made(whole, DAYS[2], "loss_findings").drop("why_closed").write_parquet(before)
    targets = {name: tmp_path / f"{name}.parquet" for name in LOSSES}
    day = DAYS[2] + timedelta(days=60)
    write_losses(files, [], day, {"loss_findings": before}, targets)
    told = pl.read_parquet(targets["loss_findings"])
    assert told.select("state", "closed_on", "why_closed").rows() == [("closed", day, "not_seen")]


def test_a_sample_that_was_damaged_is_made_again_before_anybody_looks_back_on_it(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    file = newest_file(pipeline.lake, "loss_samples", DAYS[0])
    file.write_bytes(file.read_bytes()[:-1])
    day_ledger.request_build(connection, DAYS[2], "a test")
    with pytest.raises(DamagedFileError, match="loss_samples"):
        pipeline.run(DAYS[2])
    assert run_what_is_queued(pipeline, connection) == DAYS, "what was damaged may have been something else"


@pytest.mark.long
def test_days_made_in_the_wrong_order_end_as_those_made_in_order(
    whole: DailyPipeline, server_url: str, template: str, tmp_path: Path
) -> None:
    with fresh_database(server_url, template) as url, connect(url) as connection:
        pipeline = DailyPipeline(url, Lake(tmp_path / "lake"), whole.catalog)
        add_pair(connection)
        stored(url, fleet(LATE), tmp_path)
        for day in reversed(DAYS):
            pipeline.run(day)
        assert made(pipeline, DAYS[2], "loss_findings").is_empty(), "it had nothing to compare with"
        run_what_is_queued(pipeline, connection)
        for key, frame in made_all(pipeline, LOSSES, DAYS).items():
            assert_frame_equal(frame, made(whole, key[1], key[0]))


@pytest.mark.parametrize("is_published_first", [True, False])
def test_a_day_that_is_made_beside_the_one_before_it_knows_of_it_in_the_end(
    pipeline: DailyPipeline,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    is_published_first: bool,
) -> None:
    """Another worker publishes the day before just before or after it is looked up what is carried."""
    forget(connection, LOSSES, DAYS[1])
    day_ledger.begin_build(connection, DAYS[2])
    publish_beside(monkeypatch, partial(pipeline.losses, DAYS[1]), is_first=is_published_first)
    pipeline.losses(DAYS[2])
    day_ledger.confirm_build(connection, DAYS[2])
    run_what_is_queued(pipeline, connection)
    assert (
        made(pipeline, DAYS[2], "loss_sources").filter(pl.col("dataset") == "loss_samples")["source_day"].to_list()
        == (DAYS[:2])
    )
