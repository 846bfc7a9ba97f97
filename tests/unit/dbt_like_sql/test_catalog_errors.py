"""What can be wrong with a folder of models: each kind is found, with file and line, and all of them at once."""

from pathlib import Path

import pytest

from dbt_like_sql.catalog import Catalog, CatalogError
from dbt_like_sql.declarations import suggestion
from tests.unit.dbt_like_sql.small_catalog import CHECK, GROWTH, MARTS, SOURCES, STAGING, TOTAL, write_catalog

Changes = dict[str, str | None]

MODELS = "models/staging/models.toml"
SQL = "models/staging/growth.sql"
RANGE = '{ accepted_range = "grown_kwh", min = 0 }'
RELATION = '{ relationships = "device_id", to = "readings", to_column = "device_id", where = { kind = "meter" } }'


def problems(folder: Path, changes: Changes) -> list[str]:
    with pytest.raises(CatalogError) as raised:
        Catalog.load(write_catalog(folder, changes))
    return [str(problem).removeprefix("small/") for problem in raised.value.problems]


def test_the_small_catalog_is_right_as_it_is(tmp_path: Path) -> None:
    assert set(Catalog.load(write_catalog(tmp_path)).models) == {"readings", "growth", "total"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {SQL: GROWTH.replace("GROUP BY device_id", "GROUP device_id")},
            f"{SQL}:14: syntax error near 'device_id' (Invalid expression / Unexpected token)",
            id="syntax",
        ),
        pytest.param(
            {SQL: GROWTH.replace("'day'", "'day")},
            f"{SQL}:7: a quote or comment begins here and does not end",
            id="open quote",
        ),
        pytest.param(
            {SQL: GROWTH.replace("FROM readings", "FROM reading")},
            f"{SQL}:6: reading does not exist; did you mean readings?",
            id="unknown reference",
        ),
        pytest.param(
            {SQL: GROWTH.replace("        kwh\n", "        kw\n").replace("(kwh)", "(kw)")},
            f"{SQL}:5: unknown column kw; did you mean kwh?",
            id="unknown column",
        ),
        pytest.param(
            {SQL: GROWTH.replace("        kwh\n", "        readings.kw AS kwh\n")},
            f"{SQL}:5: unknown column kw of readings; did you mean kwh?",
            id="unknown column of a dataset",
        ),
        pytest.param(
            {SQL: GROWTH.replace("min(kwh)", "min(of_day.energy)")},
            f"{SQL}:12: unknown column energy of of_day",
            id="unknown column of a CTE",
        ),
        pytest.param(
            {SQL: GROWTH.replace("FROM of_day", "FROM of_day CROSS JOIN of_day AS other")},
            f"{SQL}:11: column device_id is ambiguous: of_day and other have it",
            id="ambiguous column",
        ),
        pytest.param(
            {SQL: GROWTH.replace("    WHERE day = getvariable('day')\n", "")},
            f"{SQL}:6: readings is read for all days; add WHERE day = getvariable('day')",
            id="forgotten day",
        ),
        pytest.param(
            {SQL: GROWTH.replace("AS grown_kwh", "AS growth_kwh")},
            f"{SQL}:12: growth_kwh is not declared in small/{MODELS}:1; declare it; did you mean grown_kwh?",
            id="selected, not declared",
        ),
        pytest.param(
            {SQL: GROWTH.replace(",\n    max(kwh) - min(kwh) AS grown_kwh", "")},
            f"{MODELS}:13: grown_kwh is declared, but small/{SQL} does not select it",
            id="declared, not selected",
        ),
        pytest.param(
            {
                SQL: GROWTH.replace("        kwh\n", "        kwh,\n        day\n").replace(
                    "max(kwh)", "day,\n    max(kwh)"
                )
            },
            f"{SQL}:13: day is not declared in small/{MODELS}:1; it is the name of the file's folder: leave it out",
            id="selects the day",
        ),
        pytest.param(
            {SQL: GROWTH.replace(" AS grown_kwh", "")},
            f"{SQL}:12: column 2 of the SELECT has no name; add AS",
            id="column without a name",
        ),
        pytest.param(
            {SQL: GROWTH.replace("max(kwh) -", "min(kwh) AS device_id,\n    max(kwh) -")},
            f"{SQL}:12: two columns of the SELECT are called device_id",
            id="column twice",
        ),
        pytest.param(
            {SQL: GROWTH + ";\nSELECT 1\n"},
            f"{SQL}:16: a second statement begins here; a model is one SELECT",
            id="two statements",
        ),
        pytest.param(
            {SQL: "-- Not this.\nDELETE FROM readings\n"},
            f"{SQL}:2: DELETE is not a SELECT; a model is one SELECT",
            id="not a SELECT",
        ),
        pytest.param({SQL: "-- later\n"}, f"{SQL}:1: the file is empty; a model is one SELECT", id="no statement"),
        pytest.param(
            {SQL: None},
            f"{MODELS}:1: growth has no small/{SQL}",
            id="no SQL",
        ),
        pytest.param(
            {"models/staging/more/growth.sql": GROWTH},
            "models/staging/more/growth.sql:1: nothing reads this file: a model is models/LAYER/NAME.sql, "
            "a check checks/NAME.sql",
            id="a folder too deep",
        ),
        *(
            pytest.param(
                {file: "day = 2026-02-08\n"},
                f"{file}:1: nothing reads this file: declarations are in models/LAYER/models.toml, "
                "unit tests in NAME.test.toml beside NAME.sql",
                id=file,
            )
            for file in ("models/staging/growth.tests.toml", "models/marts/model.toml", "growth.test.toml")
        ),
        pytest.param(
            {"tariffs.csv": "a\n1\n"},
            "tariffs.csv:1: nothing reads this file: a seed is seeds/NAME.csv",
            id="a seed elsewhere",
        ),
        pytest.param(
            {"models/staging/growht.sql": GROWTH},
            f"models/staging/growht.sql:1: growht is not declared in small/{MODELS}; did you mean growth?",
            id="no declaration",
        ),
        pytest.param(
            {"models/marts/growth.sql": GROWTH},
            f"models/marts/growth.sql:1: growth is declared elsewhere, in small/{MODELS}:1",
            id="SQL in another folder",
        ),
        pytest.param(
            {"models/marts/models.toml": MARTS + STAGING},
            f"{MODELS}:1: growth is declared twice; first in small/models/marts/models.toml:8",
            id="declared twice",
        ),
        pytest.param(
            {SQL: GROWTH.replace("GROUP BY", "CROSS JOIN total AS t\nWHERE t.day = getvariable('day')\nGROUP BY")},
            f"{SQL}:14: a cycle: growth reads total reads growth",
            id="cycle",
        ),
        pytest.param(
            {SQL: GROWTH.replace("FROM readings", "FROM growth AS readings")},
            f"{SQL}:6: a cycle: growth reads growth",
            id="reads itself",
        ),
        pytest.param(
            {MODELS: STAGING.replace("grain =", "grian =")},
            f"{MODELS}:4: grian is no key of a model; did you mean grain?",
            id="bad key",
        ),
        pytest.param(
            {MODELS: STAGING.replace('owner = "analytics"\n', "")},
            f"{MODELS}:1: growth needs owner, a text",
            id="missing key",
        ),
        pytest.param(
            {MODELS: STAGING.replace('owner = "analytics"', "owner = 1")},
            f"{MODELS}:2: growth needs owner, a text",
            id="key of another type",
        ),
        pytest.param(
            {MODELS: STAGING.replace('key = ["device_id"]', 'key = ["devic_id"]')},
            f"{MODELS}:5: the key names devic_id, which is no column; did you mean device_id?",
            id="key names no column",
        ),
        pytest.param(
            {MODELS: STAGING.replace('type = "DOUBLE"', 'type = "DOUBLE5"')},
            f"{MODELS}:13: column grown_kwh: DOUBLE5 is no type of DuckDB",
            id="bad type",
        ),
        pytest.param(
            {MODELS: STAGING + 'Grown = { type = "DOUBLE", description = "Again." }\n'},
            f"{MODELS}:14: Grown is no name: it is lower case letters, digits and _ and begins with a letter",
            id="bad name",
        ),
        pytest.param(
            {"models/reports/models.toml": MARTS},
            "models/reports/models.toml:1: reports is no layer; folders are called staging, rollups, marts",
            id="unknown layer",
        ),
        pytest.param(
            {"models/sources.toml": None},
            "models/sources.toml:1: the file does not exist; it declares what the models read and do not make",
            id="no sources",
        ),
        pytest.param(
            {MODELS: STAGING.replace('type = "DOUBLE", ', "")},
            f'{MODELS}:13: column grown_kwh needs {{ type = "...", description = "..." }} and nothing else',
            id="column without a type",
        ),
        pytest.param(
            {MODELS: STAGING + 'day = { type = "DATE", description = "The day." }\n'},
            f"{MODELS}:14: day is the name of the file's folder and needs no declaration",
            id="declares the day",
        ),
        pytest.param(
            {MODELS: STAGING.replace('owner = "analytics"', "owner = analytics")},
            f"{MODELS}:2: not valid TOML: Invalid value (at line 2, column 9)",
            id="not TOML",
        ),
        pytest.param(
            {"models/sources.toml": SOURCES.replace('"export"', '"exports"')},
            "models/sources.toml:2: readings needs kind, one of export, polars, release",
            id="bad kind",
        ),
        *(
            pytest.param({"models/sources.toml": f"{SOURCES}[readings.computed_from]\n{line}\n"}, expected, id=line)
            for line, expected in [
                ('kwh = ["reading.kwh"]', "models/sources.toml:13: reading does not exist; did you mean readings?"),
                ('kwh = ["readings.kw"]', "models/sources.toml:13: unknown column kw of readings; did you mean kwh?"),
                ('kw = ["readings.kwh"]', "models/sources.toml:13: readings has no column kw; did you mean kwh?"),
                (
                    'kwh = "readings.kwh"',
                    'models/sources.toml:13: kwh needs a list of DATASET.COLUMN, e.g. ["meter_readings.kwh"]',
                ),
            ]
        ),
        pytest.param(
            {"models/sources.toml": SOURCES.replace('owner = "platform"', 'owner = "x"\ndepends_on = ["reading"]')},
            "models/sources.toml:1: readings depends on reading, which does not exist; did you mean readings?",
            id="source depends on nothing known",
        ),
        pytest.param(
            {MODELS: STAGING.replace("accepted_range =", "acepted_range =")},
            f"{MODELS}:8: growth: unknown check acepted_range; did you mean accepted_range?",
            id="unknown check",
        ),
        pytest.param(
            {MODELS: STAGING.replace("min = 0", "mni = 0")},
            f"{MODELS}:8: growth: accepted_range has no option mni; did you mean min?",
            id="unknown option of a check",
        ),
        pytest.param(
            {MODELS: STAGING.replace('accepted_range = "grown_kwh"', 'accepted_range = "grown_kw"')},
            f"{MODELS}:8: unknown column grown_kw of growth; did you mean grown_kwh?",
            id="check of an unknown column",
        ),
        pytest.param(
            {MODELS: STAGING.replace(RANGE, '{ relationships = "device_id", to = "readings" }')},
            f"{MODELS}:8: growth: relationships needs to and to_column: a dataset and its column",
            id="relationship without a column",
        ),
        pytest.param(
            {
                MODELS: STAGING.replace(
                    RANGE, '{ relationships = "device_id", to = "reading", to_column = "device_id" }'
                )
            },
            f"{MODELS}:8: reading does not exist; did you mean readings?",
            id="relationship to nothing",
        ),
        pytest.param(
            {
                MODELS: STAGING.replace(
                    RANGE, '{ row_count = 1 }, { relationships = "a", to = "total", to_column = "b" }'
                )
            },
            f"{MODELS}:8: a check of growth may read what that is made from, not total",
            id="relationship to what comes later",
        ),
        pytest.param(
            {MODELS: STAGING.replace(RANGE, RELATION)},
            f"{MODELS}:8: unknown column kind of growth",
            id="relationship where there is no column",
        ),
        pytest.param(
            {MODELS: STAGING.replace('"growth_is_known"', '"growth_is_know"')},
            f"{MODELS}:9: growth lists the check small/checks/growth_is_know.sql, which does not exist; "
            "did you mean growth_is_known?",
            id="check without a file",
        ),
        pytest.param(
            {MODELS: STAGING.replace('    { assert = "growth_is_known" },\n', "")},
            "checks/growth_is_known.sql:1: no dataset lists this check; "
            'add { assert = "growth_is_known" } to its checks',
            id="check that nobody lists",
        ),
        pytest.param(
            {"checks/growth_is_known.sql": CHECK.split("\n", 1)[1]},
            "checks/growth_is_known.sql:1: the first line is a comment that says in plain words what should hold",
            id="check without a sentence",
        ),
        pytest.param(
            {"checks/growth_is_known.sql": CHECK.replace("grown_kwh", "grown")},
            "checks/growth_is_known.sql:4: unknown column grown; did you mean grown_kwh?",
            id="unknown column in a check",
        ),
        pytest.param(
            {"checks/growth_is_known.sql": CHECK.replace("device_id", "grown_kwh").replace("growth\n", "total\n")},
            "checks/growth_is_known.sql:3: a check of growth may read what that is made from, not total",
            id="check that reads what comes later",
        ),
    ],
)
def test_it_names_file_and_line(tmp_path: Path, changes: Changes, expected: str) -> None:
    assert expected in problems(tmp_path, changes)


