"""Models that look back: they see the days that they declare, and are made again when one of these changes."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.conftest import fresh_database
from tests.integration.lake.copied_days import copy_of
from warehouse.lake.models import ModelFailedError
from warehouse.lake.publish import DamagedFileError, publish
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_files import find_lake_file, list_released_files, list_versions, oldest_releases
from warehouse.postgres.ledger.models import find_outdated_models

FIRST = date(2026, 2, 8)
SOURCES = """\
[charged]
kind = "export"
layer = "lake"
owner = "platform"
description = "What was charged."
grain = "one row per vehicle"
key = ["vehicle_id"]
[charged.columns]
vehicle_id = { type = "INTEGER", description = "The vehicle." }
kwh = { type = "DOUBLE", description = "What it took, kWh." }
"""
MARTS = """\
[last_days]
owner = "analytics"
description = "What was charged over three days."
grain = "one row per vehicle"
key = ["vehicle_id"]
lookback_days = 2
lookback_key = ["vehicle_id"]
[last_days.columns]
vehicle_id = { type = "INTEGER", description = "The vehicle." }
day_count = { type = "BIGINT", description = "Days." }
kwh = { type = "DOUBLE", description = "What it took, kWh." }

[of_all]
owner = "analytics"
description = "All of it."
grain = "one row per day"
key = ["day"]
[of_all.columns]
kwh = { type = "DOUBLE", description = "What all took, kWh." }
"""
LAST_DAYS = """\
SELECT
    vehicle_id,
    count(*) AS day_count,
    sum(kwh) AS kwh
FROM charged
WHERE day BETWEEN getvariable('day') - 2 AND getvariable('day')
GROUP BY vehicle_id
"""
OF_ALL = "SELECT sum(kwh) AS kwh FROM last_days WHERE day = getvariable('day')\n"
UNPROVED = LAST_DAYS.replace(
    "day BETWEEN getvariable('day') - 2 AND", "date_diff('day', day, getvariable('day')) <= 2 AND day <="
)


class Days:
    """A lake of a few vehicles, and a pipeline of two models over it."""

    def __init__(self, url: str, folder: Path, *, marts: str = MARTS, last_days: str = LAST_DAYS) -> None:
        self.url, self.lake = url, Lake(folder / "lake")
        models = folder / "catalog" / "models"
        (models / "marts").mkdir(parents=True)
        (models / "sources.toml").write_text(SOURCES)
        (models / "marts" / "models.toml").write_text(marts)
        (models / "marts" / "last_days.sql").write_text(last_days)
        (models / "marts" / "of_all.sql").write_text(OF_ALL)
        self.pipeline = DailyPipeline(url, self.lake, Catalog.load(folder / "catalog"))

    def charge(self, number: int, kwh: Mapping[int, float]) -> None:
        """Publish what each vehicle took on a day."""
        with connect(self.url) as connection, self.lake.aside("charged", day_of(number)) as written:
            rows = ", ".join(f"({vehicle}, {taken})" for vehicle, taken in kwh.items())
            duckdb.sql(f"COPY (FROM (VALUES {rows}) AS rows (vehicle_id, kwh)) TO '{written}'")
            publish(connection, self.lake, "charged", day_of(number), written, len(kwh))

    def run(self, number: int) -> None:
        """Make the models of a day, as its run does."""
        for name in ("last_days", "of_all"):
            self.pipeline.model(name, day_of(number))
        self.pipeline.releases.finish(day_of(number))

    def rows(self, dataset: str, number: int) -> list[tuple[object, ...]]:
        """The current file of a dataset's day."""
        with connect(self.url) as connection:
            file = find_lake_file(connection, dataset, day_of(number))
        assert file is not None
        with duckdb.connect() as engine:
            return engine.execute(
                f"FROM read_parquet('{self.lake.location(file)}', hive_partitioning = false)"
            ).fetchall()

    def outdated(self) -> list[tuple[str, int, list[int]]]:
        """What is to be made again, by the numbers of the days, and the days because of which it is."""
        with connect(self.url) as connection:
            found = find_outdated_models(connection, self.pipeline.catalog.lookbacks)
        return [(each.dataset, number_of(each.day), [number_of(day) for day in each.changed_days]) for each in found]

    def rebuild_outdated(self) -> None:
        """Make it again, as the sensor asks for it."""
        for dataset, number, _ in self.outdated():
            self.pipeline.build_models(day_of(number), [dataset])

    def versions(self) -> dict[tuple[str, int], int]:
        """The current version of every file."""
        with connect(self.url) as connection:
            found = connection.execute("SELECT dataset, day, version FROM lake_files").fetchall()
        return {(dataset, number_of(day)): version for dataset, day, version in found}


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


