"""PostgreSQL has sessions, standby and efficiency of a day as readers of the lake see them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from tests.fewer_models import catalog_of
from tests.integration.lake.copied_days import copy_of
from tests.integration.lake.drawn_days import made, run_what_is_queued, stored
from tests.integration.lake.lossy_days import DAYS, fleet, lossy_days
from tests.lake_folder import newest_file
from warehouse.contract.corrections import Action
from warehouse.contract.energy import Flag
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.lifecycle.charging_step import flags_of
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.charging.charging_store import KEPT_DAYS, SESSION_COLUMNS, STANDBY_COLUMNS
from warehouse.postgres.charging.efficiency_store import EFFICIENCY_COLUMNS
from warehouse.postgres.connection import connect
from warehouse.postgres.corrections.correction_store import correct_readings
from warehouse.postgres.corrections.wanted import WantedCorrection


@pytest.fixture(scope="module")
def whole(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """The days, run once; readings of a charge of the first day are missing."""
    with lossy_days(
        server_url, template, tmp_path_factory.mktemp("charging"), catalog_of("daily_vehicle_efficiency")
    ) as pipeline:
        yield pipeline


@pytest.fixture
def pipeline(whole: DailyPipeline, server_url: str, tmp_path: Path) -> Iterator[DailyPipeline]:
    """A copy, to go on with."""
    with copy_of(whole, server_url, tmp_path) as copied:
        yield copied


@pytest.fixture
def connection(pipeline: DailyPipeline) -> Iterator[psycopg.Connection]:
    with connect(pipeline.url) as connection:
        yield connection


COLUMNS = {
    "charging_sessions": SESSION_COLUMNS,
    "meter_standby": STANDBY_COLUMNS,
    "daily_vehicle_efficiency": [name for name in EFFICIENCY_COLUMNS if name != "flags"],
}


def in_postgres(connection: psycopg.Connection, table: str) -> list[tuple[object, ...]]:
    columns = COLUMNS[table]
    return sorted(connection.execute(f"SELECT {', '.join(columns)} FROM {table}".encode()).fetchall())


def in_the_lake(pipeline: DailyPipeline) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {name: [] for name in COLUMNS}
    for day in DAYS:
        sessions = made(pipeline, day).with_columns(day=day)
        found["charging_sessions"] += sessions.select(SESSION_COLUMNS).rows()
        standby = made(pipeline, day, "daily_standby").filter(pl.col("kind") == "meter").with_columns(day=day)
        found["meter_standby"] += standby.rename({"device_id": "meter_id"}).select(STANDBY_COLUMNS).rows()
        efficiency = made(pipeline, day, "daily_vehicle_efficiency").with_columns(day=day)
        found["daily_vehicle_efficiency"] += efficiency.select(COLUMNS["daily_vehicle_efficiency"]).rows()
    return {name: sorted(rows) for name, rows in found.items()}


def test_each_released_day_is_there_and_follows_what_is_restated(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    before = in_the_lake(pipeline)
    assert {name: in_postgres(connection, name) for name in before} == before
    stored(pipeline.url, fleet(), tmp_path)
    run_what_is_queued(pipeline, connection)
    after = in_the_lake(pipeline)
    changed = {name for name in COLUMNS if after[name] != before[name]}
    assert changed >= {"charging_sessions", "daily_vehicle_efficiency"}
    assert {name: in_postgres(connection, name) for name in after} == after


def test_a_day_whose_readings_were_corrected_says_so(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    def say(action: Action) -> None:
        wanted = WantedCorrection(meter, ts, None, action, None, "a corrupt row", "ann", DeviceKind.METER)
        correct_readings(connection, wanted)
        assert DAYS[1] in run_what_is_queued(pipeline, connection)

    def told() -> list[Any]:
        in_lake = [made(pipeline, day, "daily_vehicle_efficiency")["corrected_count"].to_list() for day in DAYS]
        query = "SELECT flags ->> 'corrected' FROM daily_vehicle_efficiency ORDER BY day"
        return [in_lake, [count for (count,) in connection.execute(query.encode()).fetchall()]]

    query = "SELECT external_id, ts FROM meter_readings JOIN meters USING (meter_id) WHERE ts > %s ORDER BY ts LIMIT 1"
    ((meter, ts),) = connection.execute(query, [midnight(DAYS[1]) + timedelta(hours=4)]).fetchall()
    say(Action.VOID)
    assert told() == [[[0], [1], [0]], [None, "1", None]]
    (before,) = {row for row in in_postgres(connection, "daily_vehicle_efficiency") if row[0] == DAYS[1]}
    say(Action.RESTORE)
    assert told() == [[[0], [0], [0]], [None, None, None]]
    assert before not in in_postgres(connection, "daily_vehicle_efficiency")


def test_a_file_of_before_has_the_flags_that_it_counts() -> None:
    of_before = pl.DataFrame({f"{flag}_count": [0, 2] for flag in Flag})
    missing, flags = of_before.select(flags_of(of_before.columns)).to_series()
    assert (missing, json.loads(flags)) == (None, {flag.value: 2 for flag in Flag})
    now = of_before.with_columns(corrected_count=pl.Series([3, 0]))
    assert [json.loads(each)["corrected"] for each in now.select(flags_of(now.columns)).to_series()] == [3, 0]


def test_it_changes_with_the_release_or_not_at_all(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    connection.execute("DELETE FROM charging_sessions")
    connection.execute("ALTER TABLE day_builds ADD CONSTRAINT full_disk CHECK (built < 0) NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        pipeline.run(DAYS[2])
    assert in_postgres(connection, "charging_sessions") == []
    connection.execute("ALTER TABLE day_builds DROP CONSTRAINT full_disk")
    pipeline.run(DAYS[2])
    assert len(in_postgres(connection, "charging_sessions")) == made(pipeline, DAYS[2]).height


def test_a_model_that_is_built_alone_fills_a_day_of_before_unless_its_file_is_lost(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    before = in_postgres(connection, "charging_sessions")
    connection.execute("DELETE FROM charging_sessions")
    for day in DAYS[:2]:
        pipeline.build_models(day, ["daily_vehicle_efficiency"])
    assert in_postgres(connection, "charging_sessions") == [row for row in before if row[0] != DAYS[2]]
    newest_file(pipeline.lake, "charging_sessions", DAYS[2]).unlink()
    pipeline.build_models(DAYS[2], ["daily_vehicle_efficiency"])
    assert {row[0] for row in in_postgres(connection, "charging_sessions")} == set(DAYS[:2])


@pytest.mark.long
def test_a_day_that_is_older_than_what_is_kept_is_left_out(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    before = in_postgres(connection, "charging_sessions")
    connection.execute("UPDATE meter_standby SET day = day + %s", [KEPT_DAYS])
    connection.execute("DELETE FROM charging_sessions")
    for day in DAYS:
        pipeline.run(day)
    assert in_postgres(connection, "charging_sessions") == []
    connection.execute("DELETE FROM meter_standby")
    for day in DAYS:
        pipeline.run(day)
    assert in_postgres(connection, "charging_sessions") == before
