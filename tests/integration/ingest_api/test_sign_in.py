"""People sign in, do what their role may, and sign out."""

import re
from datetime import timedelta
from itertools import product

import pytest

from ingest_api.auth.route_scopes import ROUTE_SCOPES
from ingest_api.auth.sign_in import MOST_SESSIONS
from ingest_api.pages.served_file import WITHOUT_SCRIPTS
from tests.integration.ingest_api.sign_in_site import (
    COOKIE,
    PASSWORD,
    WRONG,
    Browser,
    MakeBrowser,
    MakeUser,
    SignedIn,
    failures,
    who,
)
from tests.integration.ingest_api.site import Site, assert_problem
from tests.integration.ingest_api.test_pages import Seen
from tests.integration.ingest_api.test_route_scopes import a_path
from tests.integration.ingest_api.token_site import Tokens, headers
from warehouse.contract.sign_ins import IDLE, LASTS, session_digest
from warehouse.contract.tokens import Scope, allowed_by
from warehouse.contract.users import SCOPE_OF_ROLE, Role
from warehouse.postgres.access.user_store import change_password, change_role, disable_user, enable_user, remove_user

pytestmark = pytest.mark.usefixtures("endless")


def test_a_person_signs_in_sees_who_it_is_and_signs_out(
    closed: Site, make_user: MakeUser, make_browser: MakeBrowser
) -> None:
    browser, name = make_browser(), make_user(Role.OPERATOR)
    led = browser.get("/docs?a=b%20c")
    assert (led.status_code, led.headers["location"]) == (303, "./login?next=docs%3Fa%3Db%2520c")
    page = browser.get("/login?next=docs%3Fa%3Db%2520c")
    assert page.status_code == 200
    assert 'name="next" value="docs?a=b%20c"' in page.text
    done = browser.sign_in(name.upper(), wanted="docs?a=b%20c")
    assert (done.status_code, done.headers["location"]) == (303, "./docs?a=b%20c")
    assert re.fullmatch(r"fleetwatt=fls_[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", done.headers["set-cookie"])
    front = browser.get("/")
    assert f"<strong>{name}</strong>, operator" in front.text
    assert front.headers["cache-control"] == "no-store"
    assert browser.get("/v1/meters").status_code == 200
    me = browser.client.get("/v1/me").json()
    assert (me["user"], me["role"], me["scopes"]) == (name, "operator", ["operate", "read"])
    assert me["csrfToken"] == browser.csrf
    assert browser.change(**browser.changing).status_code in (200, 201)
    was = browser.session
    out = browser.sign_out()
    assert (out.status_code, out.headers["location"]) == (303, "./login")
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert browser.session is None
    browser.client.cookies.set(COOKIE, was or "")
    assert browser.client.get("/v1/meters").status_code == 401
    assert closed.rows("SELECT signed_in_at IS NOT NULL FROM users") == [(True,)]


def test_the_page_needs_no_script_and_names_no_other_host(make_browser: MakeBrowser) -> None:
    page = make_browser().get("/login")
    assert page.headers["content-security-policy"] == WITHOUT_SCRIPTS
    assert "script" not in WITHOUT_SCRIPTS
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    seen = Seen(page.text)
    assert "<script" not in page.text
    assert seen.inline == []
    assert [link for link in seen.links if re.match(r"[a-z]+:|//", link)] == []
    for link in seen.links:
        if link.startswith("assets/"):
            assert make_browser().get(f"/{link}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/meters", "/v1/vehicles/v/sessions", "/metrics", "/nowhere"])
def test_without_a_session_a_browser_is_led_to_the_page_and_a_program_told(
    make_browser: MakeBrowser, path: str
) -> None:
    browser = make_browser()
    led = browser.get(path)
    assert led.status_code == 303
    there = str(led.next_request.url if led.next_request else "")
    assert there.startswith(f"{browser.origin}/login?next=" if path != "/" else f"{browser.origin}/login")
    assert_problem(browser.client.get(path), 401, "token_missing")
    assert_problem(browser.client.post(path, headers={"Accept": "text/html"}), 401, "token_missing")


@pytest.mark.parametrize("role", list(Role))
def test_each_route_opens_to_its_roles_alone(signed_in: SignedIn, role: Role) -> None:
    browser = signed_in(role)
    changing = browser.changing
    for (method, path), needed in ROUTE_SCOPES.items():
        if not isinstance(needed, Scope):
            continue
        answer = browser.client.request(method, a_path(path), headers=changing)
        may = needed in allowed_by([SCOPE_OF_ROLE[role]])
        assert (answer.status_code == 403) == (not may), (method, path, answer.text)
        if not may:
            assert f"the role {role}" in assert_problem(answer, 403, "scope_missing")["detail"]


def test_a_wrong_password_and_a_name_that_nobody_has_are_answered_alike(
    closed: Site, make_user: MakeUser, make_browser: MakeBrowser
) -> None:
    disabled, known = make_user(name="disabled"), make_user(name="known-to-us")
    disable_user(closed.connection, disabled)
    cases = [
        (known, WRONG),
        ("nobody-at-all", WRONG),
        (disabled, PASSWORD),
        ("", WRONG),
        ("x" * 200, WRONG),
        (known, ""),
    ]
    pages, problems = set(), set()
    for name, password in cases:
        page = make_browser().sign_in(name, password)
        assert page.status_code == 401
        assert "set-cookie" not in page.headers
        pages.add(page.text)
    closed.connection.execute("DELETE FROM failed_sign_ins WHERE kind = 'address'")
    for name, password in cases:
        browser = make_browser()
        problem = assert_problem(browser.sign_in(name, password, Accept="application/json"), 401, "sign_in_failed")
        problems.add(problem["detail"])
    assert len(pages) == len(problems) == 1
    assert "Name and password do not go together." in pages.pop()
    assert failures(closed) == {"account": [2, 2, 2, 2, 4], "address": [6]}


