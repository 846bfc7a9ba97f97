"""A day whose numbers change: what changed and why is noted with the release, and is a dataset of the lake."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.conftest import fresh_database
from tests.earlier_schema import database_before
from tests.factories import iso, meter_payload, ramp, vehicle_payload
from tests.fewer_models import catalog_of
from tests.integration.lake.copied_days import copy_of
from tests.integration.lake.stored import post
from tests.lake_folder import newest_file
from warehouse.contract.partitions import Stream, midnight
from warehouse.lake.snapshot import released_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle import release
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.lagging_models import outdated_models
from warehouse.lifecycle.lake_upkeep import remove_old_versions
from warehouse.lifecycle.readings_import import import_file
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.restatements import find_newest_release, list_restatements
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import MIGRATIONS
from warehouse.settings import FleetSettings

TODAY = datetime.now(UTC).date()
FIRST, SECOND = (TODAY - timedelta(days=back) for back in (5, 4))
FLEET = "daily_fleet_efficiency"
LOOKING_BACK = ("vehicle_trend_28_days", "weekly_vehicle_losses")


class Sums(NamedTuple):
    """What a measure came to, before and now."""

    old: float | None
    new: float | None


@contextmanager
def two_days(server_url: str, template: str, folder: Path, catalog: Catalog) -> Iterator[DailyPipeline]:
    """Two days of two pairs, run. An hour of 6 kW AC and 5.4 kW DC a day, of which the meters' last minute is not
    there.
    """
    with fresh_database(server_url, template) as url:
        pipeline = DailyPipeline(url, Lake(folder / "lake"), catalog)
        with connect(url) as connection:
            for number in (1, 2):
                connection.execute("INSERT INTO meters (external_id) VALUES (%s)", [f"meter-{number}"])
                connection.execute("INSERT INTO vehicles (external_id) VALUES (%s)", [f"veh-{number}"])
                connection.execute(
                    "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (%s, %s, '1970-01-01Z')",
                    [number, number],
                )
                meter = partial(meter_payload, meterId=f"meter-{number}")
                vehicle = partial(vehicle_payload, vehicleId=f"veh-{number}")
                for day, grown in ((FIRST, 0), (SECOND, 1)):
                    start = midnight(day) + timedelta(hours=10)
                    post(connection, ramp(meter, "kwhConsumedAc", start, 60, 100 + 5.9 * grown, 0.1))
                    post(connection, ramp(vehicle, "kwhDeliveredDc", start, 61, 200 + 5.4 * grown, 0.09))
        for day in (FIRST, SECOND):
            pipeline.run(day)
        yield pipeline


@pytest.fixture(scope="module")
def done(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """The two days, of which nothing is restated; each test goes on with a copy."""
    with two_days(server_url, template, tmp_path_factory.mktemp("done"), catalog_of(FLEET, "reading_gaps")) as pipeline:
        yield pipeline


@pytest.fixture(scope="module")
def restated_twice(
    server_url: str, done: DailyPipeline, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DailyPipeline]:
    """The same, the first day restated by two late readings of the second meter, one after the other."""
    with copy_of(done, server_url, tmp_path_factory.mktemp("restated_twice")) as pipeline:
        for hour, kwh in ((18, 106.5), (20, 107.0)):
            with connect(pipeline.url) as connection:
                post(connection, [reading(2, kwh, minute=hour * 60)])
            pipeline.run(FIRST)
        yield pipeline


@pytest.fixture
def pipeline(server_url: str, done: DailyPipeline, tmp_path: Path) -> Iterator[DailyPipeline]:
    with copy_of(done, server_url, tmp_path) as pipeline:
        yield pipeline


@pytest.fixture
def twice(server_url: str, restated_twice: DailyPipeline, tmp_path: Path) -> Iterator[DailyPipeline]:
    with copy_of(restated_twice, server_url, tmp_path) as pipeline:
        yield pipeline


@pytest.fixture
def connection(pipeline: DailyPipeline) -> Iterator[psycopg.Connection]:
    with connect(pipeline.url) as connection:
        yield connection


def reading(number: int, kwh: float, minute: int = 20 * 60, day: date = FIRST) -> dict[str, Any]:
    """What a meter read at a minute of the day."""
    at = midnight(day) + timedelta(minutes=minute)
    return meter_payload(meterId=f"meter-{number}", timestamp=iso(at), kwhConsumedAc=kwh)


def rows(pipeline: DailyPipeline, day: date = FIRST) -> pl.DataFrame:
    """The dataset's day, as readers see it."""
    with connect(pipeline.url) as connection:
        (location,) = released_snapshot(connection, pipeline.lake).locations("restatements", day)
    return pl.read_parquet(location, hive_partitioning=False)


