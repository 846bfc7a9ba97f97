"""Ways to somebody else's session: fixed beforehand, forged, smuggled, used by a page of others."""

from collections.abc import Iterator

import pytest

from ingest_api.auth import sessions
from ingest_api.auth.route_scopes import ROUTE_SCOPES
from ingest_api.dagster_proxy.dagster_route import PAGES
from tests.conftest import MakeApi
from tests.integration.ingest_api.api_process import api_process
from tests.integration.ingest_api.raw_connection import raw_connection
from tests.integration.ingest_api.sign_in_site import (
    COOKIE,
    HTML,
    PASSWORD,
    WRONG,
    Browser,
    MakeBrowser,
    MakeUser,
    SignedIn,
    failures,
    who,
)
from tests.integration.ingest_api.site import Site, assert_problem, encode
from tests.integration.ingest_api.test_route_scopes import a_path
from tests.integration.ingest_api.token_site import ask
from warehouse.contract.sign_ins import csrf_token, new_session_id, session_digest
from warehouse.contract.tokens import Scope
from warehouse.contract.users import Role
from warehouse.postgres.access.user_store import add_user, disable_user
from warehouse.postgres.connection import connect

pytestmark = pytest.mark.usefixtures("endless")

EVIL = "https://evil.example"
CHANGES = sorted(
    (method, path)
    for (method, path), needed in ROUTE_SCOPES.items()
    if method != "GET" and isinstance(needed, Scope) and path != PAGES
)
"""But for those of Dagster's pages, which have no token of ours: test_dagster_pages.py."""


def test_a_session_that_was_fixed_beforehand_is_nobodys(
    closed: Site, make_user: MakeUser, make_browser: MakeBrowser, signed_in: SignedIn
) -> None:
    """An attacker's own, and one that was made up."""
    attacker, victim = signed_in(Role.VIEWER), make_user(Role.ADMIN)
    for fixed in (attacker.session or "", new_session_id()):
        browser = make_browser()
        browser.client.cookies.set(COOKIE, fixed)
        browser.client.cookies.clear()
        answer = browser.sign_in(victim, Cookie=f"{COOKIE}={fixed}")
        assert answer.status_code == 303
        assert browser.session not in (fixed, None)
        browser.client.cookies.clear()
        browser.client.cookies.set(COOKIE, fixed)
        assert who(browser)[0] == 401
    assert who(attacker)[0] == 401, "what the victim's browser brought has ended"


def test_a_sign_in_that_fails_leaves_the_session_as_it_was(signed_in: SignedIn) -> None:
    browser = signed_in(Role.VIEWER)
    before = who(browser)
    assert browser.sign_in("nobody", WRONG).status_code == 401
    assert who(browser) == before


def test_forged_cookies_open_nothing(signed_in: SignedIn, make_browser: MakeBrowser) -> None:
    session = signed_in(Role.ADMIN).session or ""
    flipped = [session[:at] + ("A" if session[at] != "A" else "B") + session[at + 1 :] for at in range(4, 47, 7)]
    forged = [
        *(
            *flipped,
            session[:-1],
            f"{session}A",
            session.upper(),
            f'"{session}"',
            f"{session},{session}",
            session * 1200,
        ),
        *(session_digest(session).hex(), csrf_token(session), f"fls_{csrf_token(session)[:43]}", "", "null", "1"),
        f"{session}; {COOKIE}={new_session_id()}",
        f"{new_session_id()}; {COOKIE}={session}",
    ]
    stranger = make_browser()
    for each in forged:
        status = stranger.client.get("/v1/me", headers={"Cookie": f"{COOKIE}={each}"}).status_code
        assert status in (400, 401, 431), each
    for header, value in (
        ("Cookie", f"__Host-{COOKIE}={session}"),
        ("Authorization", f"Bearer {session}"),
        ("Authorization", f"Cookie {COOKIE}={session}"),
        ("X-Cookie", f"{COOKIE}={session}"),
        ("Cookie2", f"{COOKIE}={session}"),
    ):
        assert stranger.client.get("/v1/me", headers={header: value}).status_code == 401, header
    for parameter in (COOKIE, "session", "csrf"):
        assert stranger.client.get("/v1/meters", params={parameter: session}).status_code == 401


