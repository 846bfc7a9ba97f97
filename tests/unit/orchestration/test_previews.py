"""What the page of a mart shows of it."""

from datetime import UTC, datetime

import polars as pl

from orchestration.assets.previews import ROWS, as_bars, as_table, foremost


def test_rows_are_a_table_in_markdown() -> None:
    rows = pl.DataFrame(
        {
            "vehicle": ["veh|1", None],
            "ratio": [0.85000001, 1.0],
            "since": [datetime(2026, 2, 8, 4, tzinfo=UTC), None],
            "flags": [["low", "late"], []],
        }
    )
    assert as_table(rows).splitlines() == [
        "| vehicle | ratio | since | flags |",
        "| --- | --- | --- | --- |",
        "| veh\\|1 | 0.85 | 2026-02-08 04:00:00Z | low, late |",
        "|  | 1 |  |  |",
    ]


def test_no_rows_are_said() -> None:
    assert as_table(pl.DataFrame({"vehicle": []})) == "no rows"


def test_bars_are_as_long_as_their_bins_are_full_and_nobody_is_no_bar() -> None:
    bins = pl.DataFrame({"from_ratio": [None, 0.8, 1.0], "to_ratio": [0.0, 0.85, None], "vehicle_count": [0, 200, 1]})
    _, below, full, above, _ = as_bars(bins).splitlines()
    assert below == "below .. 0.00    0"
    assert (full.count("█"), full.rpartition(" ")[2]) == (40, "200")
    assert above.count("█") == 1
    assert as_bars(bins.with_columns(vehicle_count=0)).count("█") == 0


def test_findings_are_shown_by_their_money_and_others_as_they_lie() -> None:
    costs = [0.0, None, 3.0, 20.0, *[1.0] * ROWS]
    rows = pl.LazyFrame({"cost_per_month": costs})
    assert foremost(rows, "findings")["cost_per_month"].to_list() == [20.0, 3.0, *[1.0] * (ROWS - 2)]
    assert foremost(rows, "daily_vehicle_costs")["cost_per_month"].to_list() == costs[:ROWS]
