"""With the fast path and without it a client is told the same, byte for byte; and what becomes of another uvicorn."""

import logging
import re
import socket
from collections.abc import Callable, Iterator

import pytest
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from ingest_api.server.reading_protocol import TelemetryHttpProtocol
from ingest_api.server.tunnel_protocol import TunnelHttpProtocol
from ingest_api.server.uvicorn_internals import UnknownServerError, WatchfulMultiprocess, protocol_of
from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import MakeSite, Site, encode

NOW = iso(now_s())
HEADERS = (
    b"POST /v1/telemetry HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Request-Id: 0123456789abcdef\r\n"
)
READING = encode(meter_payload(timestamp=NOW))


def request(body: bytes, more: bytes = b"", headers: bytes = HEADERS) -> bytes:
    return b"%bContent-Length: %d\r\n%b\r\n%b" % (headers, len(body), more, body)


REQUESTS = {
    "stored": request(READING),
    "duplicate": request(READING),
    "conflict": request(encode(meter_payload(timestamp=NOW, voltage=1))),
    "a vehicle's": request(encode(vehicle_payload(timestamp=NOW))),
    "invalid": request(encode(meter_payload(timestamp=NOW, kwhConsumedAc=-1))),
    "of no time": request(encode(meter_payload(timestamp="soon"))),
    "an array": request(b"[%b]" % READING),
    "no JSON": request(b"{"),
    "nothing": request(b""),
    "not UTF-8": request(b"\xff"),
    "large": request(b" " * 2000 + READING),
    "of another type": request(READING, headers=HEADERS.replace(b"application/json", b"text/plain")),
    "without an id of its own": request(READING, headers=HEADERS[: HEADERS.index(b"X-Request")]),
    "with a bad id": request(READING, headers=HEADERS.replace(b"0123456789abcdef", b"\xe4 <")),
    "two at a time": request(READING) + request(READING),
    "in chunks": HEADERS + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(READING), READING),
    "with an offer": request(READING, b"Upgrade: x\r\nConnection: upgrade\r\n"),
    "the last one": request(READING, b"Connection: close\r\n"),
    "of HTTP/1.0": request(READING, headers=HEADERS.replace(b"HTTP/1.1", b"HTTP/1.0")),
    "malformed": HEADERS + b"Content-Length: +5\r\n\r\n12345",
    "of two lengths": HEADERS + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
}


@pytest.fixture(scope="module")
def sites(make_site: MakeSite) -> Iterator[tuple[Site, Site]]:
    yield make_site(fast_path=True), make_site(fast_path=False)


def told(site: Site, sent: bytes) -> bytes:
    """All that comes back until the end, but for the date, and for an id that is not the caller's."""
    received = b""
    with socket.create_connection(("127.0.0.1", site.client.base_url.port or 0), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            received += piece
    undated = re.sub(rb"(?m)^date: .*\r\n", b"date\r\n", received)
    for own_id in set(re.findall(rb"(?m)^x-request-id: ([0-9a-f]{16})\r$", undated)) - {b"0123456789abcdef"}:
        undated = undated.replace(own_id, b"ID")
    return undated


def test_the_same_bytes_get_the_same_bytes(sites: tuple[Site, Site]) -> None:
    answers = {name: [told(site, sent) for site in sites] for name, sent in REQUESTS.items()}
    assert {name: fast for name, (fast, _) in answers.items()} == {name: other for name, (_, other) in answers.items()}
    statuses = {
        name: [int(each) for each in re.findall(rb"HTTP/1.1 (\d+)", fast)] for name, (fast, _) in answers.items()
    }
    assert statuses["stored"] == [201]
    assert statuses["duplicate"] == statuses["with an offer"] == statuses["the last one"] == [200]
    assert statuses["conflict"] == [409]
    assert statuses["two at a time"] == [200, 200]
    assert statuses["malformed"] == [400]
    fast, ordinary = sites
    stored = [site.rows("SELECT ts, kwh, voltage_volts FROM meter_readings ORDER BY ts") for site in (fast, ordinary)]
    assert stored[0] == stored[1]
    assert len(stored[0]) == 1


def test_it_is_chosen_by_the_setting() -> None:
    assert protocol_of(fast_path=True) is TelemetryHttpProtocol
    assert protocol_of(fast_path=False) is TunnelHttpProtocol


@pytest.mark.parametrize("name", ["_start_asgi_task", "on_response_complete", "_unset_keepalive_if_required"])
def test_a_server_whose_protocol_has_another_method_is_refused_at_the_start(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpToolsProtocol, f"{name}_2", getattr(HttpToolsProtocol, name), raising=False)
    monkeypatch.delattr(HttpToolsProtocol, name)
    with pytest.raises(UnknownServerError, match=rf"uvicorn [0-9.]+ has no {name}; install what is locked"):
        protocol_of(fast_path=True)


def test_a_server_whose_connections_keep_something_else_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin: Callable[..., None] = HttpToolsProtocol.__init__

    def begin_otherwise(self: HttpToolsProtocol, *arguments: object) -> None:
        begin(self, *arguments)
        vars(self)["requests"] = vars(self).pop("pipeline")

    monkeypatch.setattr(HttpToolsProtocol, "__init__", begin_otherwise)
    with pytest.raises(UnknownServerError, match="has no pipeline"):
        protocol_of(fast_path=False)


class _Worker:
    """A worker's process as a later uvicorn might have it: with another name for its end of the pipe."""


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> WatchfulMultiprocess:
    monkeypatch.setattr("signal.signal", lambda *_: None)  # or Ctrl-C would end no test
    workers = WatchfulMultiprocess(Config("nothing:app", workers=2, timeout_worker_healthcheck=60), [])
    monkeypatch.setattr(workers, "init_processes", lambda: None)
    return workers


def test_a_supervisor_with_another_look_goes_on_and_says_so_in_a_line(
    workers: WatchfulMultiprocess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked = Multiprocess.keep_subprocess_alive
    monkeypatch.delattr(Multiprocess, "keep_subprocess_alive")
    monkeypatch.setattr(Multiprocess, "look_after_workers", looked, raising=False)
    workers.should_exit.set()
    with caplog.at_level(logging.WARNING):
        workers.run()
    (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "has no Multiprocess.keep_subprocess_alive: a worker that is killed" in said
    assert said.endswith("after 60 s")


def test_workers_with_another_end_of_the_pipe_are_looked_at_all_the_same(
    workers: WatchfulMultiprocess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked: list[Multiprocess] = []
    monkeypatch.setattr(Multiprocess, "keep_subprocess_alive", lambda self: looked.append(self))  # noqa: PLW0108 # it is a method
    workers.processes = [_Worker(), _Worker()]  # type: ignore[list-item]
    for _ in range(2):
        workers.keep_subprocess_alive()
    assert looked == [workers, workers]
    (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "has no Process.child_conn" in said
