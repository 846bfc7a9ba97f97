"""On this machine alone: where an administrator's token is set, changes ask for it; nothing else does."""

from typing import Any

import httpx
import pytest

from ingest_api.http.rate_limit import RateLimit
from tests.conftest import MakeApi
from tests.factories import meter_payload
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem

TOKEN = "pass-word-of-the-administrator-01"  # noqa: S105 - a test's own
CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/mappings", {"vehicleId": "%s", "meterId": "%s"}),
    ("POST", "/v1/mappings", []),
    ("DELETE", "/v1/mappings/1", None),
    ("PATCH", "/v1/meters/%s", {}),
    ("PATCH", "/v1/vehicles/%s", {"model": "x"}),
]
ACTS = [
    ("POST", f"/v1/findings/3f2a9c01-52d4-5e0b-9a57-0d4c1f6f7a11/{act}", {"who": "ann"})
    for act in ("acknowledge", "snooze", "accept", "resolve", "reopen", "assign")
]


def changed(client: httpx.Client, change: tuple[str, str, Any], device: str, authorization: bytes) -> httpx.Response:
    """Ask for a change of this device with these credentials."""
    method, path, body = change
    if isinstance(body, dict):
        body = {name: value.replace("%s", device) for name, value in body.items()}
    headers = [(b"authorization", authorization)] if authorization else []
    return client.request(method, path.replace("%s", device), json=body, headers=headers)


@pytest.fixture(scope="module")
def guarded(make_site: MakeSite) -> httpx.Client:
    return make_site(admin_token=TOKEN).client


@pytest.mark.parametrize("change", CHANGES + ACTS, ids=lambda change: f"{change[0]} {change[1]}")
def test_a_change_without_the_token_is_refused(
    guarded: httpx.Client, change: tuple[str, str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RateLimit, "check", lambda *_: None)
    credentials = [
        "",
        "Bearer",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        "Bearer päss-word-of-the-administrator-01",
    ]
    for given in credentials:
        answer = changed(guarded, change, "refused", given.encode())
        assert_problem(answer, 401, "token_invalid" if given else "token_missing")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert TOKEN not in answer.text
    assert guarded.get("/v1/mappings", params={"vehicleId": "refused"}).json()["items"] == []
    assert guarded.get("/v1/meters/refused").status_code == 404


def test_a_change_with_the_token_passes(guarded: httpx.Client) -> None:
    for authorization in (f"Bearer {TOKEN}", f"bearer {TOKEN}"):
        for change in CHANGES:
            assert changed(guarded, change, "welcome", authorization.encode()).is_success
    assert guarded.get("/v1/vehicles/welcome").json()["settings"]["model"] == "x"


def test_what_changes_nothing_asks_for_no_token(guarded: httpx.Client) -> None:
    assert guarded.post("/v1/telemetry", json=meter_payload()).status_code == 201
    for path in ("/v1/meters", "/v1/meters/meter-1", "/v1/vehicles", "/v1/mappings", "/health", "/openapi.json"):
        assert guarded.get(path).status_code == 200


def test_an_invalid_change_without_the_token_says_nothing_of_what_is_wrong_with_it(
    guarded: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RateLimit, "check", lambda *_: None)
    for body in (b'{"maxPowerKw": -1}', b"{", b"\xff"):
        answer = guarded.patch("/v1/meters/m", content=body, headers={"Content-Type": "application/json"})
        assert_problem(answer, 401, "token_missing")


def test_where_no_token_is_set_none_is_asked_for(site: Site) -> None:
    for authorization in (b"", b"Bearer anything"):
        assert changed(site.client, ("PATCH", "/v1/meters/%s", {}), "open", authorization).status_code == 200


def test_the_token_comes_from_the_environment(make_api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_ADMIN_TOKEN", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
    client = make_api()
    assert client.patch("/v1/meters/m", json={}).status_code == 401
    assert (
        client.patch(
            "/v1/meters/m", json={}, headers={"Authorization": "Bearer xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}
        ).status_code
        == 200
    )
