"""Validates large doubtful bodies in slices: whatever else the event loop has to do is done in between.

To validate ten thousand items one by one takes a tenth of a second. No single reading should have to wait for that.
"""

import asyncio
import time

from warehouse.decoding.telemetry import Steps, Telemetry

SLICE_S = 0.005
"""A single reading goes through the loop some five times until it is answered, and waits for a slice each time."""


class SlicedValidation:
    """One large body is validated at a time: slices of several would add up, and so would what they have decoded."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def validate(self, steps: Steps) -> Telemetry:
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
    """Raises StopIteration with the body when all of it is validated."""
    until = time.monotonic() + SLICE_S
    while time.monotonic() < until:
        next(steps)