@pytest.mark.parametrize(
    "line",
    [
        b"Cookie:\r\n fleetwatt=%s\r\n",
        b"X: y\r\n Cookie: fleetwatt=%s\r\n",
        b"Cookie : fleetwatt=%s\r\n",
        b"X: y\rCookie: fleetwatt=%s\r\n",
        b"X: y\nCookie: fleetwatt=%s\r\n",
        b"Cookie: a=b\x00; fleetwatt=%s\r\n",
        b"Cookie: fleetwatt=%s\r\nCookie: fleetwatt=fls_0000000000000000000000000000000000000000000\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\nCookie: fleetwatt=%s\r\n",
    ],
)
def test_a_cookie_that_is_smuggled_in_is_read_in_no_second_way(closed: Site, signed_in: SignedIn, line: bytes) -> None:
    smuggled = line % (signed_in(Role.VIEWER).session or "").encode()
    with raw_connection(closed.client.base_url.port or 0) as connection:
        assert ask(connection, b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + smuggled + b"\r\n") in (400, 401)


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_page_of_others_changes_nothing(signed_in: SignedIn, make_user: MakeUser, method: str, path: str) -> None:
    """By any route: the cookie alone is not enough, and neither of the two is without the other."""
    browser = signed_in(Role.ADMIN)
    own, token = browser.origin, browser.csrf
    port = browser.origin.rpartition(":")[2]
    foreign: list[dict[str, str]] = [
        {},
        {"Origin": own},
        {"X-CSRF-Token": token},
        {"Origin": EVIL, "X-CSRF-Token": token},
        {"Origin": "null", "X-CSRF-Token": token},
        {"Origin": f"http://127.0.0.1:{int(port) + 1}", "X-CSRF-Token": token},
        {"Origin": f"{own}.evil.example", "X-CSRF-Token": token},
        {"Origin": own, "X-CSRF-Token": csrf_token(new_session_id())},
        {"Origin": own, "X-CSRF-Token": f"{token}0"},
        {"Origin": own, "Cookie2": token, "X-XSRF-Token": token},
        {"Referer": f"{own}/docs", "X-CSRF-Token": token},
        {"Origin": EVIL, "X-CSRF-Token": token, "X-Forwarded-Host": "evil.example"},
    ]
    for headers in foreign:
        answer = browser.client.request(method, a_path(path), headers=headers, json={}, params={"csrf": token})
        assert_problem(answer, 403, "foreign_page")
        assert token not in answer.text
    mine = browser.client.request(method, a_path(path), headers=browser.changing, json={})
    assert mine.status_code in (200, 201, 400, 404, 409, 415, 422), mine.text


def test_another_users_token_is_not_mine(signed_in: SignedIn) -> None:
    one, other = signed_in(Role.OPERATOR), signed_in(Role.OPERATOR)
    assert one.csrf != other.csrf
    assert one.change(Origin=one.origin, **{"X-CSRF-Token": other.csrf}).status_code == 403


def test_a_page_of_others_signs_nobody_in_or_out(
    closed: Site, signed_in: SignedIn, make_user: MakeUser, make_browser: MakeBrowser
) -> None:
    browser, name = signed_in(Role.VIEWER), make_user()
    before = who(browser)
    for origin in (EVIL, "null", ""):
        answer = make_browser().sign_in(name, Origin=origin)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert browser.post("/logout", {"csrf": browser.csrf}, Origin=origin).status_code == 403
    for token in ("", csrf_token(new_session_id())):
        assert browser.post("/logout", {"csrf": token}).status_code == 403
    assert browser.client.get("/logout", headers=HTML).status_code in (303, 405)
    assert who(browser) == before
    assert failures(closed).get("account") is None, "it was not even counted"


