"""Load that goes on in a thread of its own while the main thread hurts the product."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvloop

Work = Callable[[threading.Event], Awaitable[object]]
"""Works until the event is set, then ends what it has begun."""

ENDS_WITHIN_S = 60.0


@contextmanager
def in_background(work: Work) -> Iterator[None]:
    """Run this in an event loop of its own until the end of the block, which raises what went wrong there."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_awaited(work(stop)))
        except BaseException as error:  # raised again by the thread that waits for us
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(ENDS_WITHIN_S)
    if errors:
        raise errors[0]
    if thread.is_alive():
        raise RuntimeError(f"the load did not end within {ENDS_WITHIN_S:g} s")


async def sleep_unless(stop: threading.Event, seconds: float) -> None:
    """Sleep, but no longer than until the load is to end."""
    loop = asyncio.get_running_loop()
    wake_at = loop.time() + seconds
    while not stop.is_set() and (left := wake_at - loop.time()) > 0:  # noqa: ASYNC110 - another thread sets it
        await asyncio.sleep(min(left, 0.1))


async def _awaited(work: Awaitable[object]) -> None:
    await work
