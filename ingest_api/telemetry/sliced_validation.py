"""Judges large doubtful bodies in slices: whatever else the loop has to do is done in between.

Of one that is judged item by item, ten thousand items take a tenth of a second. So long no single reading should wait.
"""

import asyncio
import time

from warehouse.decoding.telemetry import Steps, Telemetry

SLICE_S = 0.005
"""A single reading goes through the loop some five times until it is answered, and waits for a slice each time."""


class Judging:
    """One large body is judged at a time: slices of several would add up, and so would what they have decoded."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def judge(self, steps: Steps) -> Telemetry:
        """Take all the steps; where the first is the only one, as nearly always, at once.

        Raises what the steps raise.
        """
        try:
            next(steps)
            async with self._turn:
                while True:
                    await asyncio.sleep(0)
                    _take_a_slice(steps)
        except StopIteration as end:
            telemetry: Telemetry = end.value
            return telemetry


def _take_a_slice(steps: Steps) -> None:
    """Raises StopIteration with the body where it is judged to its end."""
    until = time.monotonic() + SLICE_S
    while time.monotonic() < until:
        next(steps)
