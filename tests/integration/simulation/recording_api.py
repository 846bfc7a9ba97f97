"""A small real HTTP server that stores readings as the contract says and misbehaves on request."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

Payload = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Misbehaviour:
    """What happens to one telemetry request instead of a proper answer."""

    status: int | None = None
    """None: the connection is closed without an answer."""
    code: str = "overloaded"
    retry_after: str | None = None
    stores_first: bool = False


@dataclass(frozen=True)
class Request:
    """One telemetry request as it came in, answered or not."""

    at: float
    content_type: str
    payloads: list[Payload]


@dataclass
class RecordingApi:
    """What was received, and what goes wrong next."""

    url: str = ""
    mappings: list[dict[str, str]] = field(default_factory=list)
    settings: dict[str, dict[str, Payload]] = field(default_factory=lambda: {"meters": {}, "vehicles": {}})
    changes: list[Payload] = field(default_factory=list)
    """As they came in."""
    authorizations: list[str | None] = field(default_factory=list)
    stored: dict[Key, Payload] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    next_ones: deque[Misbehaviour] = field(default_factory=deque)
    away: Misbehaviour | None = None
    """As long as it is set, this happens to every telemetry request."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, request: Request) -> tuple[int, Payload, dict[str, str]] | None:
        """Stores and answers; None closes the connection."""
        with self.lock:
            self.requests.append(request)
            wrong = self.away or (self.next_ones.popleft() if self.next_ones else None)
            if wrong is None or wrong.stores_first:
                counts = self._store(request.payloads)
            if wrong is None:
                return self._answer(request, counts)
        if wrong.status is None:
            return None
        headers = {"Retry-After": wrong.retry_after} if wrong.retry_after else {}
        return wrong.status, {"code": wrong.code, "detail": f"this is what {wrong.code} says"}, headers

    def latest(self, device_id: str) -> str | None:
        """The newest instant stored for this device."""
        with self.lock:
            return max((timestamp for device, timestamp in self.stored if device == device_id), default=None)

    def _store(self, payloads: list[Payload]) -> dict[str, int]:
        counts = {"accepted": 0, "duplicates": 0, "conflicts": 0, "rejected": 0}
        for payload in payloads:
            key = payload.get("meterId") or payload["vehicleId"], payload["timestamp"]
            known = self.stored.setdefault(key, payload)
            counts["accepted" if known is payload else "duplicates" if known == payload else "conflicts"] += 1
        return counts

    def _answer(self, request: Request, counts: dict[str, int]) -> tuple[int, Payload, dict[str, str]]:
        if request.content_type == "application/x-ndjson":
            errors = [{"index": 0, "code": "conflict", "pointer": "", "detail": "other values"}]
            return 200, {**counts, "errors": errors if counts["conflicts"] else [], "requestId": "r"}, {}
        if counts["conflicts"]:
            return 409, {"code": "conflict", "detail": "other values are stored"}, {}
        return (201, {"status": "stored"}, {}) if counts["accepted"] else (200, {"status": "duplicate"}, {})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: RecordingApi

    def do_GET(self) -> None:
        asked = urlsplit(self.path).path.rpartition("/")[2]
        if asked in self.api.settings:
            field = f"{asked.removesuffix('s')}Id"
            items = [{field: name, "settings": settings} for name, settings in self.api.settings[asked].items()]
            self._send(200, {"items": items, "nextCursor": None}, {})
            return
        device_id = self.path.rpartition("/")[2]
        timestamp = self.api.latest(device_id)
        if timestamp is None:
            self._send(404, {"code": "vehicle_not_found", "detail": device_id}, {})
        else:
            self._send(200, {"timestamp": timestamp, "settings": {}}, {})

    def do_PATCH(self) -> None:
        change = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, _, name = self.path.removeprefix("/v1/").partition("/")
        with self.api.lock:
            self.api.changes.append(change)
            self.api.authorizations.append(self.headers["Authorization"])
            self.api.settings[kind].setdefault(name, {}).update(change)
        self._send(200, {"settings": change}, {})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/mappings":
            self.api.mappings += json.loads(content)
            self.api.authorizations.append(self.headers["Authorization"])
            self._send(201, {"id": 1}, {})
            return
        content_type = self.headers["Content-Type"]
        lines = content.splitlines() if content_type == "application/x-ndjson" else [content]
        answer = self.api.receive(Request(monotonic(), content_type, [json.loads(line) for line in lines]))
        if answer is None:
            self.close_connection = True
            return
        self._send(*answer)

    def _send(self, status: int, body: Payload, headers: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def recording_api() -> Iterator[RecordingApi]:
    """The server, on a free port, until the block ends."""
    api = RecordingApi()
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api})) as server:
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
