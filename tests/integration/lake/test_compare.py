"""Two files of one dataset's day, compared: rows, keys, columns, values and sums."""

from pathlib import Path

import duckdb
import pytest

from warehouse.lake.compare import Change, Comparison, compare_files
from warehouse.lake.views import text

ROWS = "SELECT * FROM (VALUES (1, 'a', 10.0::DOUBLE, 5), (2, 'b', 20.0::DOUBLE, 6)) AS t (id, name, kwh, count)"


class Files:
    """Writes what SELECTs give, and compares."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def compare(self, before: str, after: str, *key: str) -> Comparison:
        paths = (self._folder / "before.parquet", self._folder / "after.parquet")
        with duckdb.connect() as engine:
            for path, select in zip(paths, (before, after), strict=True):
                engine.execute(f"COPY ({select}) TO {text(path)} (FORMAT parquet)")
            return compare_files(engine, *paths, key)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def changes(found: Comparison) -> dict[str, Change]:
    return {each.column: each for each in found.columns if not each.is_none}


def test_the_same_rows_are_the_same_in_any_order(files: Files) -> None:
    found = files.compare(ROWS, f"FROM ({ROWS}) ORDER BY id DESC", "id")
    assert found.is_same
    assert (found.rows_before, found.rows_after, changes(found)) == (2, 2, {})


def test_a_changed_number_is_counted_and_summed(files: Files) -> None:
    found = files.compare(ROWS, f"SELECT * REPLACE (if(id = 2, 25.0, kwh) AS kwh) FROM ({ROWS})", "id")
    assert not found.is_same
    assert (found.only_before, found.only_after, found.changed_rows) == (0, 0, 1)
    assert changes(found) == {"kwh": Change("kwh", "DOUBLE", "DOUBLE", 1, 30.0, 35.0)}


def test_a_changed_text_has_no_sum(files: Files) -> None:
    found = files.compare(ROWS, f"SELECT * REPLACE (upper(name) AS name) FROM ({ROWS})", "id")
    assert changes(found) == {"name": Change("name", "VARCHAR", "VARCHAR", 2, None, None)}


def test_rows_that_come_and_go_are_counted_by_key(files: Files) -> None:
    found = files.compare(ROWS, f"SELECT * REPLACE (id + 1 AS id) FROM ({ROWS})", "id")
    assert (found.rows_before, found.rows_after, found.only_before, found.only_after) == (2, 2, 1, 1)
    assert found.changed_rows == 1


def test_what_vanishes_shows_in_the_sums_of_unchanged_values(files: Files) -> None:
    found = files.compare(ROWS, f"FROM ({ROWS}) WHERE id = 1", "id")
    assert found.changed_rows == 0
    assert changes(found) == {
        "kwh": Change("kwh", "DOUBLE", "DOUBLE", 0, 30.0, 10.0),
        "count": Change("count", "INTEGER", "INTEGER", 0, 11, 5),
    }


def test_columns_that_come_go_and_change_their_type_are_told(files: Files) -> None:
    after = f"SELECT id, name::BLOB AS name, count::BIGINT AS count, true AS new FROM ({ROWS})"
    found = changes(files.compare(ROWS, after, "id"))
    assert {name: (each.of_column, each.type_before, each.type_after) for name, each in found.items()} == {
        "name": ("retyped", "VARCHAR", "BLOB"),
        "count": ("retyped", "INTEGER", "BIGINT"),
        "new": ("new", None, "BOOLEAN"),
        "kwh": ("gone", "DOUBLE", None),
    }
    assert (found["count"].rows, found["new"].rows, found["kwh"].sum_before) == (0, None, 30.0)


def test_the_noise_of_adding_in_another_order_is_no_change(files: Files) -> None:
    after = f"SELECT * REPLACE (kwh * (1 + 1e-12) AS kwh) FROM ({ROWS})"
    assert files.compare(ROWS, after, "id").is_same
    assert not files.compare(ROWS, after.replace("1e-12", "1e-6"), "id").is_same


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("NULL::DOUBLE", "NULL::DOUBLE", True),
        ("NULL::DOUBLE", "0.0::DOUBLE", False),
        ("'nan'::DOUBLE", "'nan'::DOUBLE", True),
        ("'nan'::DOUBLE", "1.0::DOUBLE", False),
        ("'inf'::DOUBLE", "'inf'::DOUBLE", True),
        ("'inf'::DOUBLE", "1.0::DOUBLE", False),
        ("0.0::DOUBLE", "-0.0::DOUBLE", True),
        ("1.5::DECIMAL(9, 3)", "1.5::DECIMAL(9, 3)", True),
        ("['a', 'b']", "['b', 'a']", False),
        ("NULL::VARCHAR", "'x'", False),
    ],
)
def test_values_that_are_no_plain_numbers(files: Files, before: str, after: str, is_same: bool) -> None:
    assert files.compare(f"SELECT 1 AS id, {before} AS x", f"SELECT 1 AS id, {after} AS x", "id").is_same is is_same


def test_a_key_of_several_columns_may_hold_null(files: Files) -> None:
    rows = "SELECT * FROM (VALUES ('meter', NULL, 1), ('meter', 2, 2)) AS t (kind, id, x)"
    assert files.compare(rows, rows, "kind", "id").is_same


def test_without_a_key_the_one_rows_are_compared(files: Files) -> None:
    assert files.compare("SELECT 1 AS x", "SELECT 1 AS x").is_same
    found = files.compare("SELECT 1 AS x", "SELECT 2 AS x")
    assert (found.only_before, found.only_after, found.changed_rows) == (0, 0, 1)
    gone = files.compare("SELECT 1 AS x", "SELECT 1 AS x WHERE false")
    assert (gone.only_before, gone.only_after, gone.changed_rows) == (1, 0, 0)
    assert changes(gone) == {"x": Change("x", "INTEGER", "INTEGER", 0, 1, None)}


def test_without_rows_nothing_differs(files: Files) -> None:
    assert files.compare(f"FROM ({ROWS}) WHERE false", f"FROM ({ROWS}) WHERE false", "id").is_same


def test_another_key_cannot_be_matched(files: Files) -> None:
    found = files.compare(ROWS, f"SELECT id AS device_id, kwh FROM ({ROWS})", "device_id")
    assert (found.only_before, found.only_after, found.changed_rows) == (None, None, None)
    assert not found.is_same
    assert changes(found)["kwh"] == Change("kwh", "DOUBLE", "DOUBLE", None, 30.0, 30.0)
