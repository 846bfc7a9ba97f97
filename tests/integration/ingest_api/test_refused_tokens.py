"""Who fails again and again to prove who they are is told to wait; who has a valid token never is."""

import httpx
import psycopg
import pytest

from ingest_api.auth.gate import MOST_FAILURES_A_MINUTE
from tests.conftest import MakeApi
from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.raw_connection import raw_connection
from tests.integration.ingest_api.site import assert_problem, encode, new_id, until
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, ask, headers, raw_post
from warehouse.contract.tokens import NewToken, Scope
from warehouse.postgres.access.token_store import TokenRequest, create_token

PROXY = "127.0.0.0/8"


def fail(client: httpx.Client, times: int, given: dict[str, str] | None = None) -> list[int]:
    """The statuses of so many requests with a wrong token."""
    return [
        client.get("/v1/meters", headers={**headers(NewToken.make()), **(given or {})}).status_code
        for _ in range(times)
    ]


def until_refused(client: httpx.Client, given: dict[str, str] | None = None) -> None:
    """Fail until that is answered with 429; a machine that stands still gives tries back meanwhile."""
    until(lambda: fail(client, 1, given) == [429])


def test_twenty_failures_a_minute_and_then_429(make_api: MakeApi) -> None:
    client = make_api(auth="required", admin_token=ADMIN_TOKEN)
    wrong = [{}, headers("x"), headers(NewToken.make()), {"Authorization": "Basic eDp5"}]
    statuses = [client.get("/v1/meters", headers=wrong[n % 4]).status_code for n in range(MOST_FAILURES_A_MINUTE)]
    assert statuses == [401] * MOST_FAILURES_A_MINUTE
    until_refused(client)
    answer = client.get("/v1/meters")
    if answer.status_code != 401:  # a machine that stood still has given one more try back
        problem = assert_problem(answer, 429, "rate_limited")
        assert 1 <= int(answer.headers["retry-after"]) <= 3
        assert "at most 20 refused tokens a minute" in problem["detail"]
    counted = client.get("/metrics", headers=headers(ADMIN_TOKEN)).text
    for code in ("token_missing", "token_invalid", "rate_limited"):
        assert f'fleet_refused_tokens_total{{code="{code}"}}' in counted


def test_a_valid_token_passes_whoever_fails_beside_it(make_api: MakeApi, connection: psycopg.Connection) -> None:
    """Devices behind one gateway are one address."""
    client = make_api(auth="required")
    token = create_token(connection, TokenRequest("a", [Scope.INGEST]))
    until(lambda: client.get("/nowhere", headers=headers(token)).status_code == 404)
    reading = encode(meter_payload(meterId=new_id(), timestamp=iso(now_s())))
    with raw_connection(client.base_url.port or 0) as raw:
        assert ask(raw, raw_post(token, reading)) == 201
        until(lambda: ask(raw, raw_post(NewToken.make(), reading)) == 429)
        assert {ask(raw, raw_post(token, body)) for body in (reading, b"[%b]" % reading) * 3} == {200}
        assert client.get("/v1/meters", headers=headers(token)).status_code == 403
        assert client.get("/livez").status_code == 200


def test_what_a_token_may_not_do_is_no_failure(make_api: MakeApi, connection: psycopg.Connection) -> None:
    client = make_api(auth="required")
    token = create_token(connection, TokenRequest("a", [Scope.INGEST]))
    until(lambda: client.get("/nowhere", headers=headers(token)).status_code == 404)
    asked = {client.get("/v1/meters", headers=headers(token)).status_code for _ in range(2 * MOST_FAILURES_A_MINUTE)}
    assert asked == {403}


@pytest.mark.parametrize("proxies", [PROXY, "10.0.0.0/8"])
def test_behind_a_proxy_that_is_named_each_client_is_counted_by_itself(make_api: MakeApi, proxies: str) -> None:
    client = make_api(auth="required", trusted_proxies=proxies)
    until_refused(client, {"X-Forwarded-For": "203.0.113.7"})
    others = [fail(client, 1, {"X-Forwarded-For": f"203.0.113.{number}"})[0] for number in range(8, 18)]
    if proxies == PROXY:
        assert others == [401] * 10
        until_refused(client, {"X-Forwarded-For": "1.2.3.4, 203.0.113.7"})  # what it wrote itself counts for nothing
    else:
        assert 429 in others
