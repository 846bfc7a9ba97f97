"""Seeds: a CSV is a model whose SELECT is its rows, each on the line that it has in the file."""

from pathlib import Path

import duckdb
import pytest

from dbt_like_sql.catalog import Catalog, CatalogError
from dbt_like_sql.statements import Statement
from tests.unit.dbt_like_sql.small_catalog import write_catalog
from warehouse.lake.models import bind_problems

SEEDS = """\
[prices]
owner = "analytics"
description = "What a kWh costs."
grain = "one row per device"
key = ["device_id"]
checks = [{ accepted_range = "price", min = 0 }]
[prices.columns]
device_id = { type = "INTEGER", description = "The device." }
price = { type = "DOUBLE", description = "What a kWh costs." }
said = { type = "VARCHAR", description = "What else is said of it." }
"""
CSV = "device_id,said,price\n1,\"it's a day, and 'a half'\",0.5\n2,,\n"


def catalog_of(folder: Path, csv: str | None = CSV, seeds: str | None = SEEDS) -> Catalog:
    return Catalog.load(write_catalog(folder, {"seeds/seeds.toml": seeds, "seeds/prices.csv": csv}))


def test_its_rows_are_those_of_the_file_in_the_declared_types(tmp_path: Path) -> None:
    seed = catalog_of(tmp_path).models["prices"]
    assert (seed.layer, seed.kind, seed.depends_on, seed.is_seed) == ("staging", "sql", (), True)
    assert str(seed.path) == "small/seeds/prices.csv"
    with duckdb.connect() as connection:
        found = connection.execute(str(seed.sql))
        assert [(column[0], str(column[1])) for column in found.description or ()] == [
            ("device_id", "INTEGER"),
            ("said", "VARCHAR"),
            ("price", "DOUBLE"),
        ]
        assert found.fetchall() == [(1, "it's a day, and 'a half'", 0.5), (2, None, None)]


def test_a_model_reads_it_by_name_and_another_text_is_another_digest(tmp_path: Path) -> None:
    first = catalog_of(tmp_path)
    assert catalog_of(tmp_path).models["prices"].digest == first.models["prices"].digest
    other = catalog_of(tmp_path, CSV.replace("0.5", "0.6"))
    assert other.models["prices"].digest != first.models["prices"].digest
    assert [name for name in first.models if first.models[name].digest != other.models[name].digest] == ["prices"]


def test_one_without_rows_is_empty(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, "device_id,price,said\n")
    assert bind_problems(catalog) == []
    with duckdb.connect() as connection:
        assert connection.execute(str(catalog.models["prices"].sql)).fetchall() == []


