"""A device's single reading, answered by the HTTP protocol itself: without a task, and past the application's layers.

Only the plain case is: a small JSON body that is one valid reading. Whatever is anything else is handed to the
application, which then finds it as if it had come there at once.
"""

import asyncio
import logging
from typing import Self, cast

from starlette.types import Scope

from ingest_api.answers import Answer, Totals, of_defect, of_error, of_one
from ingest_api.body import Head
from ingest_api.hot_path import head_of
from ingest_api.http_protocol import PatientHttpProtocol
from ingest_api.metrics import count_request
from ingest_api.request_id import identify
from ingest_api.state import State
from ingest_api.telemetry import JSON, PATH
from warehouse.contract.errors import FleetwattError
from warehouse.postgres.reading_store import Outcome

logger = logging.getLogger(__name__)

MAX_BYTES = 1024
"""A reading has some 150."""
_URL, _JSON = PATH.encode(), JSON.encode()


class TelemetryHttpProtocol(PatientHttpProtocol):
    """Answers single readings, and has the application answer everything else."""

    def on_headers_complete(self) -> None:
        """A request's head is there."""
        if self._may_be_a_reading():
            self.scope |= {"method": "POST", "path": PATH, "raw_path": _URL, "query_string": b""}
            self.cycle = _SingleReading(self)  # type: ignore[assignment] # what a cycle is to the protocol, it is too
        else:
            super().on_headers_complete()

    def _may_be_a_reading(self) -> bool:
        if self.url != _URL or self.parser.get_method() != b"POST" or self.expect_100_continue:
            return False
        head = Head.of(cast(Scope, self.scope))
        return (
            head.media_type == _JSON
            and not head.encoding
            and head.length is not None
            and head.length <= MAX_BYTES
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and self.parser.should_keep_alive()
            and self.parser.get_http_version() == "1.1"
        )

    def hand_over(self, body: bytes) -> None:
        """Have the application answer this request."""
        super().on_headers_complete()
        self.on_body(body)
        self.on_message_complete()


class _SingleReading:
    """A request and its answer, as uvicorn's ``RequestResponseCycle`` is to the protocol."""

    __slots__ = (
        "_has_begun",
        "_identity",
        "_protocol",
        "body",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
        "scope",
    )

    def __init__(self, protocol: TelemetryHttpProtocol) -> None:
        self._protocol = protocol
        self._has_begun = False
        self.scope = cast(Scope, protocol.scope)
        self._identity = identify(self.scope)
        self.body = b""
        self.more_body = self.keep_alive = True
        self.disconnected = self.response_started = self.response_complete = False

    @property
    def message_event(self) -> Self:  # not kept in itself: a request would be garbage that only a collection finds
        """Whom the protocol tells by ``set``."""
        return self

    def set(self) -> None:
        """More of the body has come in, or the client is gone."""
        if self.more_body or self._has_begun:
            return
        self._has_begun = True
        try:
            stored = cast(State, self._protocol.app_state["fleetwatt"]).ingest.begin_storing(self.body)
        except Exception as error:
            self._answer(self._failure(error))
            return
        if stored is not None:
            stored.add_done_callback(self._on_stored)
        else:
            self.response_complete = True
            self._protocol.hand_over(self.body)

    def _on_stored(self, stored: "asyncio.Future[Outcome]") -> None:
        try:
            answer = of_one(self.scope, stored.result())
        except Exception as error:
            answer = self._failure(error)
        self._answer(answer)

    def _failure(self, error: Exception) -> Answer:
        if isinstance(error, FleetwattError):
            return of_error(self.scope, error, Totals())
        logger.error("the request failed", exc_info=error, extra={"request_id": self._identity.decode()})
        return of_defect(self.scope)

    def _answer(self, answer: Answer) -> None:
        count_request(PATH, answer.status)
        if self.disconnected:
            return
        self.response_started = self.response_complete = True
        self._protocol.write(answer.status, head_of(answer, self._identity), answer.body, close=not self.keep_alive)
        if not self.keep_alive:
            self._protocol.transport.close()
        self._protocol.on_response_complete()
