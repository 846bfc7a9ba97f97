"""Each change over HTTP makes one entry of the audit log, by whoever sent it; ``GET /v1/audit`` shows them."""

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from ingest_api.auth.acting_caller import TOKEN_OF_SETTINGS
from ingest_api.auth.route_scopes import ROUTE_SCOPES
from tests.audited import audited, audited_by, told
from tests.conftest import MakeApi
from tests.factories import meter_payload, vehicle_payload
from tests.integration.ingest_api.json_schema import faults
from tests.integration.ingest_api.sign_in_site import PASSWORD, WRONG, Browser, MakeBrowser, MakeUser, SignedIn
from tests.integration.ingest_api.site import Site, assert_problem, new_id
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, Tokens, headers
from tests.stored_findings import add_finding
from warehouse.contract.audit import Action
from warehouse.contract.tokens import NewToken, Scope
from warehouse.contract.users import Role
from warehouse.postgres.access.token_store import TokenRequest, create_token

READS = {"GET", "HEAD"}
WITHOUT = {("POST", "/v1/telemetry"), ("POST", "/dagster/{path:path}")}
"""Readings are no acts: nobody could find an act among them. Dagster's questions: ``test_dagster_changes.py``."""
CHANGES = sorted(route for route in ROUTE_SCOPES if route[0] not in READS and route not in WITHOUT)
Send = Callable[..., httpx.Response]
Way = Callable[[Send], httpx.Response]


class Stand:
    """What a route needs to change something, made anew for each."""

    def __init__(
        self, site: Site, browser: Callable[[], Browser], signed_in: Callable[[], Browser], user: Callable[[], str]
    ) -> None:
        self.site = site
        self.browser = browser
        self.signed_in = signed_in
        self.user = user

    def token(self) -> str:
        return create_token(self.site.connection, TokenRequest("a test's", [Scope.READ])).token_id

    def mapping(self) -> int:
        body = {"vehicleId": new_id("veh"), "meterId": new_id("meter")}
        made: int = self.site.client.post("/v1/mappings", json=body, headers=headers(ADMIN_TOKEN)).json()["id"]
        return made

    def correction(self) -> Way:
        reading = meter_payload(meterId=new_id("meter"))
        self.site.client.post("/v1/telemetry", json=reading, headers=headers(ADMIN_TOKEN))
        said = {"device": reading["meterId"], "from": reading["timestamp"], "action": "void", "why": "a corrupt row"}
        return _to("POST", "/v1/corrections", **said)

    def finding(self, **given: Any) -> UUID:
        number = int(new_id().rpartition("-")[2])
        return add_finding(self.site.connection, 1_000 + number, **given)


def finding_act(act: str, **body: Any) -> Callable[[Stand], Way]:
    state: dict[str, Any] = {"state": "acknowledged"} if act == "reopen" else {}
    return lambda stand: _to("POST", f"/v1/findings/{stand.finding(**state)}/{act}", who="ann", **body)


def _to(method: str, path: str, **body: Any) -> Way:
    return lambda send: send(method, path, json=body) if body else send(method, path)


def _sign_in(browser: Browser, name: str) -> Way:
    return lambda _: browser.sign_in(name)


def _sign_out(browser: Browser) -> Way:
    return lambda _: browser.sign_out()


def _change_password(browser: Browser) -> Way:
    wanted = {"oldPassword": PASSWORD, "newPassword": f"{PASSWORD} of another kind"}
    changing = browser.changing
    return lambda _: browser.client.post("/v1/me/password", json=wanted, headers=changing)


