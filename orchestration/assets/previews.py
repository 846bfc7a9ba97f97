"""What is made of readings looks like, for whoever has its asset's page open: its first rows; of ratios, bars."""

from datetime import date, datetime
from typing import Any

import dagster as dg
import polars as pl

from dbt_like_sql.catalog import Model
from warehouse.lifecycle.daily_pipeline import DailyPipeline

ROWS = 10
PREVIEWED = ("rollups", "marts")
WIDEST_BAR = 40
PLOTTED = "efficiency_distribution"
FOREMOST = {"findings": "cost_per_month"}
"""Of which mart the rows with the most of what are shown; of others the first of the file."""


def preview(model: Model, pipeline: DailyPipeline, day: date) -> dict[str, dg.MetadataValue[Any]]:
    """Metadata of a day of a rollup or mart. Of what is only read there is none: ten readings say little."""
    if model.layer not in PREVIEWED:
        return {}
    rows = pl.scan_parquet(pipeline.verified(model.name, day), hive_partitioning=False)
    shown: dict[str, dg.MetadataValue[Any]] = {"preview": dg.MetadataValue.md(as_table(foremost(rows, model.name)))}
    if model.name == PLOTTED:
        shown["plot"] = dg.MetadataValue.md(as_bars(rows.sort("bin").collect()))
    return shown


def foremost(rows: pl.LazyFrame, name: str) -> pl.DataFrame:
    """The rows of a dataset that are shown."""
    if name in FOREMOST:
        rows = rows.sort(FOREMOST[name], descending=True, nulls_last=True, maintain_order=True)
    return rows.head(ROWS).collect()


def as_table(rows: pl.DataFrame) -> str:
    """Rows as a table in markdown."""
    if rows.is_empty():
        return "no rows"
    lines = [rows.columns, ["---"] * rows.width, *([_shown(value) for value in row] for row in rows.iter_rows())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def as_bars(bins: pl.DataFrame) -> str:
    """Vehicles by ratio, a bin a line, in a font of one width."""
    most = max(1, *bins["vehicle_count"])
    lines = []
    for from_ratio, to_ratio, vehicles in bins.select("from_ratio", "to_ratio", "vehicle_count").iter_rows():
        begin = "below" if from_ratio is None else f"{from_ratio:.2f}"
        end = "above" if to_ratio is None else f"{to_ratio:.2f}"
        lines.append(f"{begin:>5} .. {end:<5}  {'█' * -(-vehicles * WIDEST_BAR // most)} {vehicles}")
    return "\n".join(["```", *lines, "```"])


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:.4f}".rstrip("0").rstrip(".")
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case list():
            return ", ".join(map(_shown, value))
        case _:
            return str(value).replace("|", "\\|")
