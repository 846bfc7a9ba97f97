"""Corrections of closed days: the readings stay as they were received, everything that is made of them follows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from tests.factories import meter_payload, ramp, vehicle_payload
from tests.integration.lake.booked import drop, energy_pipeline
from tests.integration.lake.stored import post
from tests.lake_folder import days_of, newest_file
from warehouse.contract.corrections import Action
from warehouse.contract.partitions import Stream, midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle import boundary_step
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.corrections.correction_store import Corrected, correct_readings
from warehouse.postgres.corrections.wanted import WantedCorrection
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.restatements import list_restatements

TODAY = datetime.now(UTC).date()
FIRST, SECOND, THIRD = DAYS = [TODAY - timedelta(days=back) for back in (6, 5, 4)]
CHARGED_AT = timedelta(hours=22, minutes=30)
"""Each day a charge begins that goes on past midnight: 120 minutes of 6 kW AC and 5.4 kW DC."""
FALSE = midnight(SECOND) + timedelta(hours=24) - timedelta(minutes=1)
"""A meter's last reading of the second day, in the middle of a charge."""
SAID = ("reading_corrections", "corrected_readings", "restatements")


@pytest.fixture
def fleet(connection: psycopg.Connection) -> psycopg.Connection:
    """Three days of two pairs that charge every night; the first meter shows nonsense once, as no rule can tell."""
    connection.execute("INSERT INTO meters (external_id) VALUES ('m1'), ('m2')")
    connection.execute("INSERT INTO vehicles (external_id) VALUES ('v1'), ('v2')")
    connection.execute(
        "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) "
        "SELECT vehicle_id, meter_id, '1970-01-01Z' FROM vehicles JOIN meters ON vehicle_id = meter_id"
    )
    for number in (1, 2):
        meter, vehicle = partial(meter_payload, meterId=f"m{number}"), partial(vehicle_payload, vehicleId=f"v{number}")
        for night, day in enumerate(DAYS):
            start = midnight(day) + CHARGED_AT
            readings = ramp(meter, "kwhConsumedAc", start, 121, 100 + 12 * night, 0.1)
            if number == 1 and day == SECOND:
                readings[89]["kwhConsumedAc"] += 5.0
            post(connection, readings)
            post(connection, ramp(vehicle, "kwhDeliveredDc", start, 121, 50 + 10.8 * night, 0.09))
    return connection


@pytest.fixture
def pipeline(database_url: str, tmp_path: Path, fleet: psycopg.Connection) -> DailyPipeline:
    """As far as the models are made from, run."""
    pipeline = energy_pipeline(database_url, tmp_path / "lake")
    run_until_done(pipeline, fleet)
    return pipeline


def run_until_done(pipeline: DailyPipeline, connection: psycopg.Connection) -> list[date]:
    ran: list[date] = []
    while days := day_ledger.days_to_run(connection):
        ran.append(days[0].day)
        pipeline.run(days[0].day)
    return ran


def correct(connection: psycopg.Connection, **said: Any) -> Corrected:
    wanted = {"device": "m1", "starts_at": FALSE, "ends_at": None, "action": Action.VOID, "kwh": None}
    return correct_readings(connection, WantedCorrection(**{**wanted, "why": "shows nonsense", "who": "ann", **said}))


def contents(pipeline: DailyPipeline) -> dict[tuple[str, date], pl.DataFrame]:
    return {
        (name, day): pl.read_parquet(newest_file(pipeline.lake, name, day))
        for name in pipeline.catalog.models
        for day in days_of(pipeline.lake, name)
    }


def require_equal(
    found: Mapping[tuple[str, date], pl.DataFrame], expected: Mapping[tuple[str, date], pl.DataFrame], *but: str
) -> None:
    assert found.keys() == expected.keys()
    for (name, day), frame in found.items():
        if name not in but:
            assert_frame_equal(frame, expected[name, day])


def booked(pipeline: DailyPipeline, device_id: int = 1) -> list[float]:
    """AC of each day, kWh."""
    hours = [pl.read_parquet(newest_file(pipeline.lake, "hourly_energy", day)) for day in DAYS]
    return [round(float(each.filter(kind="meter", device_id=device_id)["energy_kwh"].sum()), 6) for each in hours]