WAYS: Mapping[tuple[str, str], Callable[[Stand], Way]] = {
    ("PATCH", "/v1/meters/{meterId}"): lambda _: (
        lambda send: send("PATCH", f"/v1/meters/{new_id()}", json={"model": "x"})
    ),
    ("PATCH", "/v1/vehicles/{vehicleId}"): lambda _: (
        lambda send: send("PATCH", f"/v1/vehicles/{new_id()}", json={"maxPowerKw": 22})
    ),
    ("POST", "/v1/mappings"): lambda _: (
        lambda send: send("POST", "/v1/mappings", json={"vehicleId": new_id(), "meterId": new_id()})
    ),
    ("DELETE", "/v1/mappings/{id}"): lambda stand: _to("DELETE", f"/v1/mappings/{stand.mapping()}"),
    ("POST", "/v1/corrections"): lambda stand: stand.correction(),
    ("POST", "/v1/findings/{id}/acknowledge"): finding_act("acknowledge", note="ordered"),
    ("POST", "/v1/findings/{id}/snooze"): finding_act("snooze", until="2099-01-01T00:00:00Z"),
    ("POST", "/v1/findings/{id}/accept"): finding_act("accept"),
    ("POST", "/v1/findings/{id}/resolve"): finding_act("resolve"),
    ("POST", "/v1/findings/{id}/reopen"): finding_act("reopen"),
    ("POST", "/v1/findings/{id}/assign"): finding_act("assign", assignee="bob"),
    ("POST", "/v1/findings/{id}/note"): finding_act("note", note="it hums"),
    ("POST", "/v1/tokens"): lambda _: _to("POST", "/v1/tokens", name="x", scopes=["read"]),
    ("POST", "/v1/tokens/{id}/revoke"): lambda stand: _to("POST", f"/v1/tokens/{stand.token()}/revoke"),
    ("POST", "/v1/tokens/{id}/rotate"): lambda stand: _to("POST", f"/v1/tokens/{stand.token()}/rotate"),
    ("POST", "/login"): lambda stand: _sign_in(stand.browser(), stand.user()),
    ("POST", "/logout"): lambda stand: _sign_out(stand.signed_in()),
    ("POST", "/v1/me/password"): lambda stand: _change_password(stand.signed_in()),
}
"""How each route changes something: made ready first, and then sent by whoever is to."""
BY_PEOPLE = {("POST", "/login"), ("POST", "/logout"), ("POST", "/v1/me/password")}


@pytest.fixture
def stand(closed: Site, make_user: MakeUser, make_browser: MakeBrowser, signed_in: SignedIn) -> Stand:
    return Stand(closed, make_browser, lambda: signed_in(Role.VIEWER), make_user)


def test_each_route_that_changes_something_is_looked_at() -> None:
    assert sorted(WAYS) == CHANGES, "say here how the new route changes something, and have it write an entry"


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_each_change_makes_one_entry(closed: Site, stand: Stand, tokens: Tokens, method: str, path: str) -> None:
    token = tokens[Scope.ADMIN]
    way = WAYS[method, path](stand)
    answers: list[httpx.Response] = []

    def send(verb: str, where: str, **more: Any) -> httpx.Response:
        return closed.client.request(verb, where, headers={**headers(token), "X-Request-Id": "of-a-test"}, **more)

    found = audited_by(closed.connection, lambda: answers.append(way(send)))
    assert answers[0].status_code in (200, 201, 303), answers[0].text
    assert len(found) == 1, found
    entry = found[0]
    assert entry["action"] in set(Action)
    assert entry["request_id"] == answers[0].headers["x-request-id"]
    assert entry["address"] == "127.0.0.1"
    if (method, path) in BY_PEOPLE:
        assert (entry["actor_kind"], entry["token_id"]) == ("user", None)
        assert entry["actor_name"] == entry["subject"]
    else:
        assert entry["request_id"] == "of-a-test"
        assert (entry["actor_kind"], entry["actor_name"]) == ("token", "a test's")
        assert entry["token_id"] == token.token_id
        assert entry["before"] != entry["after"]


@pytest.mark.parametrize(("method", "path"), sorted(set(CHANGES) - BY_PEOPLE))
def test_the_same_again_makes_no_entry_unless_it_changes_something_again(
    closed: Site, stand: Stand, method: str, path: str
) -> None:
    requests: list[tuple[str, str, dict[str, Any]]] = []

    def send(verb: str, where: str, **more: Any) -> httpx.Response:
        requests.append((verb, where, more))
        return closed.client.request(verb, where, headers=headers(ADMIN_TOKEN), **more)

    WAYS[method, path](stand)(send)
    verb, where, more = requests[0]
    answers: list[httpx.Response] = []
    again = audited_by(
        closed.connection,
        lambda: answers.append(closed.client.request(verb, where, headers=headers(ADMIN_TOKEN), **more)),
    )
    changes_again = answers[0].status_code == 201
    assert len(again) == changes_again, (answers[0].text, again)


@pytest.mark.usefixtures("endless")
def test_what_is_refused_and_what_only_reads_makes_no_entry(closed: Site, tokens: Tokens) -> None:
    def ask() -> None:
        for method, path in ROUTE_SCOPES:
            where = path.replace("{id}", "3f2a9c01-52d4-5e0b-9a57-0d4c1f6f7a11")
            for given in ({}, headers(tokens[Scope.INGEST]), headers(ADMIN_TOKEN)):
                with closed.client.stream(method, where, headers=given) as answer:  # one never ends
                    assert method in READS or answer.status_code >= 400 or path.startswith("/log"), (method, path)

    assert audited_by(closed.connection, ask) == []


