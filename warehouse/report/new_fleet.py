"""Why nothing is found yet, and from when on it can be: how many charges pairs have, and how many they need."""

from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from warehouse.losses.settings import SETTINGS, LossSettings


class Readiness(NamedTuple):
    """How many pairs of vehicle and charger can be compared with their own past."""

    pair_count: int
    ready_count: int
    needed: int
    """Charges that a pair needs."""
    half_ready_on: date | None
    """When half of the pairs can be compared, as they charge now; ``None``: they can, or nothing can be said."""


def readiness(pairs: pl.DataFrame, last: date, settings: LossSettings = SETTINGS) -> Readiness:
    """``pairs``: session_count and first_day of each, as of ``last``."""
    needed = settings.least_older_sessions + min(settings.windows)
    ready = pairs.filter(pl.col("session_count") >= needed).height
    half = None
    if 2 * ready < pairs.height:
        days = (pl.lit(last) - pl.col("first_day")).dt.total_days() + 1
        to_wait = (needed - pl.col("session_count")) * days / pl.col("session_count")
        wait = pairs.select(to_wait.clip(0).median().ceil()).item()
        half = last + timedelta(days=int(wait))
    return Readiness(pairs.height, ready, needed, half)
