"""A token that was revoked or has expired opens nothing within seconds: on every worker, in the middle of a body."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ingest_api.auth import known_tokens
from ingest_api.auth.known_tokens import KNOWN_FOR_S, KnownTokens
from tests.conftest import MakeApi, serving
from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.api_process import api_process
from tests.integration.ingest_api.raw_connection import RawConnection, raw_connection
from tests.integration.ingest_api.site import NDJSON, Site, assert_problem, encode, new_id, until
from tests.integration.ingest_api.token_site import (
    ADMIN_TOKEN,
    CUT_OTHERS,
    REFUSED,
    REFUSED_WITHIN_S,
    MakeToken,
    ask,
    headers,
    is_known,
    raw_post,
)
from tests.ports import free_port
from warehouse.contract.tokens import NewToken, Scope
from warehouse.postgres.access.token_store import TokenRequest, create_token, revoke_token, rotate_token


def test_an_expired_and_a_rotated_token_open_nothing(closed: Site, make_token: MakeToken) -> None:
    brief = make_token(Scope.READ, expires=timedelta(hours=1))
    assert closed.client.get("/v1/meters", headers=headers(brief)).status_code == 200
    closed.connection.execute(
        "UPDATE tokens SET expires_at = clock_timestamp() + interval '0.5 s' WHERE token_id = %s", [brief.token_id]
    )
    until(lambda: closed.client.get("/v1/meters", headers=headers(brief)).status_code in (401, 429))
    old = make_token(Scope.READ)
    new = rotate_token(closed.connection, old.token_id, timedelta(0))
    until(lambda: is_known(closed, new))
    until(lambda: closed.client.get("/v1/meters", headers=headers(old)).status_code in (401, 429))


@pytest.mark.parametrize("end", ["expires_at = clock_timestamp()", "revoked_at = clock_timestamp()"])
def test_an_open_connection_does_not_outlast_its_token(closed: Site, make_token: MakeToken, end: str) -> None:
    """Its headers are remembered; what they opened is not."""
    token = make_token(Scope.INGEST)
    reading = encode(meter_payload(meterId=new_id(), timestamp=iso(now_s())))
    with raw_connection(closed.client.base_url.port or 0) as raw:
        assert [ask(raw, raw_post(token, body)) for body in (reading, reading, b"[%b]" % reading)] == [201, 200, 200]
        closed.connection.execute(f"UPDATE tokens SET {end} WHERE token_id = %s".encode(), [token.token_id])
        until(lambda: ask(raw, raw_post(token, reading)) in REFUSED)
        assert {ask(raw, raw_post(token, body)) for body in (reading, b"[%b]" % reading)} <= REFUSED


def test_a_stream_ends_with_its_token(closed: Site, make_token: MakeToken) -> None:
    """What came before is stored, and the answer says so."""
    token = make_token(Scope.INGEST)
    meter = new_id()
    line = encode(meter_payload(meterId=meter, timestamp=iso(now_s() - timedelta(minutes=1))))
    last = encode(meter_payload(meterId=meter, timestamp=iso(now_s())))
    chunk = b"\n".join([line] * 10_000) + b"\n"

    def body() -> Iterator[bytes]:
        yield chunk
        until(lambda: len(closed.stored(meter)) == 1)
        revoke_token(closed.connection, token.token_id)
        until(lambda: not is_known(closed, token))
        yield last + b"\n"

    answer = closed.client.post("/v1/telemetry", content=body(), headers={**headers(token), "Content-Type": NDJSON})
    problem = assert_problem(answer, 401, "token_invalid")
    assert (problem["accepted"], problem["duplicates"], problem["nextIndex"]) == (1, 9_999, 10_000)
    assert len(closed.stored(meter)) == 1


@pytest.mark.parametrize("path", ["/v1/telemetry", "/v1/mappings"])
def test_a_body_that_lasts_longer_than_its_token_changes_nothing(
    closed: Site, make_token: MakeToken, path: str
) -> None:
    token = make_token(Scope.ADMIN)
    meter = new_id()
    content = [meter_payload(meterId=meter)] if path == "/v1/telemetry" else {"vehicleId": meter, "meterId": meter}

    def body() -> Iterator[bytes]:
        whole = encode(content)
        yield whole[:10]
        revoke_token(closed.connection, token.token_id)
        until(lambda: not is_known(closed, token))
        yield whole[10:]

    given = {**headers(token), "Content-Type": "application/json"}
    assert_problem(closed.client.post(path, content=body(), headers=given), 401, "token_invalid")
    assert not closed.is_registered(meter)


def test_a_revoked_token_is_refused_within_five_seconds_by_every_worker(
    database_url: str, connection: psycopg.Connection
) -> None:
    token = create_token(connection, TokenRequest("stolen", [Scope.INGEST]))
    with api_process(database_url, auth="required", workers=2) as api, ExitStack() as opened:
        asked: list[tuple[float, int]] = []
        reading = encode(meter_payload(timestamp=iso(now_s())))

        def ask_all(connections: Iterable[RawConnection]) -> set[int]:
            """Ask over each; when and with which status is kept."""
            begun = len(asked)
            for raw in connections:
                asked_at = time.monotonic()
                asked.append((asked_at, ask(raw, raw_post(token, reading))))
            return {status for _, status in asked[begun:]}

        def new_ones() -> set[int]:
            """Over connections of their own, which the workers share."""
            with ExitStack() as stack:
                return ask_all([stack.enter_context(raw_connection(api.port)) for _ in range(10)])

        until(lambda: new_ones() <= {200, 201})
        open_before = [opened.enter_context(raw_connection(api.port)) for _ in range(10)]
        assert ask_all(open_before) <= {200, 201}
        revoke_token(connection, token.token_id)
        revoked_at = time.monotonic()
        while (new_ones() | ask_all(open_before)) - REFUSED:
            pass
        assert {status for asked_at, status in asked if asked_at > revoked_at + REFUSED_WITHIN_S} <= REFUSED


def test_whoever_cannot_look_knows_nothing_after_five_seconds() -> None:
    now = 1000.0
    tokens = KnownTokens("postgresql://nobody@127.0.0.1:1/none", clock=lambda: now)
    known = []
    for now, known_at in ((1000.0, None), (1000.0, 1000.0), (1000.0 + KNOWN_FOR_S, None)):  # noqa: B007 - by the clock
        tokens._known_at = known_at or tokens._known_at
        known.append(tokens.are_known)
    assert known == [False, True, False]


@pytest.mark.usefixtures("prompt")
def test_where_the_database_is_gone_nobody_is_let_in() -> None:
    gone = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with serving(database_url=gone, auth="required", admin_token=ADMIN_TOKEN) as client:
        answer = client.get("/v1/meters", headers=headers(NewToken.make()))
        assert_problem(answer, 503, "database_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert client.get("/openapi.json", headers=headers(ADMIN_TOKEN)).status_code == 200
        assert client.get("/openapi.json").status_code == 401


def test_who_was_cut_off_looks_again(connection: psycopg.Connection, database_url: str) -> None:
    async def look() -> tuple[int, int]:
        tokens = KnownTokens(database_url)
        watching = asyncio.create_task(tokens.keep_up_to_date())
        await asyncio.wait_for(tokens.looked.wait(), 30)
        before = len(tokens)
        await asyncio.to_thread(connection.execute, CUT_OTHERS)
        made = await asyncio.to_thread(create_token, connection, TokenRequest("b", [Scope.READ]))
        await asyncio.to_thread(until, lambda: tokens.find(made.token_id.encode()) is not None)
        watching.cancel()
        return before, len(tokens)

    create_token(connection, TokenRequest("a", [Scope.READ]))
    assert asyncio.run(look()) == (1, 2)


def test_uses_are_noted_to_the_hour(
    make_api: MakeApi, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_tokens, "NOTE_USES_EVERY_S", 0.0)
    client = make_api(auth="required")
    used, unused = (create_token(connection, TokenRequest(name, [Scope.READ])) for name in ("used", "unused"))
    until(lambda: client.get("/v1/meters", headers=headers(used)).status_code == 200)

    def last_used() -> dict[str, Any]:
        return dict(connection.execute("SELECT name, last_used_at FROM tokens").fetchall())

    until(lambda: last_used()["used"] is not None)
    assert last_used()["unused"] is None
    at = last_used()["used"]
    assert (at.minute, at.second, at.microsecond) == (0, 0, 0)
    assert unused.secret