def test_readings_make_no_entry(closed: Site, tokens: Tokens) -> None:
    def send() -> None:
        for body in (meter_payload(), [vehicle_payload(), meter_payload()], {"meterId": 1}):
            closed.client.post("/v1/telemetry", json=body, headers=headers(tokens[Scope.INGEST]))

    assert audited_by(closed.connection, send) == []


def test_settings_are_told_as_they_were_and_as_they_are(closed: Site) -> None:
    meter = new_id("meter")

    def change() -> None:
        for settings in ({"model": "a", "maxPowerKw": 22}, {"model": "b", "maxPowerKw": 22}, {"model": "b"}, {}):
            answer = closed.client.patch(f"/v1/meters/{meter}", json=settings, headers=headers(ADMIN_TOKEN))
            assert answer.status_code == 200

    found = audited_by(closed.connection, change)
    assert [told(each) for each in found] == [
        ("device.change", f"meter {meter}", None, {"model": "a", "max_power_kw": 22.0}),
        ("device.change", f"meter {meter}", {"model": "a"}, {"model": "b"}),
    ]
    assert {each["actor_name"] for each in found} == {TOKEN_OF_SETTINGS}


def test_a_fleet_that_is_mapped_is_an_entry_for_each_vehicle(closed: Site) -> None:
    names = [new_id("veh") for _ in range(30)]
    body = [{"vehicleId": name, "meterId": f"m-{name}"} for name in names]
    post = closed.client.post
    found = audited_by(closed.connection, lambda: post("/v1/mappings", json=body, headers=headers(ADMIN_TOKEN)))
    assert [each["subject"] for each in found] == names
    assert {(each["action"], each["subject_kind"], each["before"]) for each in found} == {
        ("mapping.create", "vehicle", None)
    }
    moved = {"vehicleId": names[0], "meterId": "another", "validFrom": "2026-02-08T00:00:00Z"}
    (entry,) = audited_by(closed.connection, lambda: post("/v1/mappings", json=moved, headers=headers(ADMIN_TOKEN)))
    assert (entry["before"]["meter_id"], entry["before"]["valid_to"]) == (f"m-{names[0]}", None)
    assert (entry["after"]["meter_id"], entry["after"]["valid_from"]) == ("another", "2026-02-08T00:00:00+00:00")


def test_a_wrong_password_is_told_of_a_user_and_not_of_what_nobody_is_called(
    closed: Site, make_user: MakeUser, make_browser: MakeBrowser
) -> None:
    name, browser = make_user(), make_browser()
    (entry,) = audited_by(closed.connection, lambda: browser.sign_in(name.upper(), WRONG))
    assert told(entry) == ("session.refuse", f"user {name}", None, None)
    assert (entry["actor_kind"], entry["actor_name"], entry["address"]) == ("anonymous", None, "127.0.0.1")
    assert audited_by(closed.connection, lambda: browser.sign_in(PASSWORD, WRONG)) == [], "people type passwords there"


def test_who_is_signed_in_is_told_by_name(closed: Site, signed_in: SignedIn) -> None:
    browser = signed_in(Role.OPERATOR)
    body = {"vehicleId": new_id(), "meterId": new_id()}
    (entry,) = audited_by(
        closed.connection, lambda: browser.client.post("/v1/mappings", json=body, headers=browser.changing)
    )
    assert (entry["actor_kind"], entry["token_id"]) == ("user", None)
    assert entry["actor_name"].startswith("user-")


def test_where_nobody_is_asked_it_is_anonymous(make_api: MakeApi, connection: psycopg.Connection) -> None:
    api = make_api()
    (entry,) = audited_by(connection, lambda: api.patch("/v1/meters/meter-1", json={"model": "x"}))
    assert (entry["actor_kind"], entry["actor_name"], entry["address"]) == ("anonymous", None, "127.0.0.1")


def test_the_client_behind_a_proxy_is_told(make_api: MakeApi, connection: psycopg.Connection) -> None:
    api = make_api(trusted_proxies="127.0.0.1")
    given = {"X-Forwarded-For": "198.51.100.7, 2001:db8::7"}
    (entry,) = audited_by(connection, lambda: api.patch("/v1/meters/m", json={"model": "x"}, headers=given))
    assert entry["address"] == "2001:db8::7"


