"""Seeds: a CSV is a model whose SELECT is its rows, each on the line that it has in the file."""

from pathlib import Path

import duckdb
import pytest

from dbt_like_sql.catalog import Catalog, CatalogError
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
        ('device_id,price,said\n1,2,"x\n', SEEDS, "small/seeds/prices.csv:1: not valid CSV: "),
        (None, SEEDS, "small/seeds/seeds.toml:1: prices has no small/seeds/prices.csv"),
        (CSV, None, "small/seeds/prices.csv:1: prices is not declared in small/seeds/seeds.toml"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, csv: str | None, seeds: str | None, said: str) -> None:
    with pytest.raises(CatalogError) as refused:
        catalog_of(tmp_path, csv, seeds)
    assert str(refused.value).startswith(said)


def test_a_value_of_another_type_is_named_with_its_line(tmp_path: Path) -> None:
    (problem,) = bind_problems(catalog_of(tmp_path, CSV + "3,,half\n"))
    assert str(problem).startswith("small/seeds/prices.csv:4: Conversion Error: Could not convert string 'half'")
