"""The fast path of single readings: the HTTP protocol itself answers them, without a task or the application's layers.

It takes only the plain case: a small JSON body that is one valid reading, in a request that came alone. Anything else
goes to the server and its application, which see it as if it had come to them in the first place.
"""

from typing import ClassVar, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from ingest_api.http.parts import Parts
from ingest_api.http.request_id import identify_as, request_id
from ingest_api.observability.metrics import count_request
from ingest_api.server.reading_headers import ReadingHeaders, headers_of, read_headers
from ingest_api.server.tunnel_protocol import TunnelHttpProtocol
from ingest_api.telemetry.answers import Answer, of_failure, of_one
from ingest_api.telemetry.ingest import PATH, TelemetryIngest
from warehouse.postgres.readings.reading_store import Outcome


class TelemetryHttpProtocol(TunnelHttpProtocol):
    """Answers single readings, and has the application answer everything else."""

    def data_received(self, data: bytes) -> None:
        """Something has come in."""
        begun: object = self.cycle
        if isinstance(begun, SingleReading) and begun.more_body:
            begun.received += data
            self._go_on(begun)
        elif not self._is_between_requests() or (headers := read_headers(data)) is None:
            super().data_received(data)
        else:
            self._unset_keepalive_if_required()
            self._go_on(SingleReading(self, headers, data))

    def end_of_reading(self) -> None:
        """A reading was answered. No timer waits for the next one: the timeout protocol finds idle connections."""
        if self.pipeline or self.flow.read_paused or self._has_ended:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1

    def _go_on(self, reading: "SingleReading") -> None:
        """Have it stored, wait for the rest of it, or leave it to the server."""
        missing_bytes = reading.missing_bytes
        if missing_bytes > 0 or (missing_bytes == 0 and reading.begin_storing()):
            self.cycle, self.scope = reading, reading.scope  # type: ignore[assignment] # it is what a cycle is here
        else:
            self.cycle = None  # type: ignore[assignment] # as it was before the first request
            super().data_received(reading.received)

    def _is_between_requests(self) -> bool:
        """Whether the next byte begins a request, and the client takes its answers."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None:
            return self.scope is None
        is_over = cycle.response_complete and not cycle.more_body and cycle.scope is self.scope
        return is_over and not self.flow.write_paused


class _NobodyWaits:
    """In place of the event that tells a cycle's task of more: a reading has no task."""

    def set(self) -> None:
        """Nothing is to be done."""


class SingleReading:
    """A request and its answer: to the protocol what uvicorn's cycles are, to the writer what a future is."""

    __slots__ = (
        "_headers",
        "_identity",
        "_protocol",
        "disconnected",
        "keep_alive",
        "more_body",
        "received",
        "response_complete",
        "response_started",
        "scope",
    )

    message_event: ClassVar = _NobodyWaits()

    def __init__(self, protocol: TelemetryHttpProtocol, headers: ReadingHeaders, received: bytes) -> None:
        """``received``: what came in so far, from the first byte of the request on."""
        self._protocol = protocol
        self._headers = headers
        self.received = received
        self.scope: Scope = {"type": "http", "method": "POST", "path": PATH}
        self._identity = identify_as(self.scope, headers.request_id)
        self.more_body = self.keep_alive = True
        self.disconnected = self.response_started = self.response_complete = False

    @property
    def missing_bytes(self) -> int:
        """What has yet to come; less than none where another request follows."""
        return self._headers.size_bytes + self._headers.body_bytes - len(self.received)

    @property
    def _ingest(self) -> TelemetryIngest:
        return cast(Parts, self._protocol.app_state["parts"]).get(TelemetryIngest)

    def begin_storing(self) -> bool:
        """Have the body stored; false: it is not plainly one reading, and the application has to answer."""
        self.more_body = False
        body = self.received[self._headers.size_bytes :]
        try:
            return self._ingest.begin_storing(body, self._headers.credentials, self, self)
        except Exception as error:
            self.set_exception(error)
            return True

    @property
    def client_address(self) -> str | None:
        """The address that it came from."""
        headers = headers_of(self.received[: self._headers.size_bytes])
        scope = {**self.scope, "client": self._protocol.client, "headers": headers}
        return self._ingest.clients.address_of(scope) or None

    @property
    def request_id(self) -> str:
        """What the request is called."""
        return request_id(self.scope)

    def done(self) -> bool:
        """Whether it is answered."""
        return self.response_complete

    def cancelled(self) -> bool:
        """Never: the reading of a client that is gone is stored all the same."""
        return False

    def set_result(self, outcome: Outcome) -> None:
        """Answer what became of the reading."""
        try:
            answer = of_one(self.scope, outcome)
        except Exception as error:
            answer = of_failure(self.scope, error)
        self._answer(answer)

    def set_exception(self, error: Exception) -> None:
        """Answer that it failed."""
        self._answer(of_failure(self.scope, error))

    def _answer(self, answer: Answer) -> None:
        count_request(PATH, answer.status)
        self.response_started = self.response_complete = True
        if self.disconnected:
            return
        self._protocol.write(
            answer.status, answer.headers_under(self._identity), answer.body, close=not self.keep_alive
        )
        if not self.keep_alive:
            self._protocol.transport.close()
        self._protocol.end_of_reading()
