"""The points of a series: how far apart they are, and that there are never too many."""

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ingest_api.analytics.encoded_readings import microseconds
from warehouse.contract.errors import InvalidRequestError

MOST_POINTS = 2000
LEAST_STEP_S, MOST_STEP_S = 60, 3600
DEFAULT_SPAN = timedelta(hours=24)
_STEPS_S = (LEAST_STEP_S, 300, 900, 1800, MOST_STEP_S)
"""Of which the first is taken that needs no more points than may be."""
_SECOND_US = 1_000_000


class Grid(NamedTuple):
    """Points number 0 to ``points - 1``; each stands for ``step_s`` seconds from its instant on."""

    start: datetime
    step_s: int
    points: int

    @property
    def end(self) -> datetime:
        """Where the last point's time ends."""
        return self.start + timedelta(seconds=self.step_s * self.points)

    @property
    def edges_us(self) -> npt.NDArray[np.int64]:
        """Where each point begins, and the last one ends; microseconds since PostgreSQL's epoch."""
        return microseconds(self.start) + np.arange(self.points + 1, dtype=np.int64) * (self.step_s * _SECOND_US)


def grid_of(since: datetime | None, until: datetime | None, step_s: int | None, now: datetime) -> Grid:
    """The points of ``[since, until)``; by default those of the 24 hours up to now. Cut to whole steps since 1970.

    Raises:
        InvalidRequestError: the span is empty, or has too many points.
    """
    end = until or now
    start = since or end - DEFAULT_SPAN
    if start >= end:
        raise InvalidRequestError("from does not lie before to; ask for a span that ends after it begins")
    step_s = step_s or next((each for each in _STEPS_S if _points(start, end, each) <= MOST_POINTS), MOST_STEP_S)
    points = _points(start, end, step_s)
    if points > MOST_POINTS:
        least_s = math.ceil((end - start).total_seconds() / (MOST_POINTS - 1))
        instead = f"a step of {least_s} s or more" if least_s <= MOST_STEP_S else f"{MOST_POINTS - 1} hours or less"
        raise InvalidRequestError(
            f"that would be {points} points, a step of {step_s} s apart, and at most {MOST_POINTS} are given; "
            f"ask for {instead}"
        )
    return Grid(datetime.fromtimestamp(start.timestamp() // step_s * step_s, UTC), step_s, points)


def _points(start: datetime, end: datetime, step_s: int) -> int:
    return math.ceil(end.timestamp() / step_s) - math.floor(start.timestamp() / step_s)