def test_all_problems_are_listed_and_not_only_the_first(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        {
            SQL: GROWTH.replace("FROM readings", "FROM reading"),
            "models/marts/total.sql": TOTAL.replace("grown_kwh)", "grown)"),
            "models/marts/models.toml": MARTS.replace("grain", "grian"),
        },
    )
    assert [problem.rsplit(":", 1)[0] for problem in found] == [
        "models/marts/models.toml:1",
        "models/marts/models.toml:4",
        "models/marts/total.sql:1",
        "models/staging/growth.sql:6",
    ]


@pytest.mark.parametrize(
    "check",
    [
        "{ not_null = 1 }",
        "{ unique = [] }",
        "{ row_count = true }",
        "{ row_count = -1 }",
        "{ accepted_range = 1 }",
    ],
)
def test_a_check_says_what_it_needs(tmp_path: Path, check: str) -> None:
    (found,) = problems(tmp_path, {MODELS: STAGING.replace(RANGE, check)})
    assert found.startswith(f"{MODELS}:8: growth: ")
    assert " needs a " in found


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ('accepted_range = "grown_kwh", min = nan', "min and max are numbers, neither nan nor inf"),
        ('accepted_range = "grown_kwh", max = inf', "min and max are numbers, neither nan nor inf"),
        ('accepted_range = "grown_kwh", min = 2, max = 1', "no value lies between 2 and 1; min is above max"),
        ('accepted_values = "grown_kwh", values = ["x"]', "accepted_values is for texts, and grown_kwh is declared as"),
    ],
)
def test_a_check_that_no_day_passes_is_refused(tmp_path: Path, check: str, said: str) -> None:
    (found,) = problems(tmp_path, {MODELS: STAGING.replace(RANGE, f"{{ {check} }}")})
    assert found.startswith(f"{MODELS}:8: growth: {said}")


