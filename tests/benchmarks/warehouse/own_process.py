"""Work in a process of its own: how long it takes once everything is imported, and the most memory it has meanwhile."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tests.benchmarks.memory import PeakMemory

Work = Callable[[], object]


@dataclass(frozen=True)
class Ran:
    """What a piece of work took."""

    seconds: float
    peak_mb: float


def run_alone(prepare: Callable[..., Work], *arguments: object) -> Ran:
    """Call ``prepare`` in a fresh process with these arguments, then time what it returns.

    Raises:
        RuntimeError: it failed; why is on standard error.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, prepare, arguments))
    process.start()
    theirs.close()
    try:
        ours.recv()
        with PeakMemory(process.pid or 0) as memory:
            ours.send("go")
            seconds = float(ours.recv())
        return Ran(seconds, memory.peak_mb)
    except EOFError:
        raise RuntimeError(f"{prepare.__name__} failed") from None
    finally:
        process.terminate()  # where we were stopped ourselves; else it has nothing left to do
        process.join()
        ours.close()


def _run(ours: Connection, prepare: Callable[..., Work], arguments: tuple[object, ...]) -> None:
    work = prepare(*arguments)
    ours.send("ready")
    ours.recv()
    began = time.perf_counter()
    work()
    ours.send(time.perf_counter() - began)
