"""Late rows over HTTP: what they change is rebuilt and nothing else; an export that races them is true to itself."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import httpx
import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from dbt_like_sql.catalog import Catalog
from tests.factories import iso, meter_payload, vehicle_payload
from tests.lake_folder import days_of, newest_file
from warehouse.contract.partitions import Stream, midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.lagging_models import outdated_models
from warehouse.postgres.ledger import day_ledger

TODAY = datetime.now(UTC).date()
DAYS = [TODAY - timedelta(days=back) for back in (5, 4, 3)]
PAIRS = 3


def reading(kind: str, number: int, ts: datetime) -> dict[str, object]:
    """A register that grows by 6 kW AC, 5.4 kW DC all the time, whether or not anybody reads it."""
    hours = (ts - midnight(DAYS[0])) / timedelta(hours=1)
    if kind == "meter":
        return meter_payload(meterId=f"m{number}", kwhConsumedAc=round(100 + 6.0 * hours, 6), timestamp=iso(ts))
    return vehicle_payload(vehicleId=f"v{number}", kwhDeliveredDc=round(50 + 5.4 * hours, 6), timestamp=iso(ts))


@pytest.fixture
def pipeline(database_url: str, tmp_path: Path, connection: psycopg.Connection) -> Iterator[DailyPipeline]:
    numbers = list(range(1, PAIRS + 1))
    connection.execute("INSERT INTO meters (external_id) SELECT 'm' || n FROM unnest(%s::int[]) n", [numbers])
    connection.execute("INSERT INTO vehicles (external_id) SELECT 'v' || n FROM unnest(%s::int[]) n", [numbers])
    connection.execute(
        "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) "
        "SELECT vehicle_id, meter_id, '1970-01-01Z' FROM vehicles JOIN meters ON vehicle_id = meter_id"
    )
    yield DailyPipeline(database_url, Lake(tmp_path / "lake"), Catalog.load())


def send(api: httpx.Client, readings: Sequence[object]) -> None:
    """Post these readings as devices do; each must be new."""
    answer = api.post("/v1/telemetry", json=readings)
    assert (answer.status_code, answer.json()["accepted"]) == (200, len(readings))


def run_until_done(pipeline: DailyPipeline, connection: psycopg.Connection) -> list[date]:
    """What the sensor does; returns the days that were run, in order. Then come the models that look back on them."""
    ran: list[date] = []
    while days := day_ledger.days_to_run(connection):
        ran.append(days[0].day)
        pipeline.run(days[0].day)
    while outdated := outdated_models(connection, pipeline.catalog):
        pipeline.build_models(outdated[0].day, [outdated[0].dataset])
    return ran


def contents(lake: Lake, catalog: Catalog) -> dict[tuple[str, date], pl.DataFrame]:
    return {
        (name, day): pl.read_parquet(newest_file(lake, name, day))
        for name in catalog.models
        for day in days_of(lake, name)
    }


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_late_rows_every_rollup_is_what_it_would_be_from_scratch(
    pipeline: DailyPipeline, connection: psycopg.Connection, api: httpx.Client, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - a repeatable trial
    sparse = [
        reading(kind, number, midnight(day) + timedelta(hours=hour))
        for kind in ("meter", "vehicle")
        for number in range(1, PAIRS + 1)
        for day in DAYS
        if day == DAYS[0] or random.random() < 0.4  # most are silent on most days
        for hour in (6, 7, 8)
    ]
    send(api, sparse)
    assert run_until_done(pipeline, connection)[0] == DAYS[0]
    before = contents(pipeline.lake, pipeline.catalog)
    late_days = random.sample(DAYS, 2)
    late = [
        reading(
            random.choice(["meter", "vehicle"]),
            random.randint(1, PAIRS),
            midnight(day) + timedelta(hours=20, minutes=each),
        )
        for each, day in enumerate(late_days)
    ]
    send(api, late)
    ran = run_until_done(pipeline, connection)

    after = contents(pipeline.lake, pipeline.catalog)
    scratch = from_scratch(pipeline, connection, tmp_path / "scratch")
    assert after.keys() == scratch.keys()
    for key, frame in after.items():
        assert_frame_equal(frame, scratch[key])
    changed = {
        day for (name, day), frame in after.items() if name == "hourly_energy" and not frame.equals(before[name, day])
    }
    assert changed <= set(ran)
    # Run: the late rows' own days, of each device the first later day that it has readings on, and the day after one
    # that carries on something else of sessions, which these registers that never rest always do.
    begun = set(late_days) | {day for reading_ in late for day in [first_day_after(reading_, sparse)] if day}
    assert set(ran) <= {day for day in DAYS if day >= min(begun)}
    assert begun & set(DAYS) <= set(ran)


def first_day_after(late: dict[str, object], readings: list[dict[str, object]]) -> date | None:
    device = {"meterId", "vehicleId"} & late.keys()
    (field,) = device
    days = {date.fromisoformat(str(each["timestamp"])[:10]) for each in readings if each.get(field) == late[field]}
    return min((day for day in days if day > date.fromisoformat(str(late["timestamp"])[:10])), default=None)


def from_scratch(
    pipeline: DailyPipeline, connection: psycopg.Connection, root: Path
) -> dict[tuple[str, date], pl.DataFrame]:
    """The same database into an empty lake, by a ledger that has forgotten everything but the days' bounds."""
    connection.execute("TRUNCATE lake_files, lake_file_versions, lake_releases, day_builds CASCADE")
    connection.execute("UPDATE partition_ledger SET state = 'open', version = 0, late_row_count = NULL")
    fresh = DailyPipeline(pipeline.url, Lake(root), pipeline.catalog)
    run_until_done(fresh, connection)
    return contents(fresh.lake, fresh.catalog)


def test_each_version_of_a_day_that_is_written_to_all_the_time_holds_what_it_says(
    pipeline: DailyPipeline, connection: psycopg.Connection, api: httpx.Client
) -> None:
    day, stream = DAYS[0], Stream.METER_READINGS
    send(api, [reading("meter", 1, midnight(day))])
    late_at_first = day_ledger.stream_day(connection, stream, day).late_row_count
    pipeline.seal(day)
    stop = threading.Event()
    written = []

    def write() -> None:
        for first in range(1, 8_000_000, 100):  # more than six exports take on any machine
            if stop.is_set():
                return
            times = [midnight(day) + timedelta(milliseconds=10 * (first + each)) for each in range(100)]
            send(api, [reading("meter", 1, time) for time in times])
            written.append(100)

    writer = threading.Thread(target=write)
    writer.start()
    versions = 0
    try:
        while versions < 6:
            assert writer.is_alive(), "no further version would come"
            pipeline.export(stream, day)
            known = day_ledger.stream_day(connection, stream, day)
            versions = known.version
            rows = pl.read_parquet(newest_file(pipeline.lake, stream, day)).height
            assert (rows, rows) == (known.row_count, 1 + known.exported_late_row_count - late_at_first)
    finally:
        stop.set()
        writer.join()
    pipeline.export(stream, day)
    assert pl.read_parquet(newest_file(pipeline.lake, stream, day)).height == 1 + sum(written)
    assert not day_ledger.stream_day(connection, stream, day).is_dirty