def sums(pipeline: DailyPipeline, release: int, dataset: str, day: date = FIRST) -> dict[str, Sums]:
    """What a release restated of a dataset, by measure."""
    found = rows(pipeline, day).filter(release=release, dataset=dataset)
    return {measure: Sums(old, new) for measure, old, new in found.select("measure", "old_sum", "new_sum").iter_rows()}


def reasons(pipeline: DailyPipeline, day: date = FIRST) -> list[tuple[int, str]]:
    return rows(pipeline, day).select("release", "reason").unique().sort("release").rows()


def fleet(pipeline: DailyPipeline, measure: str, day: date = FIRST) -> float:
    """A figure of the fleet's day, as it is now."""
    value = pl.read_parquet(newest_file(pipeline.lake, FLEET, day)).row(0, named=True)[measure]
    return float(value)


def catch_up(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    """What the sensor does: the days that are to be run, then the models that look back on them."""
    while days := day_ledger.days_to_run(connection):
        pipeline.run(days[0].day)
    while outdated := outdated_models(connection, pipeline.catalog):
        first = outdated[0].day
        pipeline.build_models(first, [each.dataset for each in outdated if each.day == first])


def test_a_first_build_restates_nothing(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    assert rows(pipeline).is_empty()
    assert find_newest_release(connection, FIRST) == (1, None)


def test_a_late_reading_restates_the_day_to_the_digit(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    measures = ("metered_ac_kwh", "delivered_dc_kwh", "lost_against_target_kwh")
    before = {name: fleet(pipeline, name) for name in measures}
    post(connection, [reading(1, 107.0, minute=11 * 60)])
    said: list[str] = []
    pipeline.run(FIRST, said.append)
    after = {name: fleet(pipeline, name) for name in measures}

    # The last minute took 1.1 kWh; 7.0 kWh AC in all, where 5.4 kWh DC take 6.0 at the target.
    restated = sums(pipeline, 2, FLEET)
    assert restated["metered_ac_kwh"] == (before["metered_ac_kwh"], after["metered_ac_kwh"])
    assert restated["metered_ac_kwh"] == pytest.approx((11.8, 12.9))
    assert restated["lost_against_target_kwh"] == (before["lost_against_target_kwh"], after["lost_against_target_kwh"])
    assert restated["lost_against_target_kwh"] == pytest.approx((0.0, 1.0))
    assert "delivered_dc_kwh" not in restated, "it is what it was"
    assert sums(pipeline, 2, "meter_readings") == {"rows": (120, 121)}
    assert sums(pipeline, 2, "vehicle_readings") == {}
    assert sums(pipeline, 2, "hourly_energy")["reading_count"] == (242, 243)

    assert reasons(pipeline) == [(2, "1 late reading of meter-1")]
    (of_all,) = rows(pipeline).select("added_reading_count", "device_count", "devices").unique().rows()
    assert of_all == (1, 1, ["meter-1"])
    assert said[-2:] == [
        f"{FIRST} rebuilt (v2): 1 late reading of meter-1; lost_against_target_kwh 0.000 -> 1.000",
        f"{FIRST}: done",
    ]


def test_a_rebuild_that_changes_nothing_restates_nothing(twice: DailyPipeline) -> None:
    written = rows(twice)
    file = newest_file(twice.lake, "restatements", FIRST)
    said: list[str] = []
    twice.run(FIRST, said.append)
    with connect(twice.url) as connection:
        assert find_newest_release(connection, FIRST).release == 3
    assert not any("rebuilt" in line for line in said)
    assert rows(twice).equals(written)
    assert newest_file(twice.lake, "restatements", FIRST) == file


def test_three_restatements_in_a_row_add_up_and_outlive_the_versions_that_show_them(twice: DailyPipeline) -> None:
    with connect(twice.url) as connection:
        assert remove_old_versions(connection, twice.lake, timedelta(0)).versions > 5
        assert reasons(twice) == [(release, "1 late reading of meter-2") for release in (2, 3)]
        post(connection, [reading(2, 107.25, minute=22 * 60)])
    twice.run(FIRST)
    chain = [sums(twice, release, FLEET)["metered_ac_kwh"] for release in (2, 3, 4)]
    assert chain[0].old == pytest.approx(11.8)
    assert [each.new for each in chain[:2]] == [each.old for each in chain[1:]]
    assert chain[2].new == fleet(twice, "metered_ac_kwh") == pytest.approx(11.8 + 1.35)
    assert reasons(twice) == [(release, "1 late reading of meter-2") for release in (2, 3, 4)]


def test_earlier_releases_show_what_had_been_restated_by_then(twice: DailyPipeline) -> None:
    with connect(twice.url) as connection:
        for number in (1, 2, 3):
            snapshot = released_snapshot(connection, twice.lake, FIRST, release=number)
            (location,) = snapshot.locations("restatements", FIRST)
            assert set(pl.read_parquet(location)["release"]) == set(range(2, number + 1))


def test_a_file_of_restatements_that_is_lost_is_written_again(twice: DailyPipeline) -> None:
    written = rows(twice)
    newest_file(twice.lake, "restatements", FIRST).unlink()
    twice.run(FIRST)
    assert rows(twice).equals(written)


@pytest.mark.parametrize("step", ["add_restatement", "publish", "release_day"])
def test_killed_before_the_release_the_next_run_finds_the_same(
    pipeline: DailyPipeline, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The error stands for a kill: what the transaction did is not there, the file that was put already is."""
    post(connection, [reading(1, 107.0)])

    def dies(*arguments: Any, **named: Any) -> None:
        made(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        made = getattr(release, step)
        patch.setattr(release, step, dies)
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(FIRST)
    assert find_newest_release(connection, FIRST) == (1, None)
    assert list_restatements(connection, FIRST) == []
    assert rows(pipeline).is_empty()
    assert FIRST in [each.day for each in day_ledger.days_to_run(connection)]
    pipeline.run(FIRST)
    assert reasons(pipeline) == [(2, "1 late reading of meter-1")]
    assert sums(pipeline, 2, FLEET)["metered_ac_kwh"] == pytest.approx((11.8, 12.9))


@pytest.fixture
def looking_back(server_url: str, template: str, tmp_path: Path) -> Iterator[DailyPipeline]:
    with two_days(server_url, template, tmp_path, catalog_of(*LOOKING_BACK)) as pipeline:
        yield pipeline


@pytest.mark.long
def test_models_that_look_back_are_restated_and_say_on_which_day(looking_back: DailyPipeline) -> None:
    with connect(looking_back.url) as connection:
        unmap_for_an_hour(connection, 2, midnight(FIRST) + timedelta(hours=10.5))
        day_ledger.request_build(connection, FIRST, "a mapping changed")
        catch_up(looking_back, connection)
    assert reasons(looking_back) == [(2, "a changed mapping of veh-2")]
    ((number, reason),) = reasons(looking_back, SECOND)
    assert number == 2
    goes_on = f"it goes on from losses of {FIRST}, which changed"
    assert reason == f"{goes_on}; vehicle_trend_28_days and weekly_vehicle_losses look back on {FIRST}, which changed"
    changed = {"hourly_energy", "charging_sessions", "daily_standby", "daily_charger_sessions", "recent_sessions"}
    changed.add("loss_samples")
    assert set(rows(looking_back, SECOND)["dataset"]) == {*LOOKING_BACK, *changed}
    week = pl.read_parquet(newest_file(looking_back.lake, "weekly_vehicle_losses", SECOND))
    restated = sums(looking_back, 2, "weekly_vehicle_losses", SECOND)
    assert restated["ac_kwh"] == pytest.approx((11.8, week["ac_kwh"].sum()))


def unmap_for_an_hour(connection: psycopg.Connection, number: int, since: datetime) -> None:
    """What was fed meanwhile is nobody's."""
    connection.execute("UPDATE vehicle_meter_map SET valid_to = %s WHERE vehicle_id = %s", [since, number])
    connection.execute(
        "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (%s, %s, %s)",
        [number, number, since + timedelta(hours=1)],
    )


def test_an_import_is_told_apart_from_late_readings(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "readings.ndjson"
    at = [iso(midnight(FIRST) + timedelta(hours=20, minutes=minute)) for minute in range(3)]
    lines = [f'{{"meterId":"meter-2","kwhConsumedAc":107,"voltage":230,"timestamp":"{each}"}}' for each in at]
    file.write_text("\n".join(lines), encoding="utf-8")
    settings = FleetSettings(_env_file=None, database_url=pipeline.url, home=tmp_path)
    assert import_file(pipeline.url, file, settings).failure is None
    post(connection, [reading(1, 107.0)])
    pipeline.run(FIRST)
    assert reasons(pipeline) == [(2, "1 late and 3 imported readings of meter-2 and meter-1")]
    assert late(pipeline).height == 243, "what was imported is not late"


def late(pipeline: DailyPipeline) -> pl.DataFrame:
    return pl.read_parquet(newest_file(pipeline.lake, "late_readings", FIRST), hive_partitioning=False)


def test_each_late_reading_has_the_instant_at_which_it_came_in(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    """All of these days are late: they were sent days after they ended."""
    of_before = late(pipeline)
    assert of_before.group_by("kind").len().sort("kind").rows() == [("meter", 120), ("vehicle", 122)]
    ((begun_at,),) = connection.execute("SELECT clock_timestamp()").fetchall()
    assert of_before["received_at"].max() < begun_at
    post(connection, [reading(2, 107.0)])
    pipeline.late_readings(FIRST)
    assert late(pipeline).equals(of_before), "it is not among the exported ones yet"
    for stream in Stream:
        pipeline.export(stream, FIRST)
    pipeline.late_readings(FIRST)
    (new,) = late(pipeline).filter(pl.col("received_at") > begun_at).rows()
    assert new[:4] == ("meter", 2, midnight(FIRST) + timedelta(hours=20), 107.0)
    # As after a restore from a dump: PostgreSQL knows nothing of it any more, and the file of before does.
    connection.execute("DELETE FROM late_rows")
    written = late(pipeline)
    pipeline.late_readings(FIRST)
    assert late(pipeline).equals(written)


def test_a_changed_setting_is_named(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE meters SET energy_kind = 'interval' WHERE external_id = 'meter-2'")
    connection.execute("UPDATE meters SET display_name = 'Gate' WHERE external_id = 'meter-1'")
    day_ledger.request_build(connection, FIRST, "settings of a device changed")
    pipeline.run(FIRST)
    assert reasons(pipeline) == [(2, "changed settings of meter-2")]


def test_a_mapping_counts_where_it_holds_otherwise_on_the_day(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE vehicle_meter_map SET valid_to = %s WHERE vehicle_id = 1", [midnight(TODAY)])
    unmap_for_an_hour(connection, 2, midnight(FIRST) + timedelta(hours=10.5))
    day_ledger.request_build(connection, FIRST, "a mapping changed")
    pipeline.run(FIRST)
    assert reasons(pipeline) == [(2, "a changed mapping of veh-2")]
    assert sums(pipeline, 2, FLEET)["unmapped_ac_kwh"].old == 0


def test_a_model_that_was_rewritten_is_named(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    model = pipeline.catalog.models["reading_gaps"]
    other = replace(model, sql=f"SELECT * REPLACE (gap_minutes + 1 AS gap_minutes) FROM ({model.sql})")
    rewritten = replace(pipeline, catalog=Catalog({**pipeline.catalog.models, other.name: other}))
    post(connection, [reading(1, 107.0)])
    pipeline.run(FIRST)
    rewritten.build_models(FIRST, ["reading_gaps"])
    assert reasons(pipeline)[-1] == (3, "reading_gaps changed in its SQL")
    minutes = sums(pipeline, 3, "reading_gaps")["gap_minutes"]
    assert minutes.new == pytest.approx((minutes.old or 0) + 1)
    summary = find_newest_release(connection, FIRST).summary
    assert summary == "reading_gaps changed in its SQL; reading_gaps.gap_minutes 541 -> 542"


def test_a_changed_seed_is_the_reason_and_costs_are_what_it_restates(
    server_url: str, template: str, tmp_path: Path
) -> None:
    with two_days(server_url, template, tmp_path, catalog_of("daily_vehicle_costs")) as pipeline:
        seed = pipeline.catalog.models["tariffs"]
        dearer = replace(seed, sql=f"SELECT * REPLACE (price_per_kwh + 0.1 AS price_per_kwh) FROM ({seed.sql})")
        changed = replace(pipeline, catalog=Catalog({**pipeline.catalog.models, seed.name: dearer}))
        changed.build_models(FIRST, ["tariffs"])
        assert reasons(pipeline) == [(2, "the seed tariffs changed")]
        costs = sums(pipeline, 2, "daily_vehicle_costs")
        assert costs.keys() == {"rows", "ac_cost"}  # no price, and nothing is lost
        assert costs["ac_cost"].new == pytest.approx((costs["ac_cost"].old or 0) * 4 / 3)
        with connect(pipeline.url) as connection:
            summary = find_newest_release(connection, FIRST).summary
    assert summary == "the seed tariffs changed; daily_vehicle_costs.ac_cost 3.540 -> 4.720"


def test_a_reason_that_no_file_shows_is_the_one_that_the_day_was_queued_for(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    """As a migration does where it changes the rule: the numbers of before are others, and nothing else is."""
    change_released(pipeline, connection, FLEET, "standby_kwh + 7 AS standby_kwh")
    day_ledger.request_build(connection, FIRST, "the energy rule changed")
    pipeline.run(FIRST)
    assert reasons(pipeline) == [(2, "the energy rule changed")]
    assert sums(pipeline, 2, FLEET) == {"rows": (1, 1), "standby_kwh": (7, 0)}
    change_released(pipeline, connection, FLEET, "standby_kwh + 3 AS standby_kwh")
    pipeline.run(FIRST)
    assert reasons(pipeline)[-1] == (3, "it was built again")


def change_released(pipeline: DailyPipeline, connection: psycopg.Connection, dataset: str, replaced: str) -> None:
    """Have readers see another file, as if it had always been published so."""
    file = released_snapshot(connection, pipeline.lake).files[dataset][FIRST]
    path = Path(pipeline.lake.location(file))
    other = path.with_name("other")
    query = f"SELECT * REPLACE ({replaced}) FROM read_parquet('{path}', hive_partitioning = false)"
    duckdb.sql(f"COPY ({query}) TO '{other}' (FORMAT parquet)")
    sha256 = hashlib.sha256(other.read_bytes()).digest()
    for table in ("lake_file_versions", "lake_files"):
        connection.execute(
            f"UPDATE {table} SET sha256 = %s WHERE dataset = %s AND day = %s AND version = %s".encode(),
            [sha256, dataset, FIRST, file.version],
        )
    other.rename(pipeline.lake.location(replace(file, sha256=sha256)))


def test_of_a_damaged_file_only_its_rows_are_known(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    file = newest_file(pipeline.lake, FLEET, FIRST)
    post(connection, [reading(1, 107.0)])
    file.write_bytes(file.read_bytes()[::-1])
    pipeline.run(FIRST)
    assert sums(pipeline, 2, FLEET) == {"rows": (1, 1)}
    assert rows(pipeline).filter(dataset=FLEET)["changed_row_count"].to_list() == [None]


def test_a_day_of_before_restatements_were_noted(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    """As an upgrade leaves it: released, without a file of restatements."""
    newest_file(pipeline.lake, "restatements", FIRST).unlink()
    for table in ("lake_release_files", "lake_files", "lake_file_versions"):
        connection.execute(f"DELETE FROM {table} WHERE dataset = 'restatements'".encode())
    post(connection, [reading(1, 107.0)])
    pipeline.run(FIRST)
    assert reasons(pipeline) == [(2, "1 late reading of meter-1")]


def test_a_database_of_before_is_taken_over(server_url: str) -> None:
    """What was restated then is not known; late rows of then may have been imported, and count as sent by devices."""
    with database_before(server_url, MIGRATIONS / "versions" / "0011_restatements.sql") as url:
        with connect(url) as connection:
            connection.execute(
                "INSERT INTO late_rows (stream, day, row_count) VALUES ('meter_readings', %s, 1)", [FIRST]
            )
            connection.execute("INSERT INTO lake_releases VALUES (%s, 3, now())", [FIRST])
        migrate(url)
        with connect(url) as connection:
            assert connection.execute("SELECT is_imported FROM late_rows").fetchall() == [(False,)]
            assert find_newest_release(connection, FIRST) == (3, None)
            assert list_restatements(connection, FIRST) == []
