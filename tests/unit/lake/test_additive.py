"""Amounts may be summed over the rows of a day; prices, registers, settings, ratios and means may not."""

import pytest

from warehouse.lake.additive import is_additive


@pytest.mark.parametrize("column", ["ac_kwh", "reset_count", "gap_minutes", "lost_cost", "lost_against_target_kwh"])
def test_amounts_may_be_summed(column: str) -> None:
    assert is_additive(column)


@pytest.mark.parametrize(
    "column",
    ["price_per_kwh", "before_kwh", "register_kwh", "resolution_kwh", "efficiency_ratio", "mean_battery_temp_celsius"],
)
def test_prices_registers_and_means_may_not(column: str) -> None:
    assert not is_additive(column)
