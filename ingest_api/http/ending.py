"""Lets answers that have no end know that the server stops: it would wait for them, and then cut them off."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Ending:
    """Whether the server stops."""

    def __init__(self) -> None:
        self._has_begun = asyncio.Event()

    def begin(self) -> None:
        """It stops."""
        self._has_begun.set()

    async def unless(self, awaited: Coroutine[Any, Any, Result]) -> Result | None:
        """What is waited for, or ``None`` as soon as the server stops."""
        result = asyncio.ensure_future(awaited)
        ends = asyncio.ensure_future(self._has_begun.wait())
        try:
            await asyncio.wait({result, ends}, return_when=asyncio.FIRST_COMPLETED)
            return result.result() if result.done() and not ends.done() else None
        finally:
            for each in (result, ends):
                each.cancel()
