"""The day with which Dagster's partitions begin, as it is noted for the code that is loaded next."""

from datetime import date
from pathlib import Path

import pytest

from orchestration.dagster_runtime.first_partition import (
    ReloadError,
    first_partition,
    note_first_partition,
    reload_code,
)
from warehouse.contract.errors import HomeError
from warehouse.settings import FleetSettings

FLOOR = date(2024, 1, 1)


@pytest.fixture
def settings(tmp_path: Path) -> FleetSettings:
    (tmp_path / "dagster").mkdir()
    return FleetSettings(_env_file=None, home=tmp_path, first_day=FLOOR)


def test_before_anything_is_noted_it_is_the_first_that_the_warehouse_may_know(settings: FleetSettings) -> None:
    assert first_partition(settings) == FLOOR


@pytest.mark.parametrize("day", [date(2024, 2, 29), FLOOR])
def test_it_is_what_was_noted(settings: FleetSettings, day: date) -> None:
    note_first_partition(settings, date(2025, 1, 1))
    note_first_partition(settings, day)
    assert first_partition(settings) == day


def test_it_is_not_before_the_first_that_the_warehouse_may_know(settings: FleetSettings) -> None:
    note_first_partition(settings, date(2023, 12, 31))
    assert first_partition(settings) == FLOOR


@pytest.mark.parametrize("text", ["", "soon", "2024-02-30", "\xff"])
def test_a_file_that_holds_no_day_says_what_to_do(settings: FleetSettings, text: str) -> None:
    (settings.home / "dagster" / "first-partition").write_text(text)
    with pytest.raises(HomeError, match="first-partition should hold a day; remove it"):
        first_partition(settings)


def test_a_code_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReloadError):
        reload_code(tmp_path / "code.sock")
