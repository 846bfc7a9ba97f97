"""The lake as SQL sees it: views over files that are there or not yet, one day or all, and nothing else."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake, at
from tests.lake_folder import folder_snapshot, newest_file
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import UnreadableFileError, add_views, forbid_changes, hold_rows, open_lake, start_engine

NEXT_DAY = DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> HandMadeLake:
    """Two days: 10 kWh on the first, 20 on the second."""
    lake = HandMadeLake(tmp_path_factory.mktemp("untouched") / "lake")
    for day, kwh in ((DAY, 10.0), (NEXT_DAY, 20.0)):
        lake.pairs(1)
        lake.add("hourly_energy", kind="meter", device_id=1, hour=at("08:00", day), energy_kwh=kwh)
        lake.add("hourly_energy", kind="vehicle", device_id=1, hour=at("08:00", day), energy_kwh=kwh * 0.9)
        lake.write(day)
        lake.build(day=day)
    return lake


@pytest.fixture
def lake(untouched: HandMadeLake, tmp_path: Path) -> HandMadeLake:
    return untouched.copy(tmp_path / "lake")


def types(connection: duckdb.DuckDBPyConnection, dataset: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in connection.execute(f"DESCRIBE {dataset}").fetchall()]


def test_a_dataset_has_its_columns_and_types_with_and_without_files(lake: HandMadeLake, tmp_path: Path) -> None:
    with (
        open_lake(folder_snapshot(Lake(tmp_path / "nothing")), CATALOG.in_order(), None) as empty,
        open_lake(lake.snapshot, CATALOG.in_order(), None) as full,
    ):
        for model in CATALOG.in_order():
            assert types(empty, model.name) == types(full, model.name)
            assert [name for name, _ in types(full, model.name)] == [*(each.name for each in model.columns), "day"]
            assert empty.execute(f"SELECT count(*) FROM {model.name}").fetchall() == [(0,)]


def test_all_days_are_there_with_the_day_as_a_date(lake: HandMadeLake) -> None:
    with open_lake(lake.snapshot, CATALOG.in_order(), None) as connection:
        found = connection.execute("SELECT day, ac_kwh FROM daily_fleet_efficiency ORDER BY day").fetchall()
        assert connection.execute("SELECT getvariable('day')").fetchall() == [(None,)]
    assert found == [(DAY, 10.0), (NEXT_DAY, 20.0)]


def test_with_a_day_there_is_that_day_and_the_variable(lake: HandMadeLake) -> None:
    with open_lake(lake.snapshot, CATALOG.in_order(), NEXT_DAY) as connection:
        found = connection.execute("SELECT day, ac_kwh, getvariable('day') FROM daily_fleet_efficiency").fetchall()
    assert found == [(NEXT_DAY, 20.0, NEXT_DAY)]


def test_time_is_utc_and_a_python_name_is_no_table(lake: HandMadeLake) -> None:
    rows = duckdb.sql("SELECT 1")
    assert rows is not None
    with open_lake(lake.snapshot, CATALOG.in_order(), None) as connection:
        assert connection.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
        with pytest.raises(duckdb.CatalogException, match="rows does not exist"):
            connection.execute("FROM rows")


def test_a_column_that_older_files_lack_is_null_there(lake: HandMadeLake) -> None:
    lake.change("daily_fleet_efficiency", "SELECT * EXCLUDE (lost_kwh) FROM file")
    with open_lake(lake.snapshot, CATALOG.in_order(), None) as connection:
        found = connection.execute("SELECT day, lost_kwh FROM daily_fleet_efficiency ORDER BY day").fetchall()
    assert found == [(DAY, None), (NEXT_DAY, pytest.approx(2.0))]


def test_a_column_that_a_days_file_lacks_is_missed_and_not_made_up(lake: HandMadeLake) -> None:
    lake.change("daily_fleet_efficiency", "SELECT * EXCLUDE (lost_kwh) FROM file")
    with open_lake(lake.snapshot, CATALOG.in_order(), DAY) as connection:
        assert connection.execute("SELECT ac_kwh FROM daily_fleet_efficiency").fetchall() == [(10.0,)]
        with pytest.raises(duckdb.BinderException, match="lost_kwh"):
            connection.execute("SELECT lost_kwh FROM daily_fleet_efficiency")


def test_a_damaged_file_is_named(lake: HandMadeLake) -> None:
    snapshot, file = lake.snapshot, newest_file(lake.lake, "meters", DAY)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UnreadableFileError, match=rf"meters: .*{file}.*fleetwatt scrub"):
        open_lake(snapshot, CATALOG.in_order(), None)


def test_rows_that_are_held_are_those_of_the_views(lake: HandMadeLake) -> None:
    lake.change("daily_fleet_efficiency", "SELECT * EXCLUDE (lost_kwh) FROM file")
    with start_engine(None) as viewed, start_engine(None) as held:
        add_views(viewed, lake.snapshot, CATALOG.in_order(), NEXT_DAY, lookback_days=1)
        hold_rows(held, lake.snapshot, CATALOG.in_order(), NEXT_DAY, lookback_days=1)
        for name in CATALOG.models:
            assert types(held, name) == types(viewed, name)
            assert (
                held.execute(f"FROM {name} ORDER BY ALL").fetchall()
                == viewed.execute(f"FROM {name} ORDER BY ALL").fetchall()
            )
        assert held.execute("SELECT day FROM meters ORDER BY day").fetchall() == [(DAY,), (NEXT_DAY,)]
        newest_file(lake.lake, "meters", DAY).unlink()
        assert held.execute("SELECT count(*) FROM meters").fetchall() == [(2,)], "read once"


def test_a_file_whose_rows_are_damaged_is_named_where_they_are_held(lake: HandMadeLake) -> None:
    snapshot, file = lake.snapshot, newest_file(lake.lake, "meters", DAY)
    content = file.read_bytes()
    file.write_bytes(content[:4] + bytes(20) + content[24:])
    with (
        start_engine(None) as held,
        pytest.raises(UnreadableFileError, match=r"meters: .*fleetwatt scrub"),
    ):
        hold_rows(held, snapshot, CATALOG.in_order(), DAY)


def test_a_folder_with_a_quote_in_its_name(tmp_path: Path) -> None:
    lake = HandMadeLake(tmp_path / "o'hara's lake")
    lake.pairs(1)
    lake.write()
    lake.build()
    assert [row["vehicle_external_id"] for row in lake.rows("daily_vehicle_efficiency")] == ["vehicle-1"]


def test_once_changes_are_forbidden_only_the_lake_is_read(lake: HandMadeLake, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with open_lake(lake.snapshot, CATALOG.in_order(), None) as connection:
        forbid_changes(connection, lake.snapshot.locations("meters", None), [tmp_path / "allowed.csv"])
        assert connection.execute("SELECT count(*) FROM meters").fetchall() == [(2,)]
        connection.execute(f"COPY (SELECT 1) TO '{tmp_path}/allowed.csv'")
        for forbidden in (
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path}/another.csv'",
            f"ATTACH '{tmp_path}/x.duckdb' AS x",
            "SET enable_external_access = true",
        ):
            with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException, duckdb.BinderException)):
                connection.execute(forbidden)


def test_what_does_not_fit_into_memory_goes_beside_the_lake_though_nothing_is_to_be_read(lake: HandMadeLake) -> None:
    ordered = "SELECT range, md5(range::VARCHAR) AS a FROM range(2000000) ORDER BY a DESC"
    with open_lake(lake.snapshot, CATALOG.in_order(), None, memory_limit="64MB") as connection:
        connection.execute("SET threads = 1")  # each has blocks of its own in hand, how many is chance
        forbid_changes(connection, [])
        assert connection.execute(f"SELECT count(DISTINCT a) FROM ({ordered})").fetchall() == [(2_000_000,)]


LIKE_COLUMNS = "day=2020-01-01/kind=van/vehicle_id=7/ac_kwh=1"
"""Folders as a backup or somebody's own order of things may have them above a lake."""


