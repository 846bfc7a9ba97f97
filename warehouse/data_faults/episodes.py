"""What becomes of a fault from day to day: it opens once, stays open, closes, and is the same one if it comes back."""

from datetime import date, timedelta

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.data_faults.schemas import DATA_FAULTS
from warehouse.data_faults.settings import SETTINGS, FaultSettings

KEY = ["rule", "subject"]
FROZEN_AT_ONSET = ("onset_after", "onset_at")
"""What stays as it was when the fault opened, if it was known then; a silence tells of the last one."""


def with_state(
    found: pl.DataFrame, before: pl.DataFrame, day: date, settings: FaultSettings = SETTINGS
) -> pl.DataFrame:
    """``data_faults`` of a day: what was found on it (columns ``FOUND``), and what closed within the last 14 days.

    ``before``: the rows of the day before. ``state`` is opened on a fault's first day, then open; closed from the first
    day on which it is not found any more, with what was last known. Found again within 14 days it is reopened: the
    same one.
    """
    known = before.select(
        *KEY, was="state", began_on="opened_on", **{f"known_{name}": pl.col(name) for name in FROZEN_AT_ONSET}
    )
    state = (
        pl.when(pl.col("was").is_null())
        .then(pl.lit("opened"))
        .when(pl.col("was") == "closed")
        .then(pl.lit("reopened"))
        .otherwise(pl.lit("open"))
    )
    current = (
        found.unique(KEY, keep="first", maintain_order=True)
        .join(known, on=KEY, how="left")
        .with_columns(
            state=state,
            opened_on=pl.coalesce("began_on", pl.lit(day)),
            closed_on=pl.lit(None, pl.Date),
            rule_version=pl.lit(settings.version),
            **{
                name: pl.when(pl.col("rule") == Rule.SILENCE.value)
                .then(name)
                .otherwise(pl.coalesce(f"known_{name}", name))
                for name in FROZEN_AT_ONSET
            },
        )
        .select(DATA_FAULTS.names())
        .cast(DATA_FAULTS)
    )
    forgotten = day - timedelta(days=settings.forgotten_after_days)
    gone = (
        before.join(current, on=KEY, how="anti")
        .with_columns(closed_on=pl.coalesce("closed_on", pl.lit(day)), state=pl.lit("closed"))
        .filter(pl.col("closed_on") > forgotten)
        .select(DATA_FAULTS.names())
    )
    return pl.concat([current, gone]).sort("rule", "subject", descending=[True, False])