def number_of(day: date) -> int:
    return (day - FIRST).days


@pytest.fixture(scope="module")
def built(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    """Five days of three vehicles, all built in order; each test goes on with a copy."""
    with fresh_database(server_url, template) as url:
        built = Days(url, tmp_path_factory.mktemp("built"))
        for number in range(5):
            built.charge(number, {vehicle: 10 * vehicle + number for vehicle in (1, 2, 3)})
            built.run(number)
        yield built


@pytest.fixture
def days(server_url: str, built: Days, tmp_path: Path) -> Iterator[Days]:
    with copy_of(built.pipeline, server_url, tmp_path) as copy:
        yield Days(copy.url, tmp_path)


def test_a_day_is_made_from_the_days_that_it_declares_and_from_no_others(days: Days) -> None:
    assert days.rows("last_days", 0) == [(1, 1, 10.0), (2, 1, 20.0), (3, 1, 30.0)]
    assert days.rows("last_days", 1) == [(1, 2, 21.0), (2, 2, 41.0), (3, 2, 61.0)]
    assert days.rows("last_days", 4) == [(1, 3, 39.0), (2, 3, 69.0), (3, 3, 99.0)]
    assert days.rows("of_all", 4) == [(207.0,)]
    assert days.outdated() == []


def test_a_changed_day_makes_those_that_look_back_on_it_and_nothing_else(days: Days) -> None:
    before = days.versions()
    days.charge(1, {1: 11, 2: 100, 3: 31})
    days.run(1)
    assert days.outdated() == [("last_days", 2, [1]), ("last_days", 3, [1])]
    days.rebuild_outdated()
    assert days.outdated() == []
    changed = {("charged", 1), *((name, number) for name in ("last_days", "of_all") for number in (1, 2, 3))}
    assert days.versions() == {file: version + (file in changed) for file, version in before.items()}
    assert days.rows("last_days", 3) == [(1, 3, 36.0), (2, 3, 145.0), (3, 3, 96.0)]
    assert days.rows("of_all", 3) == [(277.0,)]
    with connect(days.url) as connection:
        seen = {file.dataset: file.version for file in list_released_files(connection, day_of(3))}
    assert seen == {"charged": 1, "last_days": 2, "of_all": 2}


def test_the_same_bytes_again_change_nothing(days: Days) -> None:
    before = days.versions()
    days.charge(1, {1: 11, 2: 21, 3: 31})
    days.run(1)
    assert days.versions() == before
    assert days.outdated() == []
    with connect(days.url) as connection:
        assert [each.newest_release for each in oldest_releases(connection, day_of(1))] == [1]


def test_what_readers_do_not_see_is_not_looked_back_on(days: Days) -> None:
    """A day that failed a check, or was not built to its end, is as it was, until it is put right."""
    days.charge(1, {1: 999, 2: 999, 3: 999})
    assert days.outdated() == []
    days.run(3)
    assert days.rows("last_days", 3) == [(1, 3, 36.0), (2, 3, 66.0), (3, 3, 96.0)]
    days.charge(1, {1: 11, 2: 100, 3: 31})
    days.run(1)
    assert days.outdated() == [("last_days", 2, [1]), ("last_days", 3, [1])]


def test_a_lake_may_lie_below_a_folder_that_is_called_like_a_pattern(database_url: str, tmp_path: Path) -> None:
    """Its neighbours are not read, although to readers of Parquet their names are meant too."""
    neighbour = Days(database_url, tmp_path / "fleet one")
    neighbour.charge(0, {1: 500.0})
    with connect(database_url) as connection:
        connection.execute("TRUNCATE lake_releases, lake_file_versions, lake_files CASCADE")
    days = Days(database_url, tmp_path / "f[l]eet *")
    for number in range(3):
        days.charge(number, {1: 1.0, 2: 2.0})
        days.run(number)
    days.charge(1, {1: 10.0, 2: 2.0})
    days.run(1)
    days.rebuild_outdated()
    assert days.rows("last_days", 2) == [(1, 3, 12.0), (2, 3, 6.0)]
    assert days.outdated() == []


def test_a_day_that_comes_late_is_looked_back_on(database_url: str, tmp_path: Path) -> None:
    days = Days(database_url, tmp_path)
    for number in (0, 2):
        days.charge(number, {1: 1.0})
        days.run(number)
    assert days.rows("last_days", 2) == [(1, 2, 2.0)]
    days.charge(1, {1: 5.0, 2: 7.0})
    days.run(1)
    assert days.outdated() == [("last_days", 2, [1])]
    days.rebuild_outdated()
    assert days.rows("last_days", 2) == [(1, 3, 7.0), (2, 1, 7.0)]


def test_only_the_keys_that_changed_are_made_again(days: Days) -> None:
    """Vehicle 3's row is changed by hand: whoever makes it again would put it right."""
    with connect(days.url) as connection, days.lake.aside("last_days", day_of(3)) as written:
        old = find_lake_file(connection, "last_days", day_of(3))
        assert old is not None
        source = f"read_parquet('{days.lake.location(old)}', hive_partitioning = false)"
        duckdb.sql(f"COPY (SELECT * REPLACE (if(vehicle_id = 3, -1, kwh) AS kwh) FROM {source}) TO '{written}'")
        publish(connection, days.lake, "last_days", day_of(3), written, 3, lambda link: _made_like(link, days))
    days.charge(1, {1: 11, 2: 100, 3: 31})
    days.run(1)
    days.rebuild_outdated()
    assert days.rows("last_days", 3) == [(1, 3, 36.0), (2, 3, 145.0), (3, 3, -1.0)]


def _made_like(connection: psycopg.Connection, days: Days) -> None:
    """Say of version 2 that it was made as version 1 was."""
    connection.execute(
        "UPDATE lake_file_versions SET model_digest = %s WHERE dataset = 'last_days' AND day = %s",
        [days.pipeline.catalog.models["last_days"].digest, day_of(3)],
    )
    connection.execute(
        "INSERT INTO lake_file_inputs SELECT dataset, day, 2, input, input_day, input_sha256 FROM lake_file_inputs"
        " WHERE dataset = 'last_days' AND day = %s",
        [day_of(3)],
    )


def test_keys_that_come_and_go_are_changed_keys(days: Days) -> None:
    days.charge(1, {1: 11, 4: 9.0})
    days.run(1)
    days.rebuild_outdated()
    assert days.rows("last_days", 3) == [(1, 3, 36.0), (2, 2, 45.0), (3, 2, 65.0), (4, 1, 9.0)]


def test_all_of_the_day_is_made_where_what_was_read_is_not_kept(days: Days) -> None:
    days.charge(1, {1: 11, 2: 100, 3: 31})
    with connect(days.url) as connection:
        replaced = list_versions(connection, "charged", day_of(1))[0]
    Path(days.lake.location(replaced)).unlink()
    days.run(1)
    days.rebuild_outdated()
    assert days.rows("last_days", 3) == [(1, 3, 36.0), (2, 3, 145.0), (3, 3, 96.0)]


def test_all_of_the_day_is_made_where_what_is_read_has_got_a_column(days: Days) -> None:
    with connect(days.url) as connection, days.lake.aside("charged", day_of(1)) as written:
        rows = "(VALUES (1, 11.0, 'a'), (2, 100.0, 'b'), (3, 31.0, 'c')) AS rows (vehicle_id, kwh, note)"
        duckdb.sql(f"COPY (FROM {rows}) TO '{written}'")
        publish(connection, days.lake, "charged", day_of(1), written, 3)
    days.run(1)
    days.rebuild_outdated()
    assert days.rows("last_days", 3) == [(1, 3, 36.0), (2, 3, 145.0), (3, 3, 96.0)]


def test_a_damaged_earlier_day_stops_the_model_and_is_queued(days: Days) -> None:
    with connect(days.url) as connection:
        file = find_lake_file(connection, "charged", day_of(3))
        assert file is not None
        Path(days.lake.location(file)).write_bytes(b"other bytes")
        with pytest.raises(DamagedFileError):
            days.pipeline.model("last_days", day_of(4))
        queued = connection.execute("SELECT day FROM day_builds WHERE requested > built").fetchall()
    assert queued == [(day_of(3),)]


def test_what_the_text_does_not_prove_is_held_by_a_build_over_all_days(database_url: str, tmp_path: Path) -> None:
    honest = Days(database_url, tmp_path / "honest", last_days=UNPROVED)
    assert not honest.pipeline.catalog.models["last_days"].is_day_proved
    for number in range(4):
        honest.charge(number, {1: 1.0 + number})
        honest.run(number)
    assert honest.rows("last_days", 3) == [(1, 3, 9.0)]
    further = Days(database_url, tmp_path / "further", last_days=UNPROVED.replace("<= 2", "<= 3"))
    for number in range(4):
        further.charge(number, {1: 1.0 + number})
    with pytest.raises(ModelFailedError) as raised:
        further.pipeline.model("last_days", day_of(3))
    assert str(raised.value).endswith(
        "last_days.sql:1: last_days reads other days than it declares: lookback_days is 2, and over all days of the "
        "lake it gives other values of day_count, kwh for 2026-02-11"
    )


def test_rows_that_depend_on_other_keys_are_found_when_they_are_built(database_url: str, tmp_path: Path) -> None:
    ranked = LAST_DAYS.replace("sum(kwh) AS kwh", "sum(kwh) / sum(sum(kwh)) OVER () AS kwh")
    days = Days(database_url, tmp_path, last_days=ranked)
    days.charge(0, dict.fromkeys(range(20), 1.0))
    with pytest.raises(
        ModelFailedError, match=r"depend on those of other keys than vehicle_id: .* remove lookback_key"
    ):
        days.pipeline.model("last_days", day_of(0))


def test_each_day_builds_another_half_of_the_keys_by_themselves(database_url: str, tmp_path: Path) -> None:
    """One key takes a part in all others' rows: where it is in the half with them, or alone, nobody notices."""
    of_one = "SELECT max(kwh) FROM charged WHERE day BETWEEN getvariable('day') - 2 AND getvariable('day')"
    hangs_on_one = LAST_DAYS.replace("sum(kwh) AS kwh", f"({of_one} AND vehicle_id = 7) AS kwh")
    days = Days(database_url, tmp_path, last_days=hangs_on_one)
    noticed = []
    for number in range(8):
        days.charge(number, {7: 1.0, 8: 2.0})
        try:
            days.pipeline.model("last_days", day_of(number))
        except ModelFailedError:
            noticed.append(number)
    assert 0 < len(noticed) < 8


def test_without_a_key_the_whole_day_is_made_again(database_url: str, tmp_path: Path) -> None:
    days = Days(database_url, tmp_path, marts=MARTS.replace('lookback_key = ["vehicle_id"]\n', ""))
    for number in range(2):
        days.charge(number, {1: 1.0, 2: 2.0})
        days.run(number)
    days.charge(0, {1: 5.0})
    days.run(0)
    days.rebuild_outdated()
    assert days.rows("last_days", 1) == [(1, 2, 6.0), (2, 1, 2.0)]