def without_false(other: list[float]) -> list[float]:
    """What the meter booked without its false reading, by what the other one did: a minute more after midnight."""
    return [round(kwh + more, 6) for kwh, more in zip(other, (0.0, -0.1, 0.1), strict=True)]


@pytest.mark.long
def test_a_reading_that_is_left_out_is_in_nothing_that_is_made(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """The day is built again, and the next one, which begins from another sample now; its charge goes on from there."""
    other = booked(pipeline, device_id=2)
    assert booked(pipeline) != other
    received = {stream: newest_file(pipeline.lake, stream, SECOND).read_bytes() for stream in Stream}
    before = contents(pipeline)
    assert correct(connection).days == [SECOND]
    ran = run_until_done(pipeline, connection)
    assert ran[:2] == [SECOND, THIRD]
    assert FIRST not in ran
    assert booked(pipeline) == without_false(other)
    assert {stream: newest_file(pipeline.lake, stream, SECOND).read_bytes() for stream in Stream} == received
    after = contents(pipeline)
    changed = {name for name, day in after if not after[name, day].equals(before[name, day])}
    assert {"hourly_energy", "device_last", "charging_sessions"} <= changed
    (said,) = after["reading_corrections", SECOND].rows(named=True)
    assert (said["action"], said["why"], said["who"]) == ("void", "shows nonsense", "ann")
    assert {each.reason for each in list_restatements(connection, SECOND)} == {"corrected readings of m1"}
    require_equal(after, from_scratch(pipeline, connection, tmp_path / "scratch"), "restatements")


def test_what_is_taken_back_leaves_everything_as_it_was(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    before = contents(pipeline)
    for said in ({"action": Action.REPLACE, "kwh": 120.9}, {"action": Action.RESTORE}):
        correct(connection, **said)
        assert run_until_done(pipeline, connection)[0] == SECOND
    require_equal(contents(pipeline), before, *SAID)
    reasons = {each.reason for each in list_restatements(connection, SECOND)}
    assert reasons == {"corrected readings of m1"}  # and not a late reading


def test_a_day_that_postgresql_no_longer_has_is_corrected_in_the_lake(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    other = booked(pipeline, device_id=2)
    assert booked(pipeline) != without_false(other)
    drop(connection, SECOND)
    done = correct(connection)
    assert (done.reading_count, done.days) == (0, [SECOND])
    assert run_until_done(pipeline, connection)[:2] == [SECOND, THIRD]
    assert booked(pipeline) == without_false(other)


def test_a_correction_while_the_day_is_built_has_it_built_again(
    pipeline: DailyPipeline, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its corrections were exported, before its requests are taken for satisfied: nobody may miss it."""
    said: list[Corrected] = []

    def meanwhile(of: psycopg.Connection, lake: Lake, day: date) -> object:
        if day == SECOND and not said:
            said.append(correct(connection))
        return make(of, lake, day)

    make = boundary_step.make_boundary_samples
    monkeypatch.setattr("warehouse.lifecycle.daily_pipeline.make_boundary_samples", meanwhile)
    day_ledger.request_build(connection, SECOND, "a test")
    assert run_until_done(pipeline, connection)[:2] == [SECOND, SECOND]
    assert pl.read_parquet(newest_file(pipeline.lake, "corrected_readings", SECOND)).height == 1


def from_scratch(
    pipeline: DailyPipeline, connection: psycopg.Connection, root: Path
) -> dict[tuple[str, date], pl.DataFrame]:
    """The same database into an empty lake, by a ledger that has forgotten everything but the days' bounds."""
    connection.execute("TRUNCATE lake_files, lake_file_versions, lake_releases, day_builds CASCADE")
    connection.execute("UPDATE partition_ledger SET state = 'open', version = 0, late_row_count = NULL")
    fresh = DailyPipeline(pipeline.url, Lake(root), pipeline.catalog)
    run_until_done(fresh, connection)
    return contents(fresh)
