"""A vehicle whose clock is off, in the lake: the day after it was found takes the lag off, in whatever order."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import polars as pl
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
from tests.lake_folder import newest_file
from tests.unit.data_faults.test_lagging_days import MINUTE, charges, pair
from tests.unit.sessions.drawn import DAY, Drawn
from warehouse.data_faults.fault_files import read_carried
from warehouse.data_faults.schemas import RECENT_SESSIONS
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.fault_step import FAULTS
from warehouse.lifecycle.loss_step import LOSSES
from warehouse.lifecycle.session_step import SESSIONS
from warehouse.losses.loss_files import LossFiles, Source, write_losses
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger

DAYS = [(DAY + timedelta(days=number)).date() for number in range(3)]
CHARGES_A_DAY = 7
LAG = -150 * MINUTE


def fleet() -> Drawn:
    flows = charges(len(DAYS), CHARGES_A_DAY)
    return pair(flows, lambda _instant: LAG, lambda _instant: 0.9, interval=10 * MINUTE)


@pytest.fixture(scope="module")
def whole(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """The days, each run once, in order."""
    folder = tmp_path_factory.mktemp("lags")
    with fresh_database(server_url, template) as url:
        pipeline = DailyPipeline(url, Lake(folder / "lake"), catalog_of())
        with connect(url) as connection:
            add_pair(connection)
            stored(url, fleet(), folder)
            assert run_what_is_queued(pipeline, connection) == DAYS
        yield pipeline


def test_the_day_after_a_clock_was_found_to_be_off_takes_its_lag_off(whole: DailyPipeline) -> None:
    faults = [made(whole, day, "data_faults").filter(pl.col("rule") == "R8")["state"].to_list() for day in DAYS]
    assert faults == [["opened"], ["open"], ["open"]]
    sessions = [made(whole, day) for day in DAYS]
    assert [each["clock_lag_s"].null_count() == each.height for each in sessions] == [True, False, False]
    assert set(sessions[2]["kind"]) == {"charge"}
    assert sessions[2]["clock_lag_s"].to_list() == pytest.approx([-9000] * sessions[2].height, abs=60)
    samples = made(whole, DAYS[2], "loss_samples")
    assert samples["clock_lag_s"].equals(sessions[2].filter("is_qualified").sort("ended_at")["clock_lag_s"])
    assert samples.height >= CHARGES_A_DAY


@pytest.mark.long
def test_days_made_in_the_wrong_order_end_as_those_made_in_order(
    whole: DailyPipeline, server_url: str, template: str, tmp_path: Path
) -> None:
    with fresh_database(server_url, template) as url, connect(url) as connection:
        pipeline = DailyPipeline(url, Lake(tmp_path / "lake"), whole.catalog)
        add_pair(connection)
        stored(url, fleet(), tmp_path)
        for day in reversed(DAYS):
            pipeline.run(day)
        run_what_is_queued(pipeline, connection)
        for key, frame in made_all(pipeline, (*SESSIONS, *FAULTS, *LOSSES), DAYS).items():
            assert_frame_equal(frame, made(whole, key[1], key[0]))


@pytest.mark.parametrize("is_published_first", [True, False])
def test_sessions_that_are_made_beside_the_faults_of_the_day_before_know_them_in_the_end(
    whole: DailyPipeline,
    server_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_published_first: bool,
) -> None:
    """Another worker publishes the faults of the day before just before or after they are looked up."""
    with copy_of(whole, server_url, tmp_path) as pipeline, connect(pipeline.url) as connection:
        forget(connection, FAULTS, DAYS[0])
        forget(connection, (*SESSIONS, *LOSSES), DAYS[1])
        day_ledger.begin_build(connection, DAYS[1])
        publish_beside(monkeypatch, partial(pipeline.data_faults, DAYS[0]), is_first=is_published_first)
        pipeline.sessions(DAYS[1])
        day_ledger.confirm_build(connection, DAYS[1])
        run_what_is_queued(pipeline, connection)
        assert_frame_equal(made(pipeline, DAYS[1]), made(whole, DAYS[1]))


def test_faults_that_come_after_the_sessions_of_the_next_day_have_it_made_again(
    whole: DailyPipeline, server_url: str, tmp_path: Path
) -> None:
    """The next day was begun, and has no faults yet: nothing else would tell it."""
    with copy_of(whole, server_url, tmp_path) as pipeline, connect(pipeline.url) as connection:
        forget(connection, FAULTS, DAYS[0])
        forget(connection, (*SESSIONS, *LOSSES), DAYS[1])
        day_ledger.begin_build(connection, DAYS[1])
        pipeline.sessions(DAYS[1])
        assert made(pipeline, DAYS[1])["clock_lag_s"].null_count() == made(pipeline, DAYS[1]).height
        day_ledger.confirm_build(connection, DAYS[1])
        pipeline.data_faults(DAYS[0])
        assert DAYS[1] in run_what_is_queued(pipeline, connection)
        assert_frame_equal(made(pipeline, DAYS[1]), made(whole, DAYS[1]))


def test_files_of_before_lags_were_taken_off_are_gone_on_from(whole: DailyPipeline, tmp_path: Path) -> None:
    before = {name: tmp_path / f"{name}-before.parquet" for name in ("recent_sessions", "loss_samples")}
    for name, file in before.items():
        made(whole, DAYS[1], name).drop("clock_lag_s").write_parquet(file)
    carried = read_carried({"recent_sessions": before["recent_sessions"]}).recent_sessions
    assert carried.schema == RECENT_SESSIONS
    assert carried["clock_lag_s"].null_count() == carried.height > 0
    files = LossFiles(*(newest_file(whole.lake, name, DAYS[2]) for name in LossFiles._fields))
    targets = {name: tmp_path / f"{name}.parquet" for name in LOSSES}
    sources = [Source("loss_samples", DAYS[1], "a hash", before["loss_samples"])]
    write_losses(files, sources, DAYS[2], {}, targets)
    assert_frame_equal(pl.read_parquet(targets["loss_samples"]), made(whole, DAYS[2], "loss_samples"))
