"""Every way in without a token, or with something that is nearly one."""

import tracemalloc
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ingest_api.auth.known_tokens import KnownTokens
from tests.conftest import MakeApi
from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.api_process import api_process
from tests.integration.ingest_api.raw_connection import raw_connection
from tests.integration.ingest_api.site import Site, assert_problem, encode, new_id, until
from tests.integration.ingest_api.token_site import (
    ADMIN_TOKEN,
    Tokens,
    ask,
    bearer,
    headers,
    raw_post,
)
from warehouse.contract.tokens import NewToken, Scope
from warehouse.postgres.access.token_store import TokenRequest, create_token, revoke_token


def with_secret(token: NewToken, secret: str) -> NewToken:
    return NewToken(token.token_id, secret)


REPEATING = """
    CREATE FUNCTION repeat_it() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'leaked: %', NEW.external_id;
    END $$;
    CREATE TRIGGER repeats_it BEFORE INSERT ON meters FOR EACH ROW EXECUTE FUNCTION repeat_it()"""
Given = list[tuple[bytes, bytes]]
WRONG: dict[str, Callable[[NewToken], Given]] = {
    "nothing": lambda _: [],
    "empty": lambda _: [(b"authorization", b"")],
    "the scheme alone": lambda _: [(b"authorization", b"Bearer")],
    "no scheme": lambda token: [(b"authorization", str(token).encode())],
    "another scheme": lambda token: [(b"authorization", f"Basic {token}".encode())],
    "no id of anybody": lambda _: [bearer(NewToken.make())],
    "another secret": lambda token: [bearer(with_secret(token, NewToken.make().secret))],
    "a piece of it": lambda token: [bearer(str(token)[:-1])],
    "more of it": lambda token: [bearer(f"{token}x")],
    "in capitals": lambda token: [bearer(str(token).upper())],
    "its digest": lambda token: [bearer(with_secret(token, urlsafe_b64encode(token.digest).decode().strip("=")))],
    "two": lambda token: [bearer(token)] * 2,
    "two, one is wrong": lambda token: [bearer("x"), bearer(token)],
    "two in one": lambda token: [bearer(f"{token}, Bearer {token}")],
    "in another header": lambda token: [(b"proxy-authorization", f"Bearer {token}".encode())],
    "in a cookie": lambda token: [(b"cookie", f"token={token}; Authorization=Bearer {token}".encode())],
    "60 kB of it": lambda token: [bearer(f"{token}" * 1_000)],
    "not in ASCII": lambda token: [(b"authorization", f"Bearer {token}".encode() + b"\xff\xfe")],
}


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("path", ["/v1/telemetry", "/v1/mappings"])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_token_opens_nothing(
    closed: Site,
    tokens: Tokens,
    wrong: str,
    path: str,
) -> None:
    token = tokens[Scope.ADMIN]
    meter = new_id("stranger")
    body = encode(meter_payload(meterId=meter, timestamp=iso(now_s())))
    given = [(b"content-type", b"application/json"), *WRONG[wrong](token)]
    answer = closed.client.post(path, content=body, headers=given)
    code = "token_missing" if not dict(given).get(b"authorization") else "token_invalid"
    assert_problem(answer, 401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert token.secret not in answer.text
    assert not closed.is_registered(meter)


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "Authorization", "api_key"])
def test_a_token_in_the_url_opens_nothing(closed: Site, tokens: Tokens, name: str) -> None:
    """Addresses are kept: by browsers, proxies and logs."""
    token = tokens[Scope.ADMIN]
    meter = new_id("by-url")
    for value in (str(token), f"Bearer {token}"):
        assert_problem(closed.client.get("/v1/meters", params={name: value}), 401, "token_missing")
        reading = meter_payload(meterId=meter, timestamp=iso(now_s()))
        answer = closed.client.post("/v1/telemetry", params={name: value}, json=reading)
        assert_problem(answer, 401, "token_missing")
    assert closed.client.get(f"/v1/meters/{token}").status_code == 401
    assert not closed.is_registered(meter)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
@pytest.mark.parametrize("name", [b"Authorization", b"authorization", b"AUTHORIZATION"])
def test_a_token_is_known_however_its_header_is_written(closed: Site, tokens: Tokens, name: bytes, scheme: str) -> None:
    given = [(b"Content-Type", b"application/json"), (name, f"{scheme}{tokens[Scope.INGEST]}".encode())]
    reading = encode(meter_payload(meterId=new_id(), timestamp=iso(now_s())))
    assert closed.client.post("/v1/telemetry", content=reading, headers=given).status_code == 201
    assert closed.client.post("/v1/telemetry", content=b"[%b]" % reading, headers=given).status_code == 200


