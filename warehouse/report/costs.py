"""What the period cost: in sentences, and as pictures by day."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
from markupsafe import Markup

from warehouse.counted import counted
from warehouse.report import words
from warehouse.report.charts import Value, draw_bars
from warehouse.report.period import Period

_TO_COMPARE = 2
"""A picture of one bar says less than the figure."""


def costs(fleet_days: pl.DataFrame) -> list[str]:
    """What the energy of the period cost, a sentence a currency, and for how many days no price is known."""
    ac, idle, price = pl.col("metered_ac_kwh"), pl.col("idle_kwh"), pl.col("price_per_kwh")
    priced = fleet_days.filter(price.is_not_null())
    by_currency = priced.group_by("currency", maintain_order=True).agg(
        cost=(ac * price).sum(), idle=(idle * price).sum(), least=price.min(), most=price.max()
    )
    said = []
    for row in by_currency.iter_rows(named=True):
        currency = row["currency"]
        least, most = words.price(row["least"]), words.price(row["most"])
        said.append(
            f"All that was metered cost {words.money(row['cost'], currency)}, at "
            f"{least if least == most else f'{least} to {most}'} {currency} a kWh; "
            f"{words.money(row['idle'], currency)} of it flowed between charges."
        )
    without = fleet_days.height - priced.height
    if without:
        said.append(
            f"For {counted(without, 'day')} no price is known, and kWh are all that can be told. Prices are the rows "
            "of the dataset tariffs."
        )
    return said


def trend(losses_by_day: pl.DataFrame, last: date) -> Markup | None:
    """What the open losses of each day cost in a month; ``None`` without any.

    What they lose, in kWh, where the costs of all days cannot be compared: of one the price is not known, nothing costs
    anything, or there are several currencies.
    """
    costing = losses_by_day.filter(pl.col("kwh_per_month").is_not_null())
    is_priced = costing["cost_per_month"].null_count() == 0 and costing["currency"].n_unique() == 1
    costs_something = is_priced and bool(costing["cost_per_month"].sum())
    column = "cost_per_month" if costs_something else "kwh_per_month"
    if not losses_by_day[column].sum():
        return None
    unit = str(losses_by_day["currency"].drop_nulls().last()) if costs_something else "kWh"
    known = _by_day(losses_by_day)
    values = []
    for day in _days(min(known), last):
        row = known.get(day)
        value = None if row is None else row[column] or 0.0
        said = "not in the lake" if row is None else f"{value:,.1f} {unit}, {row['finding_count'] or 0} open"
        values.append(Value(words.short_day(day), value, f"{words.day(day)}: {said}"))
    return draw_bars(f"A month of what was open on each day, {unit}", values)


def energy(fleet_days: pl.DataFrame, period: Period) -> Markup | None:
    """AC by day, and how much of it reached the batteries; ``None`` for a single day."""
    known = _by_day(fleet_days)
    if len(known) < _TO_COMPARE:
        return None
    values = []
    for day in _days(period.first, period.last):
        row = known.get(day)
        if row is None:
            values.append(Value(words.short_day(day), None, f"{words.day(day)}: not in the lake"))
            continue
        ac, dc = row["metered_ac_kwh"], row["delivered_dc_kwh"]
        said = f"{words.day(day)}: {words.kwh(ac)} metered, {words.kwh(dc)} reached the batteries"
        values.append(Value(words.short_day(day), ac, said, min(ac, dc)))
    return draw_bars("Metered on each day, kWh; the lower part reached the batteries", values)


def _by_day(frame: pl.DataFrame) -> Mapping[date, Mapping[str, Any]]:
    return {row["day"]: row for row in frame.iter_rows(named=True)}


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
