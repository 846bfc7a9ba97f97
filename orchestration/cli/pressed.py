"""Remembers Ctrl-C: a library that is being loaded may swallow the KeyboardInterrupt, or make another error of it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

_pressed = Event()


@contextmanager
def ctrl_c_remembered() -> Iterator[None]:
    """Within the block a Ctrl-C is remembered; it raises KeyboardInterrupt as ever.

    Raises:
        KeyboardInterrupt: it was pressed, or became another error.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, as a shell may have it
        yield
        return
    signal.signal(signal.SIGINT, _remember)
    try:
        yield
    except Exception:
        raise_if_pressed()
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _pressed.clear()


def raise_if_pressed() -> None:
    """For places behind which much is computed.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, and whoever was at work then went on.
    """
    if _pressed.is_set():
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    _pressed.set()
    signal.default_int_handler(number, frame)