@pytest.mark.usefixtures("endless")
def test_remembered_headers_open_nothing_for_another_token(closed: Site, tokens: Tokens) -> None:
    token = tokens[Scope.INGEST]
    meter = new_id("remembered")
    body = encode(meter_payload(meterId=meter, timestamp=iso(now_s())))
    others = [None, NewToken.make(), NewToken(token.token_id, NewToken.make().secret), tokens[Scope.READ], "x"]
    with raw_connection(closed.client.base_url.port or 0) as connection:
        assert [ask(connection, raw_post(token, body)) for _ in range(2)] == [201, 200]
        assert [ask(connection, raw_post(each, body)) for each in others] == [401, 401, 401, 403, 401]
        assert ask(connection, raw_post(token, body)) == 200
        doubled = f"authorization: Bearer {token}\r\n".encode()
        assert ask(connection, raw_post(token, body, doubled)) == 401
        assert ask(connection, raw_post("x", body, doubled)) == 401
        assert ask(connection, raw_post(None, body, doubled.replace(b"authorization", b"AUTHORIZATION"))) == 200


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Bearer %s\r\n and more\r\n",
        b"X: y\r\n Authorization: Bearer %s\r\n",
        b"Authorization: Bearer %s\rTransfer-Encoding: chunked\r\n",
        b"Authorization: Bearer %s\nContent-Length: 5\r\n",
        b"Authorization: Bearer %s\x00\r\n",
        b"Authorization : Bearer %s\r\n",
        b"Authorization:\tBearer\t%s\r\n",
    ],
)
def test_a_malformed_authorization_is_read_in_no_second_way(closed: Site, tokens: Tokens, line: bytes) -> None:
    meter = new_id("smuggled")
    body = encode(meter_payload(meterId=meter, timestamp=iso(now_s())))
    given = line % str(tokens[Scope.INGEST]).encode()
    with raw_connection(closed.client.base_url.port or 0) as connection:
        assert ask(connection, raw_post(None, body, given)) in (400, 401)
    assert not closed.is_registered(meter)


def test_no_secret_and_no_header_is_in_the_log(
    make_api: MakeApi, connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_api(auth="required")
    made = create_token(connection, TokenRequest("a", [Scope.ADMIN]))
    until(lambda: client.get("/nowhere", headers=headers(made)).status_code == 404)
    for given in (headers(made), headers(f"{made}x"), {"Authorization": str(made)}):
        client.get("/v1/meters", headers=given)
        client.post("/v1/telemetry", json={"meterId": str(made)}, headers=given)
    revoke_token(connection, made.token_id)
    until(lambda: client.get("/nowhere", headers=headers(made)).status_code != 404)
    assert made.secret not in caplog.text


def test_what_fails_says_no_secret(
    database_url: str, connection: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of a token that is sent wherever one can be sent, to an API whose database fails and repeats it."""
    made = create_token(connection, TokenRequest("a", [Scope.ADMIN]))
    with (
        api_process(database_url, auth="required") as api,
        httpx.Client(base_url=api.url, headers=headers(made)) as client,
    ):
        until(lambda: client.get("/nowhere").status_code == 404)
        connection.execute(REPEATING)
        given = {**headers(made), "X-Request-Id": made.secret[:30], "Cookie": str(made), "User-Agent": str(made)}
        answers = [
            client.get(f"/v1/meters/{made}", params={"token": str(made)}, headers=given),
            client.get("/v1/meters", params={"cursor": str(made)}, headers=given),
            client.patch(f"/v1/meters/{made}", json={"model": str(made)}, headers=given),
            client.post("/v1/mappings", json={"vehicleId": str(made), "meterId": "m"}, headers=given),
            client.post("/v1/telemetry", json=meter_payload(meterId=str(made)[:64]), headers=given),
        ]
        assert 500 in {answer.status_code for answer in answers}
        assert not [answer.text for answer in answers if made.secret in answer.text]
        assert api.stop() == 0
    said = capfd.readouterr()
    assert f"leaked: flt_{made.token_id}_***" in said.err
    assert made.secret not in said.out + said.err


def test_an_administrators_token_comes_from_a_file_and_stays_valid_beside_others(
    make_api: MakeApi, connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fleet_admin_token").write_text(f"{ADMIN_TOKEN}\n")
    monkeypatch.setattr("warehouse.settings.SECRETS", tmp_path)
    client = make_api(auth="required")
    assert client.get("/v1/meters").status_code == 401
    mapping = {"vehicleId": "v", "meterId": "m"}
    assert client.post("/v1/mappings", json=mapping, headers=headers(ADMIN_TOKEN)).status_code == 201
    made = create_token(connection, TokenRequest("a", [Scope.READ]))
    until(lambda: client.get("/v1/meters", headers=headers(made)).status_code == 200)
    assert client.post("/v1/mappings", json=mapping, headers=headers(made)).status_code == 403
    assert client.post("/v1/mappings", json=mapping, headers=headers(ADMIN_TOKEN)).status_code == 200


def test_without_any_token_the_start_says_how_the_first_is_made(
    make_api: MakeApi, connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_api(auth="required")
    until(lambda: "fleetwatt tokens create --name first --scope admin" in caplog.text)
    assert client.get("/v1/meters").status_code == 401
    made = create_token(connection, TokenRequest("first", [Scope.ADMIN]))
    until(lambda: client.get("/v1/meters", headers=headers(made)).status_code == 200)


def test_a_hundred_thousand_tokens_take_sixty_megabytes_at_most() -> None:
    numbers = range(5_000)
    tokens = KnownTokens("")
    known: dict[bytes, Any] = {}
    tracemalloc.start()
    try:
        for number in numbers:
            row = (f"t{number:07d}", bytes(28) + number.to_bytes(4, "big"), ["ingest"], [f"meter-{number:06d}"])
            tokens._take(known, *row, 4e9 + number, is_revoked=False)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / len(numbers) * 100_000 < 60e6