def test_pages_of_other_origins_read_nothing_by_a_cookie(make_api: MakeApi, database_url: str) -> None:
    """Not even those that the settings name: they have tokens of their own."""
    dashboard = "https://dashboard.example"
    client = make_api(auth="required", cors_origins=dashboard)
    with connect(database_url) as connection:
        add_user(connection, "maria", Role.ADMIN, PASSWORD)
    browser = Browser(str(client.base_url))
    with browser.client:
        assert browser.sign_in("maria").status_code == 303
        for method, path, origin in (
            *(("GET", "/v1/me", dashboard), ("GET", "/v1/meters", EVIL), ("GET", "/v1/meters", dashboard)),
            *(("OPTIONS", "/v1/meters", dashboard), ("OPTIONS", "/v1/mappings", dashboard), ("GET", "/", dashboard)),
        ):
            asks = {"Origin": origin, "Access-Control-Request-Method": "POST" if "mappings" in path else "GET"}
            answer = browser.client.request(method, path, headers=asks)
            assert "access-control-allow-credentials" not in answer.headers
            allowed = answer.headers.get("access-control-allow-origin")
            assert allowed == (
                dashboard if origin == dashboard and path.startswith("/v1") and answer.is_success else None
            )
        answer = browser.change(**{**browser.changing, "Origin": dashboard})
        assert_problem(answer, 403, "foreign_page")


def test_behind_a_proxy_with_tls_the_cookie_is_this_hosts_alone(make_api: MakeApi, database_url: str) -> None:
    client = make_api(auth="required", trusted_proxies="127.0.0.1")
    with connect(database_url) as connection:
        add_user(connection, "maria", Role.OPERATOR, PASSWORD)
    through = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", "Host": "fleet.example"}
    browser = Browser(str(client.base_url), through)
    browser.origin = "https://fleet.example"
    with browser.client:
        answer = browser.sign_in("maria")
        cookie = answer.headers["set-cookie"]
        assert (answer.status_code, cookie.startswith(f"__Host-{COOKIE}=fls_")) == (303, True)
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        session = cookie.partition("=")[2].partition(";")[0]
        for name, status in ((f"__Host-{COOKIE}", 200), (COOKIE, 401)):
            assert browser.client.get("/v1/me", headers={"Cookie": f"{name}={session}"}).status_code == status
        given = {"Cookie": f"__Host-{COOKIE}={session}", "X-CSRF-Token": csrf_token(session)}
        for origin, status in (("http://fleet.example", 403), ("https://fleet.example", 201)):
            assert browser.change(**given, Origin=origin).status_code == status


def test_a_stranger_who_claims_tls_gets_the_plain_cookie(make_user: MakeUser, make_browser: MakeBrowser) -> None:
    browser = make_browser(**{"X-Forwarded-Proto": "https", "Forwarded": "proto=https"})
    answer = browser.sign_in(make_user())
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=fls_")


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_led_elsewhere_by_a_sign_in(make_user: MakeUser, make_browser: MakeBrowser, wanted: str) -> None:
    browser = make_browser()
    page = browser.client.get("/login", params={"next": wanted + '"><script>'}, headers=HTML)
    assert "<script" not in page.text
    assert browser.sign_in(make_user(), wanted=wanted).headers["location"] == "./"


def test_a_body_that_lasts_longer_than_its_session_changes_nothing(
    closed: Site, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOOKED_AT_FOR_S", 0.0)
    browser = signed_in(Role.ADMIN)
    ((name,),) = closed.rows("SELECT name FROM users")
    whole = encode({"vehicleId": "never-mapped", "meterId": "never-mapped"})

    def body() -> Iterator[bytes]:
        yield whole[:10]
        disable_user(closed.connection, name, even_last=True)
        yield whole[10:]

    given = {**browser.changing, "Content-Type": "application/json"}
    answer = browser.client.post("/v1/mappings", content=body(), headers=given)
    assert_problem(answer, 401, "token_invalid")
    assert not closed.is_registered("never-mapped")


def test_who_is_disabled_is_out_on_every_worker(database_url: str) -> None:
    with connect(database_url) as connection, api_process(database_url, auth="required", workers=2) as api:
        add_user(connection, "maria", Role.VIEWER, PASSWORD)
        browser = Browser(api.url)
        with browser.client:
            assert browser.sign_in("maria").status_code == 303
            cookie = {"Cookie": f"{COOKIE}={browser.session}", "Connection": "close"}
            assert {browser.client.get("/v1/meters", headers=cookie).status_code for _ in range(20)} == {200}
            disable_user(connection, "maria")
            assert {browser.client.get("/v1/meters", headers=cookie).status_code for _ in range(20)} <= {401, 429}
