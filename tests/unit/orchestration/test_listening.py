"""Whether another process listens on a Unix socket yet."""

import socket
import threading
from pathlib import Path

from orchestration.processes.listening import is_listening, wait_until_listening


def test_no_socket_or_one_left_behind_is_not_listening(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    assert not is_listening(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert not is_listening(path)
        server.listen()
        assert is_listening(path)
    assert not is_listening(path)
    assert not wait_until_listening(path, 0.1)


def test_it_waits_for_whoever_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        later = threading.Timer(0.2, server.listen)
        later.start()
        assert wait_until_listening(path, 30.0)
        later.join()
