"""Exposures: declared, checked as a whole, and true of what exists."""

import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from dbt_like_sql.catalog import Catalog, CatalogError
from dbt_like_sql.declared_keys import EXPOSURE
from dbt_like_sql.declared_tables import TableFile
from dbt_like_sql.json_schema import schemas
from dbt_like_sql.selection import select
from tests.unit.dbt_like_sql.small_catalog import write_catalog

KEYS = {
    "kind": '"api"',
    "owner": '"team"',
    "description": '"An answer."',
    "where": '"GET /answer"',
    "reads": '["total"]',
    "reads_tables": '["meters"]',
}
VALUES = [
    "true",
    "0",
    '""',
    '" "',
    '["meters", "metres"]',
    '"x"',
    '"api"',
    "[]",
    '["x"]',
    '["total"]',
    "[1]",
    "{}",
    "1970-01-01",
]
VALIDATOR = Draft7Validator(schemas()["exposures.schema.json"])


def an_exposure(**changes: str | None) -> str:
    said = {**KEYS, **changes}
    return "\n".join(["[answer]", *(f"{key} = {value}" for key, value in said.items() if value is not None)])


def loaded(folder: Path, text: str) -> Catalog:
    return Catalog.load(write_catalog(folder, {"models/exposures.toml": text}))


def problems(folder: Path, text: str) -> list[str]:
    try:
        loaded(folder, text)
    except CatalogError as error:
        return [str(problem) for problem in error.problems]
    return []


def is_by_the_schema(text: str) -> bool:
    return not list(VALIDATOR.iter_errors(tomllib.loads(text)))


def test_an_exposure_is_what_it_is_declared(tmp_path: Path) -> None:
    catalog = loaded(tmp_path, an_exposure(reads='["total", "layer:staging"]'))
    exposure = catalog.exposures["answer"]
    assert (exposure.kind, exposure.owner, exposure.where) == ("api", "team", "GET /answer")
    assert set(exposure.reads) == {"growth", "total"}
    assert exposure.reads_tables == ("meters",)
    assert catalog.exposed_by("growth") == (exposure,)
    assert catalog.exposed_by("readings") == ()
    assert select(catalog, ["1+exposure:answer"], set) == ("readings", "growth", "total")


def test_a_catalog_needs_none(tmp_path: Path) -> None:
    assert not Catalog.load(write_catalog(tmp_path)).exposures


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            an_exposure(reads='["totl"]'),
            "exposures.toml:6: answer reads totl, which does not exist; did you mean total?",
        ),
        (
            an_exposure(reads='["layer:mart"]'),
            "answer reads layer:mart, which does not exist; did you mean layer:marts?",
        ),
        (an_exposure(reads=None, reads_tables=None), "exposures.toml:1: answer reads nothing; name datasets in reads"),
        (an_exposure(kind='"dashboard"'), "exposures.toml:2: answer needs kind, one of api, report, files"),
        (an_exposure(owner=None), "exposures.toml:1: answer needs owner, a text"),
        (an_exposure(owner='"  "'), "exposures.toml:3: answer needs owner, a text"),
        (
            an_exposure(reads_tables='["meters", "metres"]'),
            "exposures.toml:7: answer needs reads_tables, of device_hourly, meter_readings, meters, vehicle_meter_map, "
            "vehicle_readings, vehicles, and not metres; did you mean meters?",
        ),
        (an_exposure(ownr='"x"'), "exposures.toml:8: ownr is no key of this exposure; did you mean owner?"),
        (an_exposure().replace("[answer]", "[Answer]"), "exposures.toml:1: Answer is no name"),
        ("answer = 1", "exposures.toml:1: answer is not a table; begin with [name of the exposure]"),
        ("[answer\n", "exposures.toml:1: not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert said in problem


def test_editors_and_the_loader_ask_for_the_same(tmp_path: Path) -> None:
    differing = []
    for key in EXPOSURE:
        for value in [*VALUES, None]:
            text = an_exposure(**{key: value})
            file = TableFile("exposure", EXPOSURE, Path("exposures.toml"))
            (tmp_path / "exposures.toml").write_text(text, encoding="utf-8")
            file.read(tmp_path / "exposures.toml")
            if is_by_the_schema(text) == bool(file.problems):
                differing.append(f"{key} = {value}")
    assert not differing


def test_what_is_declared_is_there() -> None:
    """Of the real ones: each route of the API is served, and each table is read by a statement or exported."""
    root = Path(__file__).parents[3] / "ingest_api" / "analytics"
    code = "\n".join(path.read_text(encoding="utf-8") for path in root.rglob("*") if path.suffix in (".sql", ".py"))
    for exposure in Catalog.load().exposures.values():
        for name in exposure.reads_tables:
            assert re.search(rf"\b{name}\b|\bStream\.{name.upper()}\b", code), name
        if exposure.kind == "api":
            route = exposure.where.removeprefix("GET /v1/analytics").partition("/{")[0]
            assert re.search(rf'\.get\(\s*"{route}["/]', code), route