def test_folders_above_the_lake_are_no_columns_of_it(lake: HandMadeLake, tmp_path: Path) -> None:
    elsewhere = lake.copy(tmp_path / LIKE_COLUMNS / "lake")
    queries = ["SELECT day, ac_kwh FROM daily_fleet_efficiency ORDER BY day", "FROM hourly_energy ORDER BY ALL"]
    with (
        open_lake(lake.snapshot, CATALOG.in_order(), None) as here,
        open_lake(elsewhere.snapshot, CATALOG.in_order(), None) as there,
    ):
        for query in queries:
            assert there.execute(query).fetchall() == here.execute(query).fetchall()


def test_a_question_of_one_day_opens_the_files_of_that_day_alone(lake: HandMadeLake) -> None:
    with open_lake(lake.snapshot, CATALOG.in_order(), None) as connection:
        query = f"SELECT sum(energy_kwh) FROM hourly_energy WHERE day = DATE '{NEXT_DAY}'"
        ((_, plan),) = connection.execute(f"EXPLAIN ANALYZE {query}").fetchall()
    assert "Scanning Files: 1/2" in plan


def test_two_containers_have_folders_of_their_own_for_what_does_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their processes may have the same number, by which DuckDB names its files."""
    folders = []
    for name in ("one", "other"):
        monkeypatch.setattr("socket.gethostname", lambda name=name: name)
        with start_engine(tmp_path / ".spill") as engine:
            folders += engine.execute("SELECT current_setting('temp_directory')").fetchall()
    assert folders == [(str(tmp_path / ".spill-one"),), (str(tmp_path / ".spill-other"),)]
