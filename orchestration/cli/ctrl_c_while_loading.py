"""Ctrl-C while a library is being loaded: raised there, some swallow it, some make another error of it, some abort."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

RETRY_SIGNAL = signal.SIGALRM
"""Comes in place of a Ctrl-C that had to wait."""
_RETRY_AFTER_S = 0.05


@contextmanager
def ctrl_c_waits_while_loading() -> Iterator[None]:
    """Within the block a Ctrl-C that comes during an import takes effect after it; else at once, as ever.

    Raises:
        KeyboardInterrupt: it was pressed.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, as a shell may have it
        yield
        return
    before = signal.signal(RETRY_SIGNAL, _press_again)
    signal.signal(signal.SIGINT, _take)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        waits, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(RETRY_SIGNAL, before)
        if waits:
            raise KeyboardInterrupt


def _take(number: int, frame: FrameType | None) -> None:
    if _is_loading(frame):
        signal.setitimer(signal.ITIMER_REAL, _RETRY_AFTER_S)
    else:
        signal.default_int_handler(number, frame)


def _press_again(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)  # not raised here: a command may have its own way to stop by now


def _is_loading(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False
