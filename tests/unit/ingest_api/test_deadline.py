"""How long a request is waited for, and in which words it is refused then."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from ingest_api.bodies import deadline
from ingest_api.bodies.deadline import DeadlineMiddleware, Deadlines
from ingest_api.bodies.limits import Limits, MemoryBudget
from ingest_api.database_pulse import DatabasePulse
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.request_id import identify

Work = Callable[[DatabasePulse], Awaitable[None]]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", 0.05)
    monkeypatch.setattr(deadline, "READ_WITHIN_S", 60.0)


async def nobody_asks(_pulse: DatabasePulse) -> None:
    await asyncio.sleep(0.3)


async def frozen(pulse: DatabasePulse) -> None:
    with pulse.asked():
        await asyncio.sleep(30)


async def asks_and_waits(pulse: DatabasePulse) -> None:
    """As who signs in while others do: the database answers, and passwords are looked at."""
    for _ in range(6):
        with pulse.asked():
            pulse.beat()
        await asyncio.sleep(0.05)


def answered(method: str, path: str, work: Work, pulse: DatabasePulse | None = None) -> tuple[int, bytes]:
    """The status of an answer that comes after this work, and its body."""
    known = pulse or DatabasePulse()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await work(known)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    sent: list[Message] = []
    scope: Scope = {"type": "http", "method": method, "path": path, "headers": [], "client": ("192.0.2.7", 1)}
    identify(scope)
    deadlines = Deadlines(known, frozenset({"/readyz"}), frozenset({"/login"}))
    layer = DeadlineMiddleware(app, Limits(10, 10, 10, 10), MemoryBudget(1000), ClientAddresses(), deadlines)
    asyncio.run(layer(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/login"), ("POST", "/login"), ("POST", "/readyz")])
@pytest.mark.parametrize("work", [nobody_asks, asks_and_waits])
def test_a_database_that_nobody_waits_for_ends_no_request(method: str, path: str, work: Work) -> None:
    assert answered(method, path, work)[0] == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/meters"), ("POST", "/login"), ("POST", "/v1/mappings")])
def test_a_database_that_answers_nobody_does(method: str, path: str) -> None:
    status, body = answered(method, path, frozen)
    assert (status, b'"code":"database_unavailable"' in body) == (503, True)


def test_nor_does_it_wait_beside_somebody_who_gets_no_answer() -> None:
    pulse = DatabasePulse()
    with pulse.asked():
        status, body = answered("GET", "/v1/meters", nobody_asks, pulse)
    assert (status, b'"code":"database_unavailable"' in body) == (503, True)


def test_a_change_that_takes_long_for_other_reasons_is_told_so() -> None:
    status, body = answered("POST", "/v1/mappings", nobody_asks)
    assert (status, b'"code":"too_slow"' in body) == (503, True)
    assert b"database" not in body


def test_the_pulse_is_silent_to_who_asks_alone() -> None:
    pulse = DatabasePulse()
    assert pulse.silent_s() == 0
    with pulse.asked(), pulse.asked():
        first = pulse.silent_s()
        assert pulse.silent_s() >= first > 0
        pulse.beat()
        assert pulse.silent_s() < 60
    assert pulse.silent_s() == 0
