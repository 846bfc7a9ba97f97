"""The processes of the API among those that its parent has begun."""

from contextlib import suppress

import psutil


def serves(process: psutil.Process) -> bool:
    """Whether it is a living worker, and not the process that multiprocessing keeps beside them."""
    with suppress(psutil.NoSuchProcess):
        return "spawn_main" in " ".join(process.cmdline())
    return False
