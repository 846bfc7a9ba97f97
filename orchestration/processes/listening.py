"""Whether another process listens on a Unix socket yet."""

import socket
import time
from pathlib import Path

_POLL_S = 0.05


def is_listening(path: Path) -> bool:
    """Whether somebody accepts connections on the Unix socket ``path``; no socket, or one left behind, is a no."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def wait_until_listening(path: Path, within_s: float) -> bool:
    """Return as soon as somebody listens on the Unix socket ``path``: False if nobody does ``within_s`` seconds."""
    deadline = time.monotonic() + within_s
    while not is_listening(path):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True
