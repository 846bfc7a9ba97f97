"""The severity of a check: what fails stops what depends on its dataset, unless it is declared as a warning."""

from pathlib import Path

import pytest

from dbt_like_sql.catalog import Catalog, CatalogError, Check
from tests.unit.dbt_like_sql.small_catalog import STAGING, write_catalog


def checks_of(folder: Path, *entries: str) -> dict[str, Check]:
    before, _, after = STAGING.partition("checks = [\n")
    columns = after[after.index("[growth.columns]") :]
    staging = f"{before}checks = [\n{''.join(f'    {each},{chr(10)}' for each in entries)}]\n{columns}"
    catalog = Catalog.load(write_catalog(folder, {"models/staging/models.toml": staging}))
    return {check.name: check for check in catalog.models["growth"].checks}


WRITTEN = '{ assert = "growth_is_known" }'


def test_a_check_blocks_unless_it_says_that_it_warns(tmp_path: Path) -> None:
    checks = checks_of(
        tmp_path,
        '{ accepted_range = "grown_kwh", min = 0, severity = "warn" }',
        '{ unique = ["grown_kwh"], severity = "error" }',
        '{ assert = "growth_is_known", severity = "warn" }',
    )
    assert {name: check.is_blocking for name, check in checks.items()} == {
        "not_null": True,
        "unique_key": True,
        "accepted_range_grown_kwh": False,
        "unique_grown_kwh": True,
        "growth_is_known": False,
    }


def test_a_null_that_only_warns_is_a_check_of_its_own(tmp_path: Path) -> None:
    checks = checks_of(tmp_path, '{ not_null = ["grown_kwh"], severity = "warn" }', WRITTEN)
    assert "grown_kwh" not in checks["not_null"].sql
    warning = checks["not_null_grown_kwh"]
    assert (warning.is_blocking, warning.description) == (False, "grown_kwh of growth is never null")
    assert warning.sql.endswith("AND (grown_kwh IS NULL)")
    blocking = checks_of(tmp_path, '{ not_null = ["grown_kwh"], severity = "error" }', WRITTEN)
    assert "grown_kwh IS NULL" in blocking["not_null"].sql
    assert "not_null_grown_kwh" not in blocking


@pytest.mark.parametrize("severity", ['"info"', "true", "1"])
def test_another_severity_is_refused(tmp_path: Path, severity: str) -> None:
    with pytest.raises(CatalogError) as refused:
        checks_of(tmp_path, f'{{ accepted_range = "grown_kwh", min = 0, severity = {severity} }}', WRITTEN)
    assert "growth: severity is one of warn, error" in str(refused.value)
