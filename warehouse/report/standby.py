"""What meters count between charges."""

from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup

from warehouse.counted import counted
from warehouse.report import words
from warehouse.report.charts import Value, draw_bars
from warehouse.report.repairs import FIRST
from warehouse.report.tables import Table, table_of

WATTS = (0.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0)
"""Where the bars of the picture begin; the last one has no end."""


class Standby(NamedTuple):
    """The meters that had idle time in the period."""

    meter_count: int
    total: str
    median: str
    picture: Markup | None
    table: Table


def standby(found: pl.DataFrame) -> Standby:
    """``found``: as ``list_standby.sql`` has it, the largest power first."""
    rows: list[dict[str, Any]] = [
        {
            "who": words.device(each["meter_external_id"], each["meter_name"]),
            "watts": f"{each['idle_watts']:.1f} W",
            "hours": f"{each['idle_hours']:,.0f} h",
            "kwh": words.kwh(each["idle_kwh"]),
        }
        for each in found.iter_rows(named=True)
    ]
    watts = found["idle_watts"]
    median = "" if found.is_empty() else f"{watts.to_frame().select(pl.all().median()).item():.1f} W"
    picture = None if found.is_empty() else _spread(watts)
    return Standby(found.height, words.kwh(float(found["idle_kwh"].sum())), median, picture, table_of(rows, FIRST))


def _spread(watts: pl.Series) -> Markup:
    bars = []
    for low, high in zip(WATTS, (*WATTS[1:], None), strict=True):
        # A register that was put right may have gone back while nothing charged.
        inside = (watts >= low) | (low == WATTS[0])
        count = int((inside if high is None else inside & (watts < high)).sum())
        name = f"{low:g}+" if high is None else f"{low:g} to {high:g}" if low else f"to {high:g}"
        bars.append(Value(name, float(count), f"{name} W: {counted(count, 'meter')}"))
    return draw_bars("Meters by their mean power between charges, W", bars)
