"""Sessions in the lake: what is open goes on into the next day, in whatever order days are made."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from dbt_like_sql.catalog import Catalog
from tests.integration.lake.drawn_days import add_pair, made, made_all, run_what_is_queued, stored
from tests.unit.sessions.drawn import Drawn, Flow, Register, at
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.fault_step import FAULTS
from warehouse.lifecycle.session_step import SESSIONS

DAYS = [date(2026, 2, 8) + timedelta(days=number) for number in range(3)]
CHARGES = [
    Flow(at("10:00"), at("11:00"), 7.4),
    Flow(at("22:00"), at("03:00", 1), 7.4),
    Flow(at("12:00", 2), at("13:00", 2), 7.4),
]


@pytest.fixture
def pipeline(database_url: str, tmp_path: Path, connection: psycopg.Connection) -> DailyPipeline:
    add_pair(connection)
    return DailyPipeline(database_url, Lake(tmp_path / "lake"), Catalog.load())


def fleet(charges: Sequence[Flow] = CHARGES, lost: Sequence[tuple[datetime, datetime]] = ()) -> Drawn:
    end = at("23:50", 2)
    ac = Register(charges, interval_s=600, last_at=end, standby_w=12)
    dc = Register([flow._replace(kw=flow.kw * 0.9) for flow in charges], interval_s=600, last_at=end, lost=lost)
    return Drawn({1: ac}, {1: dc})


def everything(pipeline: DailyPipeline) -> dict[tuple[str, date], pl.DataFrame]:
    return made_all(pipeline, (*SESSIONS, *FAULTS), DAYS)


def test_a_charge_over_midnight_is_one_session_of_the_day_on_which_it_was_known_to_have_ended(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    stored(pipeline.url, fleet(), tmp_path)
    assert run_what_is_queued(pipeline, connection) == DAYS
    assert [made(pipeline, day)["ac_kwh"].round(1).to_list() for day in DAYS] == [[7.4], [37.1], [7.4]]
    night = made(pipeline, DAYS[1]).row(0, named=True)
    assert (night["kind"], night["started_at"].date()) == ("charge", DAYS[0])
    assert night["efficiency_ratio"] == pytest.approx(0.9, abs=0.003)
    still_open = made(pipeline, DAYS[0], "open_islands")
    assert still_open["island_count"].to_list() == [1, 1]
    assert made(pipeline, DAYS[1], "open_islands")["island_count"].sum() == 0
    meter = made(pipeline, DAYS[1], "daily_charger_sessions").row(0, named=True)
    assert (meter["charge_count"], meter["qualified_count"], meter["vehicle_count"]) == (1, 1, 1)
    assert meter["idle_watts"] == pytest.approx(12, abs=0.5)


@pytest.mark.long
def test_days_made_in_the_wrong_order_end_as_those_made_in_order(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    stored(pipeline.url, fleet(), tmp_path)
    for day in reversed(DAYS):
        pipeline.run(day)
    assert made(pipeline, DAYS[1])["started_at"][0].date() == DAYS[1], "nothing was carried into it yet"
    assert DAYS[1] in run_what_is_queued(pipeline, connection)
    backwards = everything(pipeline)
    for day in DAYS:
        pipeline.run(day)
    for key, frame in everything(pipeline).items():
        assert_frame_equal(frame, backwards[key])


@pytest.mark.long
def test_late_readings_make_the_days_again_up_to_the_one_that_carries_the_same(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    lost = [(at("23:00"), at("23:40"))]
    stored(pipeline.url, fleet(lost=lost), tmp_path)
    run_what_is_queued(pipeline, connection)
    assert made(pipeline, DAYS[1])["dc_coverage"][0] < 0.9
    stored(pipeline.url, fleet(), tmp_path)
    open_on_the_second = made(pipeline, DAYS[1], "open_islands")
    assert run_what_is_queued(pipeline, connection) == DAYS, "the rules look back on recent sessions"
    assert_frame_equal(made(pipeline, DAYS[1], "open_islands"), open_on_the_second)
    assert made(pipeline, DAYS[1])["dc_coverage"][0] == 1.0
    assert made(pipeline, DAYS[1])["is_qualified"][0]
