"""What is found in the days of the history: each finding is told once, when it opens, and what the open ones cost."""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.counted import counted

DATASET = "findings"
PASSING = (Rule.SILENCE,)
"""A device that was silent for a while is back: there is nothing to look into."""


@dataclass
class Findings:
    """Those of days that are looked at one after the other."""

    _kinds: dict[str, str] = field(default_factory=dict)
    _costs: str = ""

    @property
    def so_far(self) -> str:
        """How many there were, and what those cost that are open now."""
        kinds = list(self._kinds.values())
        losses = counted(kinds.count("loss"), "loss", "losses")
        return (
            f"{losses} and {counted(kinds.count('data'), 'fault of the data', 'faults of the data')} found{self._costs}"
        )

    def new(self, day: date, rows: pl.DataFrame) -> list[str]:
        """A line for each that is open on a day and was on none before it. ``rows``: of ``DATASET`` on the day."""
        rows = rows.filter(pl.col("state") == "open", ~pl.col("rule").is_in(PASSING))
        self._costs = _costs(rows)
        lines = []
        for row in rows.filter(~pl.col("finding_id").is_in(list(self._kinds))).iter_rows(named=True):
            self._kinds[row["finding_id"]] = row["kind"]
            lines.append(f"found on {day} ({row['rule']}): {row['subject']}: {row['detail']}")
        return lines


def _costs(rows: pl.DataFrame) -> str:
    """What open findings cost in a month; nothing where that is not known."""
    costs = rows.drop_nulls("cost_per_month").group_by("currency").agg(pl.col("cost_per_month").sum()).sort("currency")
    told = " and ".join(f"{cost:,.2f} {currency}" for currency, cost in costs.iter_rows())
    return f", the open ones cost {told} a month" if told else ""
