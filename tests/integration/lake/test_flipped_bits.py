"""A flipped bit or a cut file anywhere in the lake: found before anybody reads a number in it, and rebuilt."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.conftest import fresh_database
from tests.factories import meter_payload, ramp, vehicle_payload
from tests.fewer_models import catalog_of
from tests.integration.lake.copied_days import copy_of
from tests.integration.lake.stored import post
from tests.lake_folder import newest_file
from warehouse.contract.partitions import Stream, midnight
from warehouse.lake.energy_day import DayInputs
from warehouse.lake.publish import DamagedFileError
from warehouse.lake.scrub import scrub
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger

TODAY = datetime.now(UTC).date()
FIRST, SECOND = TODAY - timedelta(days=5), TODAY - timedelta(days=4)
ROUNDS, FLIPS_A_ROUND = 2, 15


@pytest.fixture(scope="module")
def two_days(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """Two days of one pair, in the lake: made once, and each test harms a copy."""
    with fresh_database(server_url, template) as url:
        pipeline = DailyPipeline(url, Lake(tmp_path_factory.mktemp("two_days") / "lake"), Catalog.load())
        with connect(url) as connection:
            for day, first_kwh in ((FIRST, 100.0), (SECOND, 150.0)):
                start = midnight(day) + timedelta(hours=10)
                post(connection, ramp(meter_payload, "kwhConsumedAc", start, 60, first_kwh, 0.1))
                post(connection, ramp(vehicle_payload, "kwhDeliveredDc", start, 60, first_kwh, 0.09))
            connection.execute(
                "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (1, 1, '1970-01-01Z')"
            )
        pipeline.run(FIRST)
        pipeline.run(SECOND)
        yield pipeline


@pytest.fixture
def pipeline(server_url: str, two_days: DailyPipeline, tmp_path: Path) -> Iterator[DailyPipeline]:
    with copy_of(two_days, server_url, tmp_path) as pipeline:
        yield pipeline


@pytest.fixture
def connection(pipeline: DailyPipeline) -> Iterator[psycopg.Connection]:
    with connect(pipeline.url) as connection:
        yield connection


def files(pipeline: DailyPipeline) -> dict[tuple[str, date], bytes]:
    return {
        (name, day): newest_file(pipeline.lake, name, day).read_bytes()
        for name in pipeline.catalog.models
        for day in (FIRST, SECOND)
    }


def flip_a_bit(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes())
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def cut(path: Path, random: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content))])


def readers(pipeline: DailyPipeline, dataset: str, day: date) -> Iterator[Callable[[], object]]:
    """Every step that reads this file, and whoever tells of it."""
    yield partial(pipeline.verified, dataset, day)
    if dataset in set(Stream):
        yield partial(pipeline.device_last, day)
    if dataset == "device_last":
        yield partial(pipeline.boundary_samples, day)
        if day == FIRST:
            yield partial(pipeline.boundary_samples, SECOND)
    if dataset in DayInputs._fields:
        yield partial(pipeline.energy, day)
    for model in pipeline.catalog.used_by(dataset):
        if pipeline.catalog.models[model].kind == "sql":
            yield partial(pipeline.model, model, day)


def test_thirty_flipped_bits_are_found_before_anybody_uses_them(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    random = Random(30)  # noqa: S311 - a repeatable trial
    original, flipped = files(pipeline), 0
    for _ in range(ROUNDS):
        harmed = random.sample(sorted(original), FLIPS_A_ROUND)
        for dataset, day in harmed:
            flip_a_bit(newest_file(pipeline.lake, dataset, day), random)
        assert {(each.dataset, each.day) for each in scrub(connection, pipeline.lake) if each} == set(harmed)
        for dataset, day in harmed:
            for read in readers(pipeline, dataset, day):
                with pytest.raises(DamagedFileError):
                    read()
        for (dataset, day), content in original.items():
            newest_file(pipeline.lake, dataset, day).write_bytes(content)
        flipped += len(harmed)
    assert flipped == 30


@pytest.mark.long
def test_a_day_of_harmed_files_is_rebuilt_to_the_same_bytes(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    original = files(pipeline)
    random = Random(1)  # noqa: S311 - a repeatable trial
    for (dataset, day), harm in zip(original, cycle([flip_a_bit, cut, cut, flip_a_bit])):
        harm(newest_file(pipeline.lake, dataset, day), random)
    assert len([each for each in scrub(connection, pipeline.lake) if each]) == len(original)
    while days := day_ledger.days_to_run(connection):
        pipeline.run(days[0].day)
    assert files(pipeline) == original


def test_a_day_that_begins_from_a_damaged_file_of_another_asks_for_that_one(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    pipeline = replace(pipeline, catalog=catalog_of("daily_vehicle_efficiency"))
    original = files(pipeline)
    flip_a_bit(newest_file(pipeline.lake, "device_last", FIRST), Random(1))  # noqa: S311 - a repeatable trial
    with pytest.raises(DamagedFileError, match=f"run-day {FIRST}"):
        pipeline.run(SECOND)
    assert [each.day for each in day_ledger.days_to_run(connection)] == [FIRST]
    pipeline.run(FIRST)
    assert [each.day for each in day_ledger.days_to_run(connection)] == [SECOND]
    pipeline.run(SECOND)
    assert files(pipeline) == original
