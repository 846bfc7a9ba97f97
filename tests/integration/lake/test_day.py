"""The daily pipeline on a real PostgreSQL and real Parquet: repeated, disturbed, and come late to."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from tests.factories import iso, meter_payload, ramp
from tests.fewer_models import catalog_of
from tests.integration.lake.copied_days import charge, charged_day, copy_of
from tests.integration.lake.stored import post
from tests.lake_folder import newest_file
from warehouse.contract.partitions import PartitionState, Stream, midnight
from warehouse.lake.export import TABLES
from warehouse.lake.publish import DamagedFileError, verified_file
from warehouse.lake.snapshot import released_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.day_checks import CheckFailedError
from warehouse.lifecycle.pipeline_files import LakeFullError
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.day_ledger import DayNotClosedError, DayNotKnownError

TODAY = datetime.now(UTC).date()
FIRST, SECOND, THIRD = (TODAY - timedelta(days=back) for back in (5, 4, 3))
BINS = "efficiency_distribution"


@pytest.fixture(scope="module")
def done(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """The first day of one pair, run once; each test goes on with a copy."""
    with charged_day(server_url, template, tmp_path_factory.mktemp("done"), FIRST) as pipeline:
        yield pipeline


@pytest.fixture
def pipeline(server_url: str, done: DailyPipeline, tmp_path: Path) -> Iterator[DailyPipeline]:
    with copy_of(done, server_url, tmp_path) as pipeline:
        yield pipeline


@pytest.fixture
def connection(pipeline: DailyPipeline) -> Iterator[psycopg.Connection]:
    with connect(pipeline.url) as connection:
        yield connection


def mart(pipeline: DailyPipeline, name: str, day: date) -> pl.DataFrame:
    return pl.read_parquet(newest_file(pipeline.lake, name, day))


def to_run(connection: psycopg.Connection) -> list[date]:
    return [each.day for each in day_ledger.days_to_run(connection)]


def test_a_day_is_sealed_exported_rolled_up_and_reported(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    charge(connection, THIRD, 105.9, 205.31)
    assert to_run(connection) == [THIRD]
    said: list[str] = []
    pipeline.run(THIRD, said.append)
    assert to_run(connection) == []
    vehicle = mart(pipeline, "daily_vehicle_efficiency", THIRD).row(0, named=True)
    assert (vehicle["ac_kwh"], vehicle["dc_kwh"]) == pytest.approx((5.9, 5.31))
    assert vehicle["efficiency_ratio"] == pytest.approx(0.9)
    known = day_ledger.stream_day(connection, Stream.METER_READINGS, THIRD)
    assert (known.state, known.version, known.row_count) == (PartitionState.EXPORTED, 1, 60)
    assert said[-1] == f"{THIRD}: done"


def test_a_home_below_folders_that_are_called_as_columns_makes_the_same_numbers(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """DuckDB takes kind=van in a path for a column of the files behind it, unless it is told not to."""
    elsewhere = Lake(tmp_path / "day=2020-01-01/kind=van/kwh=1/meter_id=7/ac_kwh=3/lake")
    shutil.copytree(pipeline.lake.root, elsewhere.root)
    post(connection, ramp(meter_payload, "kwhConsumedAc", midnight(FIRST) + timedelta(hours=11), 1, 106.5, 0.1))
    moved = replace(pipeline, lake=elsewhere)
    moved.run(FIRST)
    vehicle = mart(moved, "daily_vehicle_efficiency", FIRST).row(0, named=True)
    assert (vehicle["ac_kwh"], vehicle["dc_kwh"]) == pytest.approx((6.5, 5.31))
    assert set(mart(moved, "restatements", FIRST)["added_reading_count"]) == {1}


def bytes_of(pipeline: DailyPipeline, connection: psycopg.Connection, dataset: str) -> bytes:
    return Path(verified_file(connection, pipeline.lake, dataset, FIRST)).read_bytes()


def test_a_day_that_is_done_changes_nothing_when_run_again(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    before = {name: bytes_of(pipeline, connection, name) for name in pipeline.catalog.models}
    pipeline.run(FIRST)
    assert {name: bytes_of(pipeline, connection, name) for name in pipeline.catalog.models} == before
    assert day_ledger.stream_day(connection, Stream.METER_READINGS, FIRST).version == 1
    assert to_run(connection) == []


def test_an_open_day_and_an_unknown_one_are_refused(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    charge(connection, TODAY - timedelta(days=1), 1.0, 1.0, minutes=1)
    with pytest.raises(DayNotClosedError, match="can be sealed from"):
        pipeline.run(TODAY)
    with pytest.raises(DayNotKnownError, match="has no partition of 2020-05-05"):
        pipeline.run(date(2020, 5, 5))


@pytest.mark.long
def test_a_late_row_exports_the_day_again_and_rebuilds_the_days_that_begin_from_it(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    pipeline = replace(pipeline, catalog=catalog_of("daily_vehicle_efficiency"))
    charge(connection, THIRD, 110.0, 210.0)
    post(connection, [meter_payload(meterId="another", timestamp=iso(midnight(SECOND)), kwhConsumedAc=5.0)])
    for day in (SECOND, THIRD):
        pipeline.run(day)
    assert mart(pipeline, "daily_vehicle_efficiency", THIRD)["ac_kwh"].to_list() == pytest.approx([4.1 + 5.9])
    late = meter_payload(timestamp=iso(midnight(FIRST) + timedelta(hours=20)), kwhConsumedAc=107.0)
    post(connection, [late])
    assert to_run(connection) == [FIRST]
    pipeline.run(FIRST)
    assert day_ledger.stream_day(connection, Stream.METER_READINGS, FIRST).version == 2
    assert day_ledger.stream_day(connection, Stream.VEHICLE_READINGS, FIRST).version == 1
    # The meter's last sample of the first day moved: the first later day that has a reading of it is the third. The
    # charge was not over, as far as was known: what the second day carries on of it is something else, too.
    assert to_run(connection) == [SECOND, THIRD]
    pipeline.run(SECOND)
    pipeline.run(THIRD)
    assert to_run(connection) == []
    assert mart(pipeline, "daily_vehicle_efficiency", FIRST)["ac_kwh"].to_list() == pytest.approx([7.0])
    assert mart(pipeline, "daily_vehicle_efficiency", THIRD)["ac_kwh"].to_list() == pytest.approx([3.0 + 5.9])


def test_a_changed_or_deleted_file_is_found_and_rebuilt(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    exported = newest_file(pipeline.lake, "meter_readings", FIRST)
    original = exported.read_bytes()
    exported.write_bytes(original[:100] + bytes([original[100] ^ 1]) + original[101:])
    with pytest.raises(DamagedFileError, match="run-day"):
        pipeline.device_last(FIRST)
    newest_file(pipeline.lake, "hourly_energy", FIRST).unlink()
    pipeline.run(FIRST)
    again = newest_file(pipeline.lake, "meter_readings", FIRST)
    assert (again.name[:3], again.read_bytes()) == ("v1-", original)
    assert mart(pipeline, "daily_vehicle_efficiency", FIRST)["ac_kwh"].to_list() == pytest.approx([5.9])


def test_readers_see_no_day_of_two_builds(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    """Two runs of a day in one another: the one that ends first leaves the end to the other, also if that is killed."""
    before = seen(connection, pipeline)
    late = meter_payload(timestamp=iso(midnight(FIRST) + timedelta(hours=20)), kwhConsumedAc=107.0)
    post(connection, [late])
    for stream in Stream:
        pipeline.export(stream, FIRST)
    for table in TABLES:
        pipeline.export_table(table, FIRST)
    pipeline.device_last(FIRST)
    pipeline.boundary_samples(FIRST)
    pipeline.energy(FIRST)  # and here it is killed; of the other one nothing but the end is left
    assert not pipeline.releases.finish(FIRST)
    pipeline.releases.add(FIRST, [])
    assert seen(connection, pipeline) == before
    assert to_run(connection) == [FIRST]
    pipeline.run(FIRST)
    after = seen(connection, pipeline)
    changed = {name for name in after if after[name] != before[name]}
    assert changed >= {"meter_readings", "device_last", "hourly_energy", "daily_vehicle_efficiency"}
    assert "vehicle_readings" not in changed
    assert to_run(connection) == []


def test_a_model_that_is_built_by_itself_is_seen(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    before = seen(connection, pipeline)
    changed(pipeline, BINS, "vehicle_count + 1 AS vehicle_count").model(BINS, FIRST)
    assert seen(connection, pipeline) == before
    pipeline.releases.add(FIRST, [BINS])
    assert seen(connection, pipeline) == before | {BINS: 2, "restatements": 2}
    changed(pipeline, "daily_vehicle_efficiency", "standby_kwh + 1 AS standby_kwh").model(
        "daily_vehicle_efficiency", FIRST
    )
    pipeline.releases.add(FIRST, ["daily_vehicle_efficiency"])
    assert seen(connection, pipeline) == before | {BINS: 2, "restatements": 2}, "what is made of it is still to follow"


def test_a_model_that_failed_a_check_is_not_seen_with_another_one(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    before = seen(connection, pipeline)
    wrong = changed(pipeline, BINS, "vehicle_count + 1 AS vehicle_count")
    with pytest.raises(CheckFailedError, match=BINS):
        wrong.build_models(FIRST, [BINS])
    with pytest.raises(CheckFailedError, match=BINS):
        pipeline.build_models(FIRST, ["low_efficiency_days"])
    assert seen(connection, pipeline) == before
    pipeline.build_models(FIRST, [BINS])
    assert seen(connection, pipeline) == before | {BINS: 3}


def changed(pipeline: DailyPipeline, name: str, column: str) -> DailyPipeline:
    """The pipeline with another text of a model, which computes one column in another way."""
    model = pipeline.catalog.models[name]
    other = replace(model, sql=f"SELECT * REPLACE ({column}) FROM (\n{model.sql}\n)")
    return replace(pipeline, catalog=replace(pipeline.catalog, models={**pipeline.catalog.models, name: other}))


def test_a_dataset_that_is_no_model_any_more_is_not_seen(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    models = {name: model for name, model in pipeline.catalog.models.items() if name != "low_efficiency_days"}
    replace(pipeline, catalog=replace(pipeline.catalog, models=models)).run(FIRST)
    assert "low_efficiency_days" not in seen(connection, pipeline)


def seen(connection: psycopg.Connection, pipeline: DailyPipeline) -> dict[str, int]:
    """The version of each dataset that readers see."""
    files = released_snapshot(connection, pipeline.lake, FIRST).files
    return {dataset: of_days[FIRST].version for dataset, of_days in files.items()}


def test_a_failing_check_stops_what_depends_on_it_and_says_what_is_wrong(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    hourly = newest_file(pipeline.lake, "hourly_energy", FIRST)
    pl.read_parquet(hourly).with_columns(pl.col("energy_kwh") + 1.0).write_parquet(hourly)
    with pytest.raises(CheckFailedError, match=f"hourly_energy of {FIRST}"):
        pipeline.checks.require("hourly_energy", FIRST)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_leaves_what_was_published_and_says_so(
    connection: psycopg.Connection, pipeline: DailyPipeline, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.decode()}")
    try:
        with pytest.raises(OSError, match="No space left"), (small / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)
        charge(connection, THIRD, 100.0, 200.0, minutes=600)
        crowded = replace(pipeline, lake=Lake(small))
        crowded.seal(THIRD)
        with pytest.raises(LakeFullError, match="make room and run the day again"):
            crowded.export(Stream.METER_READINGS, THIRD)
        assert [path.name for path in small.rglob("*.parquet")] == []
        assert day_ledger.stream_day(connection, Stream.METER_READINGS, THIRD).version == 0
        (small / "filler").unlink()
        assert crowded.export(Stream.METER_READINGS, THIRD).version == 1
    finally:
        subprocess.run(["umount", small], check=True)
