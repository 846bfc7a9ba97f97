"""What was asked and how it was answered: one row a request, kept so that millions of them fit."""

import time
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from tests.faults.connection import Answer, ConnectionLostError, NoAnswerError, NotConnectedError

NOT_CONNECTED, LOST, SILENT = 0, -1, -2
"""Instead of a status: nobody listened, the connection broke, no answer within the patience."""

clock = time.monotonic


class Attempts:
    """Written by the thread of the load, read by the one that hurts the product."""

    def __init__(self) -> None:
        self._sent_at = array("d")
        self._seconds = array("d")
        self._statuses = array("h")
        self.retry_after: Counter[bytes] = Counter()
        """What came as ``Retry-After`` with 429 and 503; empty where it was missing."""

    def add(self, sent_at: float, result: Answer | NoAnswerError) -> None:
        """Add one that has come to its end now."""
        if isinstance(result, Answer):
            status = result.status
            if status in (429, 503):
                self.retry_after[result.retry_after] += 1
        elif isinstance(result, NotConnectedError):
            status = NOT_CONNECTED
        else:
            status = LOST if isinstance(result, ConnectionLostError) else SILENT
        self._seconds.append(clock() - sent_at)
        self._statuses.append(status)
        self._sent_at.append(sent_at)  # last: whoever reads meanwhile goes by this column's length

    def __len__(self) -> int:
        return len(self._sent_at)

    def between(self, start: float, end: float = float("inf")) -> "AttemptsSeen":
        """Those sent from ``start`` up to ``end``, by ``clock``."""
        return self.within([(start, end)])

    def within(self, periods: Sequence[tuple[float, float]]) -> "AttemptsSeen":
        """Those sent in one of these periods."""
        rows = len(self)
        sent_at = np.array(self._sent_at[:rows])
        chosen = np.zeros(rows, dtype=bool)
        for start, end in periods:
            chosen |= (sent_at >= start) & (sent_at < end)
        return AttemptsSeen(
            sent_at[chosen], np.array(self._seconds[:rows])[chosen], np.array(self._statuses[:rows])[chosen]
        )


class AttemptsSeen:
    """Some of them, as they were at one moment."""

    def __init__(
        self, sent_at: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64], statuses: npt.NDArray[np.int16]
    ) -> None:
        self.sent_at = sent_at
        self.seconds = seconds
        self.statuses = statuses

    def __len__(self) -> int:
        return len(self.sent_at)

    def of(self, *statuses: int) -> Self:
        """Those that ended so."""
        return self._chosen(np.isin(self.statuses, statuses))

    def ended_after(self, moment: float) -> Self:
        """Those that ended after it."""
        return self._chosen(self.sent_at + self.seconds > moment)

    def counts(self) -> dict[int, int]:
        """How many ended how."""
        values, counts = np.unique(self.statuses, return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    @property
    def slowest_s(self) -> float:
        """The longest that anyone waited; 0 where nobody did."""
        return float(self.seconds.max()) if len(self) else 0.0

    @property
    def p99_s(self) -> float:
        """What one of a hundred waited longer than."""
        return float(np.percentile(self.seconds, 99)) if len(self) else 0.0

    @property
    def typical_p99_s(self) -> float:
        """The median of p99 over windows of two seconds: one that a neighbour on the machine took is left out."""
        windows = (self.sent_at // 2).astype(np.int64)
        return float(np.median([self._chosen(windows == window).p99_s for window in np.unique(windows)]))

    @property
    def first_ended_at(self) -> float:
        """When the first of them ended; infinite where none did."""
        return float((self.sent_at + self.seconds).min()) if len(self) else float("inf")

    def _chosen(self, rows: npt.NDArray[np.bool_]) -> Self:
        return type(self)(self.sent_at[rows], self.seconds[rows], self.statuses[rows])