@pytest.mark.parametrize(
    "change",
    [
        lambda each, name: change_password(each, name, WRONG),
        lambda each, name: change_role(each, name, Role.ADMIN),
        disable_user,
        remove_user,
        lambda each, name: enable_user(each, disable_user(each, name).name),
    ],
    ids=["passwd", "role", "disable", "remove", "disable and enable"],
)
def test_what_changes_a_user_ends_what_is_open_at_once(
    closed: Site, make_user: MakeUser, make_browser: MakeBrowser, change: object
) -> None:
    name, other = make_user(), make_user()
    browsers = [make_browser() for _ in range(3)]
    for browser, each in zip(browsers, (name, name, other), strict=True):
        assert browser.sign_in(each).status_code == 303
    change(closed.connection, name)  # type: ignore[operator]
    assert [who(browser)[0] for browser in browsers] == [401, 401, 200]


def test_a_session_ends_when_it_is_idle_and_after_a_week(closed: Site, signed_in: SignedIn) -> None:
    for column, back in (("last_seen_at", IDLE), ("expires_at", LASTS)):
        browser = signed_in(Role.VIEWER)
        move = f"UPDATE user_sessions SET {column} = {column} - %s WHERE session_sha256 = %s".encode()
        digest = session_digest(browser.session or "")
        closed.connection.execute(move, [back - timedelta(minutes=1), digest])
        assert who(browser)[0] == 200
        closed.connection.execute(move, [timedelta(minutes=2) if column == "expires_at" else IDLE, digest])
        assert who(browser)[0] == 401


def test_a_request_keeps_a_session_awake(closed: Site, signed_in: SignedIn) -> None:
    browser = signed_in(Role.VIEWER)
    closed.connection.execute("UPDATE user_sessions SET last_seen_at = last_seen_at - interval '11 h'")
    assert who(browser)[0] == 200
    ((seen,),) = closed.rows("SELECT clock_timestamp() - last_seen_at FROM user_sessions")
    assert seen < timedelta(hours=1)


def test_the_oldest_of_many_sessions_makes_room(closed: Site, signed_in: SignedIn) -> None:
    first = signed_in(Role.VIEWER)
    ((user_id,),) = closed.rows("SELECT user_id FROM user_sessions")
    closed.connection.execute(
        "INSERT INTO user_sessions (session_sha256, user_id, expires_at)"
        " SELECT sha256(n::text::bytea), %s, now() + interval '1 d' FROM generate_series(1, %s) AS n",
        [user_id, MOST_SESSIONS],
    )
    ((name,),) = closed.rows("SELECT name FROM users")
    again = Browser(first.base_url)
    with again.client:
        assert again.sign_in(name).status_code == 303
        assert (who(first)[0], who(again)[0]) == (401, 200)
    assert closed.rows("SELECT count(*) FROM user_sessions") == [(MOST_SESSIONS,)]


def test_a_token_wins_over_a_cookie(signed_in: SignedIn, tokens: Tokens) -> None:
    browser = signed_in(Role.ADMIN)
    given = headers(tokens[Scope.READ])
    assert browser.client.get("/v1/me", headers=given).json() == {
        "user": None,
        "role": None,
        "scopes": ["read"],
        "csrfToken": None,
    }
    assert browser.client.post("/v1/mappings", json={}, headers={**given, **browser.changing}).status_code == 403
    assert browser.client.get("/v1/meters", headers=headers("x")).status_code == 401


def test_where_nobody_is_asked_there_is_nothing_to_sign_in_to(site: Site) -> None:
    browser = Browser(str(site.client.base_url))
    with browser.client:
        for answer in (browser.get("/login"), browser.sign_in("maria")):
            assert (answer.status_code, answer.headers["location"]) == (303, "./")
            assert "set-cookie" not in answer.headers
        assert "Sign" not in browser.get("/").text
        assert browser.client.get("/v1/me").json()["scopes"] == sorted(Scope)


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"name=a&name=b", "application/x-www-form-urlencoded", 422),
        (b"name=%ff", "application/x-www-form-urlencoded", 422),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"a=b&" * 20, "application/x-www-form-urlencoded", 422),
        (b"name=" + b"a" * 9000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_is_no_form_is_refused(closed: Site, body: bytes, media_type: str, status: int) -> None:
    for path in ("/login", "/logout"):
        answer = closed.client.post(path, content=body, headers={"Content-Type": media_type})
        assert answer.status_code == status, path


def test_methods_that_pages_do_not_use_are_refused(closed: Site, tokens: Tokens) -> None:
    given = headers(tokens[Scope.ADMIN])
    for method, path in product(("PUT", "DELETE"), ("/login", "/logout", "/v1/me")):
        assert closed.client.request(method, path, headers=given).status_code == 405
