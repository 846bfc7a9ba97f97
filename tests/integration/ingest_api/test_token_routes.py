"""``/v1/tokens``: an administrator makes, lists, revokes and rotates tokens, by the command line's own rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import MakeApi
from tests.integration.ingest_api.site import Site, assert_problem, until
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, REFUSED, MakeToken, Tokens, headers
from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.tokens import NewToken, Scope, parts_of
from warehouse.postgres.access.token_store import OVERLAP, TokenRequest, create_token, list_tokens

NOBODY = "nobody00"
CHARGER = {"name": "charger 7", "scopes": ["ingest"], "devices": ["meter-7", "site-7-*"], "expires": "90d"}


@pytest.fixture
def admin(closed: Site, tokens: Tokens) -> dict[str, str]:
    assert closed.client.get("/v1/tokens", headers=headers(tokens[Scope.ADMIN])).status_code == 200
    return headers(tokens[Scope.ADMIN])


def made(answer: httpx.Response) -> NewToken:
    """The token of an answer, which has nothing else and is kept nowhere."""
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found.keys() == {"tokenId", "token"}
    parts = parts_of(found["token"].encode())
    assert parts is not None
    assert parts[0].decode() == found["tokenId"]
    return NewToken(found["tokenId"], parts[1].decode())


def listed(site: Site, admin: dict[str, str]) -> dict[str, dict[str, Any]]:
    answer = site.client.get("/v1/tokens", params={"limit": 1000}, headers=admin)
    assert answer.headers["cache-control"] == "no-store"
    return {each["tokenId"]: each for each in answer.json()["items"]}


def test_a_token_is_made_used_rotated_and_revoked(closed: Site, admin: dict[str, str]) -> None:
    post, get = closed.client.post, closed.client.get
    first = made(post("/v1/tokens", json={"name": "dashboard", "scopes": ["read"]}, headers=admin))
    until(lambda: get("/v1/meters", headers=headers(first)).status_code == 200)
    heir = made(post(f"/v1/tokens/{first.token_id}/rotate", json={"overlap": "0h"}, headers=admin))
    until(lambda: get("/v1/meters", headers=headers(heir)).status_code == 200)
    until(lambda: get("/v1/meters", headers=headers(first)).status_code in REFUSED)
    for _ in range(2):  # the same again changes nothing
        revoked = post(f"/v1/tokens/{heir.token_id}/revoke", headers=admin)
        assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    until(lambda: get("/v1/meters", headers=headers(heir)).status_code in REFUSED)
    states = {each: listed(closed, admin)[each]["state"] for each in (first.token_id, heir.token_id)}
    assert states == {first.token_id: "expired", heir.token_id: "revoked"}
    answer = post(f"/v1/tokens/{heir.token_id}/rotate", headers=admin)
    assert "revoked" in assert_problem(answer, 422, "invalid_request")["detail"]


def test_what_is_listed_is_what_the_store_has(closed: Site, admin: dict[str, str]) -> None:
    token = made(closed.client.post("/v1/tokens", json=CHARGER, headers=admin))
    found = listed(closed, admin)[token.token_id]
    assert (found["name"], found["scopes"], found["devices"], found["state"], found["lastUsedAt"]) == (
        *("charger 7", ["ingest"], ["meter-7", "site-7-*"], "valid", None),
    )
    lasts = datetime.fromisoformat(found["expiresAt"]) - datetime.fromisoformat(found["createdAt"])
    assert abs(lasts - timedelta(days=90)) < timedelta(minutes=1)
    rotated = closed.client.post(f"/v1/tokens/{token.token_id}/rotate", headers=admin)
    heir = listed(closed, admin)[made(rotated).token_id]
    assert (heir["name"], heir["scopes"], heir["devices"]) == (found["name"], found["scopes"], found["devices"])
    ends_at = datetime.fromisoformat(listed(closed, admin)[token.token_id]["expiresAt"])
    assert ends_at <= datetime.now(UTC) + OVERLAP
    text = closed.client.get("/v1/tokens", params={"limit": 1000}, headers=admin).text
    assert token.secret not in text
    assert token.digest.hex() not in text
    assert {each.token_id for each in list_tokens(closed.connection)} == listed(closed, admin).keys()


def test_pages_are_in_the_order_of_ids(closed: Site, admin: dict[str, str], make_token: MakeToken) -> None:
    make_token(Scope.READ)
    cursor: str | None = ""
    seen: list[str] = []
    while cursor is not None:
        page = closed.client.get("/v1/tokens", params={"limit": 2, "cursor": cursor}, headers=admin).json()
        seen += [each["tokenId"] for each in page["items"]]
        cursor = page["nextCursor"]
    assert seen == [each.token_id for each in list_tokens(closed.connection)]


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": " "},
        {"name": "x" * 201},
        {"name": "\x1b[2J"},
        {"scopes": []},
        {"scopes": ["all"]},
        {"scopes": "ingest"},
        {"scopes": ["ingest", "read"]},
        {"devices": []},
        {"devices": ["*"]},
        {"devices": ["meter 7"]},
        {"devices": "meter-7"},
        {"expires": "0d"},
        {"expires": "4000d"},
        {"expires": "soon"},
        {"expires": 90},
        {"secret": "x"},
        {"name": None},
    ],
)
def test_what_cannot_be_is_refused_and_makes_nothing(
    closed: Site, admin: dict[str, str], change: dict[str, Any]
) -> None:
    before = listed(closed, admin)
    answer = closed.client.post("/v1/tokens", json={**CHARGER, **change}, headers=admin)
    assert_problem(answer, 422, "invalid_request")
    assert listed(closed, admin).keys() == before.keys()


def test_the_rules_and_their_words_are_the_command_lines(closed: Site, admin: dict[str, str]) -> None:
    answer = closed.client.post("/v1/tokens", json={**CHARGER, "scopes": ["read"]}, headers=admin)
    with pytest.raises(InvalidRequestError) as refused:
        create_token(closed.connection, TokenRequest("charger 7", [Scope.READ], ["meter-7"]))
    assert answer.json()["detail"] == refused.value.detail


@pytest.mark.parametrize("act", ["revoke", "rotate"])
def test_a_token_that_is_none(closed: Site, admin: dict[str, str], act: str) -> None:
    assert_problem(closed.client.post(f"/v1/tokens/{NOBODY}/{act}", headers=admin), 404, "token_not_found")
    assert closed.client.post(f"/v1/tokens/no-id/{act}", headers=admin).status_code == 422
    answer = closed.client.post(f"/v1/tokens/{NOBODY}/rotate", json={"overlap": "31d"}, headers=admin)
    assert_problem(answer, 422, "invalid_request")


def test_where_nobody_is_asked_nobody_is_served(site: Site) -> None:
    """Else a page in the operator's browser could make itself a token, for when somebody is asked."""
    created = create_token(site.connection, TokenRequest("a", [Scope.ADMIN]))
    for method, path in (
        *(("GET", "/v1/tokens"), ("POST", "/v1/tokens")),
        *(("POST", f"/v1/tokens/{created.token_id}/{act}") for act in ("revoke", "rotate")),
    ):
        body = CHARGER if path == "/v1/tokens" and method == "POST" else None
        for given in ({}, headers(created)):
            answer = site.client.request(method, path, json=body, headers=given)
            assert "fleetwatt tokens" in assert_problem(answer, 403, "tokens_not_served")["detail"]
    assert [each.revoked_at for each in list_tokens(site.connection)] == [None]


def test_on_one_machine_who_has_the_administrators_token_is_served(
    make_api: MakeApi, connection: psycopg.Connection
) -> None:
    client = make_api(admin_token=ADMIN_TOKEN)
    assert client.get("/v1/tokens").status_code == 401
    token = made(client.post("/v1/tokens", json=CHARGER, headers=headers(ADMIN_TOKEN)))
    assert [each.token_id for each in list_tokens(connection)] == [token.token_id]
    assert client.post("/v1/tokens", json=CHARGER).status_code == 401
