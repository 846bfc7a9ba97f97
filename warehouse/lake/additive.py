"""Which numbers may be summed over the rows of a day. Columns say their unit in their name, and that is what tells."""

_AMOUNTS = ("_kwh", "_count", "_minutes", "_cost")
"""What the name of an amount ends in. Ratios, temperatures and means have other ends."""
_NO_AMOUNTS = frozenset({"before_kwh", "register_kwh", "resolution_kwh", "rollover_kwh", "max_reset_kwh"})
"""Registers and settings, which are in kWh too."""


def is_additive(column: str) -> bool:
    """Whether the sum of a column's values means something; ``price_per_kwh`` is a price and no energy."""
    return column.endswith(_AMOUNTS) and "_per_" not in column and column not in _NO_AMOUNTS