@pytest.mark.parametrize(
    ("csv", "seeds", "said"),
    [
        ("device_id,pricee,said\n", SEEDS, "small/seeds/prices.csv:1: pricee is not declared; did you mean price?"),
        ("device_id,price\n", SEEDS, "small/seeds/prices.csv:1: the header lacks said"),
        ("device_id,price,said,said\n", SEEDS, "small/seeds/prices.csv:1: the header names a column twice"),
        ("", SEEDS, "small/seeds/prices.csv:1: the header lacks device_id, price, said"),
        (CSV + "3,x\n", SEEDS, "small/seeds/prices.csv:4: 2 fields, and the header names 3"),
        (CSV + '3,"x\ny",1\n\n4\n', SEEDS, "small/seeds/prices.csv:7: 1 field, and the header names 3"),
        ('device_id,price,said\n1,2,"x\n', SEEDS, "small/seeds/prices.csv:2: not valid CSV: "),
        ("device_id, price,said\n", SEEDS, "small/seeds/prices.csv:1: the header has a space beside price"),
        ("device_id;price;said\n", SEEDS, "small/seeds/prices.csv:1: fields are separated by commas"),
        (
            CSV + "1.5,,\n",
            SEEDS,
            "small/seeds/prices.csv:4: device_id is '1.5', and its type INTEGER is written as a who",
        ),
        (
            CSV + "3,,nan\n",
            SEEDS,
            "small/seeds/prices.csv:4: price is 'nan', and its type DOUBLE is written as a number",
        ),
        (CSV + '3,,"0,5"\n', SEEDS, "small/seeds/prices.csv:4: price is '0,5', and its type DOUBLE is written as"),
        (CSV + "3, x,\n", SEEDS, "small/seeds/prices.csv:4: said is ' x'; leave the space at its edge out"),
        (
            "device_id,price,said\n" + "".join(f"{number},1,\n" for number in range(1001)),
            SEEDS,
            "small/seeds/prices.csv:1: it has 1,001 rows; a seed is a small table, of 1,000 at most",
        ),
        (
            CSV,
            SEEDS.replace("key =", "lookback_days = 2\nkey ="),
            "small/seeds/seeds.toml:1: prices is a seed, and looks",
        ),
        (None, SEEDS, "small/seeds/seeds.toml:1: prices has no small/seeds/prices.csv"),
        (CSV, None, "small/seeds/prices.csv:1: prices is not declared in small/seeds/seeds.toml"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, csv: str | None, seeds: str | None, said: str) -> None:
    with pytest.raises(CatalogError) as refused:
        catalog_of(tmp_path, csv, seeds)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("type_", "lossy", "exact"),
    [
        ("BIGINT", "2.0", "-2"),
        ("DATE", "2026-02-08 23:59:00", "2026-02-08"),
        ("DECIMAL(6, 2)", "0.305", "0.30"),
        ("DECIMAL", "0.3055", "0.305"),
        ("FLOAT", "1_0", "1e1"),
    ],
)
def test_a_value_that_its_type_would_change_is_refused(tmp_path: Path, type_: str, lossy: str, exact: str) -> None:
    seeds = SEEDS.replace("VARCHAR", type_)
    assert bind_problems(catalog_of(tmp_path, f"device_id,price,said\n1,,{exact}\n", seeds)) == []
    with pytest.raises(CatalogError, match=r"prices\.csv:2: said is .*, and its type .* is written as"):
        catalog_of(tmp_path, f"device_id,price,said\n1,,{lossy}\n", seeds)


def test_a_value_that_only_the_engine_refuses_is_named_with_its_line(tmp_path: Path) -> None:
    csv = 'device_id,price,said\n\n1,,"over\ntwo lines"\n\n99999999999,,\n'
    (problem,) = bind_problems(catalog_of(tmp_path, csv))
    assert str(problem).startswith("small/seeds/prices.csv:6: Conversion Error: Could not convert string '99999999999'")


def test_its_rows_are_checked_before_any_day_is_built(tmp_path: Path) -> None:
    twice, below = bind_problems(catalog_of(tmp_path, CSV + "1,,-0.5\n"))
    assert "1 row violates: no two rows of prices have the same device_id; device_id = 1, row_count = 2" in str(twice)
    assert "1 row violates: price of prices must be at or above 0; device_id = 1, price = -0.5" in str(below)
    only_warned = SEEDS.replace("min = 0", 'min = 0, severity = "warn"')
    assert bind_problems(catalog_of(tmp_path, CSV + "3,,-0.5\n", only_warned)) == []


def test_as_editors_and_spreadsheets_save_it(tmp_path: Path) -> None:
    plain = catalog_of(tmp_path / "plain").models["prices"]
    other = catalog_of(tmp_path / "other", "\ufeff" + CSV.replace("\n", "\r\n") + "\r\n\r\n").models["prices"]
    assert (other.sql, other.digest) == (plain.sql, plain.digest)


def test_a_long_one_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a statement that is taken apart and resolved, a thousand rows take a minute."""
    read: list[Path] = []
    monkeypatch.setattr(Statement, "resolve", lambda self, *_: read.append(self.path))
    rows = "".join(f"{number},{number}.5,\n" for number in range(1000))
    seed = catalog_of(tmp_path, f"device_id,price,said\n{rows}").models["prices"]
    assert seed.column_lineage == {"device_id": (), "price": (), "said": ()}
    assert seed.path not in read
