"""A request sent piece by piece, as slowly as a test likes, and answered before it is complete if need be."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.integration.ingest_api.site import JSON


class SlowRequest:
    """A ``POST`` whose headers have been sent."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def send(self, piece: bytes) -> None:
        """Send a piece of the body, empty or not."""
        if not piece:  # it would be the last chunk
            return
        self._connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))

    def finish(self) -> None:
        """The body is complete."""
        self._connection.send(b"0\r\n\r\n")

    def answer(self) -> tuple[HTTPResponse, dict[str, Any]]:
        """The answer, complete or not as the request may be."""
        response = self._connection.getresponse()
        return response, json.loads(response.read())


@contextmanager
def slow_request(
    port: int,
    path: str = "/v1/telemetry",
    media_type: str = JSON,
    timeout_s: float = 30,
    headers: Mapping[str, str] = {},
) -> Iterator[SlowRequest]:
    """Connect and send the headers of a request."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    connection.putrequest("POST", path)
    connection.putheader("Content-Type", media_type)
    connection.putheader("Transfer-Encoding", "chunked")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        yield SlowRequest(connection)
    finally:
        connection.close()
