"""A web server in Dagster's place that says what a test has it say, and keeps what it was asked."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class ScriptedServer:
    """Answers each connection's first request with these pieces, and closes it unless ``stays``."""

    def __init__(self, listener: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.pieces: list[bytes] = []
        self.stays = False
        self.asked: list[bytes] = []
        self._listener = listener
        self._connections: list[socket.socket] = []
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def says(self, *pieces: bytes, stays: bool = False) -> None:
        """From now on."""
        self.pieces, self.stays = list(pieces), stays
        self.asked.clear()

    def hang_up(self) -> None:
        """Close what stayed."""
        for each in self._connections:
            each.close()

    def _serve(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (piece := connection.recv(65536)):
                return
            received += piece
        self.asked.append(received)
        with suppress(OSError):  # whoever asked is gone
            for piece in self.pieces:
                connection.sendall(piece)
        if self.stays:
            self._connections.append(connection)
        else:
            connection.close()


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """Until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedServer(listener)
        server.thread.start()
        try:
            yield server
        finally:
            server.hang_up()
            listener.shutdown(socket.SHUT_RDWR)
