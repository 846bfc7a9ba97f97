"""What each API process runs."""

import gc
import multiprocessing
import os
import signal
import threading

from starlette.types import ASGIApp

from ingest_api.app import create_app
from warehouse.contract.redaction import redact_output

_ALLOCATIONS_BETWEEN_COLLECTIONS = 50_000
"""Python's 700 are reached every few requests, and requests leave next to no cycles behind."""


def create_worker_app() -> ASGIApp:
    """The application, with its process set up for it.

    Raises:
        DatabaseUnavailableError: no database is configured.
    """
    redact_output()
    app = create_app()
    gc.collect()
    gc.freeze()  # modules, routes and schemas stay for good: no collection needs to walk them
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS)
    if multiprocessing.parent_process() is not None:
        threading.Thread(target=_end_with_the_parent, daemon=True).start()
    return app


def _end_with_the_parent() -> None:
    """One of several workers must not outlive a parent that was killed: it would keep the port from the next one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