@pytest.mark.parametrize("name", [SQL, MODELS])
def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_catalog(tmp_path, {name: None}) / name
    folder.mkdir(parents=True)
    with pytest.raises(CatalogError, match=f"{name}:1: the file cannot be read: Is a directory"):
        Catalog.load(tmp_path / "small")


def test_two_checks_of_one_name_are_one_too_many(tmp_path: Path) -> None:
    twice = STAGING.replace("min = 0 },", 'min = 0 },\n    { accepted_range = "grown_kwh", max = 9 },')
    assert problems(tmp_path, {MODELS: twice}) == [f"{MODELS}:9: growth lists the check accepted_range_grown_kwh twice"]


@pytest.mark.parametrize("name", [MODELS, SQL, "checks/growth_is_known.sql", "models/sources.toml"])
def test_a_byte_order_mark_is_skipped_and_another_encoding_is_named(tmp_path: Path, name: str) -> None:
    path = write_catalog(tmp_path) / name
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8-sig")
    assert set(Catalog.load(tmp_path / "small").models) == {"readings", "growth", "total"}

    comment = "# für" if name.endswith(".toml") else "-- für"
    path.write_text(f"{text}\n{comment}\n", encoding="latin-1")
    with pytest.raises(CatalogError) as raised:
        Catalog.load(tmp_path / "small")
    line = len(text.splitlines()) + 2
    not_utf8 = "this is not written in UTF-8; save the file as UTF-8"
    assert [str(problem) for problem in raised.value.problems] == [f"small/{name}:{line}: {not_utf8}"]


def test_a_name_is_never_suggested_for_itself() -> None:
    assert suggestion("vehicle_external_id", ["vehicle_external_id"]) == ""
    assert suggestion("Vehicle_External_Id", ["vehicle_external_id"]) == ""
    assert suggestion("vehicle_id", ["vehicle_ids"]) == "; did you mean vehicle_ids?"


def test_a_file_that_is_no_toml_hides_behind_nothing(tmp_path: Path) -> None:
    (only,) = problems(tmp_path, {MODELS: STAGING.replace('owner = "analytics"', "owner = analytics"), SQL: "SELECT"})
    assert only.startswith(f"{MODELS}:2: not valid TOML: ")


def test_a_column_that_is_no_column_is_found_where_a_check_names_it(tmp_path: Path) -> None:
    (only,) = problems(tmp_path, {MODELS: STAGING.replace('["grown_kwh"]', '["grow_kwh"]')})
    assert only == f"{MODELS}:7: unknown column grow_kwh of growth; did you mean grown_kwh?"
