"""Remembers Ctrl-C: a library that is being loaded may swallow the KeyboardInterrupt, or make another error of it."""

import signal
from types import FrameType

_is_pressed = False


def remember_ctrl_c() -> None:
    """From here on ``was_pressed`` knows of each Ctrl-C; it raises KeyboardInterrupt as ever."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell may have it ignored
        signal.signal(signal.SIGINT, _remember)


def was_pressed() -> bool:
    """Whether there was a Ctrl-C."""
    return _is_pressed


def raise_if_pressed() -> None:
    """For places behind which much is computed.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, and whoever was at work then went on.
    """
    if _is_pressed:
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    global _is_pressed  # noqa: PLW0603 - a signal is the process's
    _is_pressed = True
    signal.default_int_handler(number, frame)
