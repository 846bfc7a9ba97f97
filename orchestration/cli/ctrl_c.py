"""Ctrl-C while an engine computes: Python hears of a signal only when the engine is done, which may be in an hour."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.cli.ctrl_c_while_loading import RETRY_SIGNAL
from warehouse.lake.interruption import interrupt_sessions, took_ctrl_c

_AGAIN_EVERY_S = 0.1
"""An engine that began in the same moment did not hear the first time."""


@contextmanager
def engines_stop_at_ctrl_c() -> Iterator[None]:
    """Within the block Ctrl-C interrupts what DuckDB computes; then Python raises KeyboardInterrupt as ever."""
    if threading.current_thread() is not threading.main_thread():  # only there a signal is taken
        yield
        return
    heard, told = socket.socketpair()
    with heard, told:
        told.settimeout(0)
        before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        watch = threading.Thread(target=_interrupt_at_signal, args=(heard,), name="ctrl-c", daemon=True)
        try:
            watch.start()
            yield
        except RuntimeError as error:
            if took_ctrl_c(error):
                raise KeyboardInterrupt from error
            raise
        finally:
            signal.set_wakeup_fd(before)
            told.shutdown(socket.SHUT_WR)
            if watch.ident is not None:  # a Ctrl-C may come before it has begun
                watch.join()


def _interrupt_at_signal(heard: socket.socket) -> None:
    """Each signal is a byte, its number; the end of the block is the end of the bytes."""
    while number := heard.recv(1):
        if number[0] in (signal.SIGINT, RETRY_SIGNAL):
            break
    else:
        return
    heard.settimeout(_AGAIN_EVERY_S)
    while True:
        interrupt_sessions()
        try:
            if not heard.recv(1):
                return
        except TimeoutError:
            continue