def test_no_secret_gets_into_it(closed: Site, make_user: MakeUser, make_browser: MakeBrowser) -> None:
    """Wherever one may be sent."""
    canary = NewToken.make()
    sent = {**headers(ADMIN_TOKEN), "X-Request-Id": str(canary)[:64]}
    browser, name = make_browser(), make_user()

    def send() -> None:
        made = closed.client.post("/v1/tokens", json={"name": f"for {canary}", "scopes": ["read"]}, headers=sent).json()
        secrets.append(made["token"][-43:])
        closed.client.post(f"/v1/tokens/{made['tokenId']}/rotate", headers=sent)
        closed.client.patch(f"/v1/meters/{new_id()}", json={"model": str(canary)}, headers=sent)
        browser.sign_in(name)
        secrets.append(browser.session or "")
        browser.sign_in(name, WRONG)
        browser.sign_out()

    secrets = [canary.secret, PASSWORD, WRONG, ADMIN_TOKEN]
    found = audited_by(closed.connection, send)
    assert len(found) == 6
    assert not [each for each in secrets if each in str(found)]


# --- GET /v1/audit --------------------------------------------------------------------------------------------------


def shown(site: Site, **query: object) -> dict[str, Any]:
    params = {name: str(value) for name, value in query.items()}
    answer = site.client.get("/v1/audit", params=params, headers=headers(ADMIN_TOKEN))
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def test_it_is_shown_as_it_is_documented(closed: Site) -> None:
    meter = new_id("meter")
    sent = {**headers(ADMIN_TOKEN), "X-Request-Id": "shown"}
    closed.client.patch(f"/v1/meters/{meter}", json={"displayName": "bay 4"}, headers=sent)
    page = shown(closed, subject=meter)
    (entry,) = page["items"]
    assert page["nextCursor"] is None
    assert (
        entry.items()
        >= {
            "actor": {"kind": "token", "name": TOKEN_OF_SETTINGS, "tokenId": None},
            "action": "device.change",
            "subjectKind": "meter",
            "subject": meter,
            "before": None,
            "after": {"display_name": "bay 4"},
            "requestId": "shown",
            "address": "127.0.0.1",
        }.items()
    )
    document = closed.client.get("/openapi.json", headers=headers(ADMIN_TOKEN)).json()
    assert list(faults(page, document["components"]["schemas"]["Entries"], document)) == []


def test_it_is_shown_as_a_table_too(closed: Site) -> None:
    meter = new_id("meter")
    closed.client.patch(f"/v1/meters/{meter}", json={"displayName": "=1+1"}, headers=headers(ADMIN_TOKEN))
    answer = closed.client.get(
        "/v1/audit", params={"subject": meter}, headers={**headers(ADMIN_TOKEN), "Accept": "text/csv"}
    )
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["actor.name"], row["action"], row["subject"]) == (TOKEN_OF_SETTINGS, "device.change", meter)
    assert row["after"] == "display_name='=1+1"


def test_each_entry_is_on_one_page(closed: Site) -> None:
    for number in range(5):
        closed.client.patch(f"/v1/meters/{new_id()}", json={"model": str(number)}, headers=headers(ADMIN_TOKEN))
    everything = [each["entry_id"] for each in reversed(audited(closed.connection))]
    seen: list[int] = []
    query: dict[str, object] = {"limit": 3}
    while True:
        page = shown(closed, **query)
        seen += [each["entryId"] for each in page["items"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == everything


def test_it_is_asked_by_who_what_and_when(closed: Site) -> None:
    closed.client.patch(f"/v1/meters/{new_id()}", json={"model": "x"}, headers=headers(ADMIN_TOKEN))
    of_both = shown(closed, action="device.change,user.add", limit=1000)["items"]
    assert {"device.change"} <= {each["action"] for each in of_both} <= {"device.change", "user.add"}
    assert {each["actor"]["name"] for each in shown(closed, actor="token")["items"]} >= {TOKEN_OF_SETTINGS}
    assert shown(closed, actor="nobo\0dy")["items"] == []
    assert shown(closed, until="2026-02-08T00:00:00Z")["items"] == []
    for wrong in ({"action": "x"}, {"limit": 0}, {"cursor": "x"}, {"since": "yesterday"}, {"when": "now"}):
        answer = closed.client.get("/v1/audit", params=wrong, headers=headers(ADMIN_TOKEN))
        assert answer.status_code == 422, wrong


def test_it_is_for_administrators(closed: Site, tokens: Tokens) -> None:
    for scope in set(Scope) - {Scope.ADMIN}:
        assert_problem(closed.client.get("/v1/audit", headers=headers(tokens[scope])), 403, "scope_missing")
