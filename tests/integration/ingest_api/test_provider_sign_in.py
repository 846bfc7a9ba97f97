"""Signing in by OpenID Connect: who comes in, as whom, and what a provider or a stranger may not make us believe."""

import base64
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from ingest_api.oidc import fetching
from ingest_api.oidc import provider as provider_module
from tests.audited import audited_by, told
from tests.integration.ingest_api.forged_provider import CLIENT_ID, CLIENT_SECRET, ForgedProvider, forged_provider
from tests.integration.ingest_api.sign_in_site import Browser, MakeBrowser, MakeUser, who
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem
from tests.integration.ingest_api.token_site import ADMIN_TOKEN
from tests.ports import free_port
from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.users import Role
from warehouse.postgres.access.user_store import change_password, disable_user, list_users

BACK = "/login/provider/back"
ATTEMPT = "fleetwatt-sign-in"

pytestmark = pytest.mark.usefixtures("endless")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider on a busy machine takes its time."""
    monkeypatch.setattr(fetching, "WITHIN_S", 60.0)


@pytest.fixture
def provider(site_provider: ForgedProvider) -> Iterator[ForgedProvider]:
    before = dict(vars(site_provider))
    site_provider.asked.clear()
    yield site_provider
    vars(site_provider).update(before)


@pytest.fixture(scope="module")
def site_provider() -> Iterator[ForgedProvider]:
    with forged_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def closed(make_site: MakeSite, site_provider: ForgedProvider) -> Site:
    return make_site(
        auth="required",
        admin_token=ADMIN_TOKEN,
        public_url="http://127.0.0.1:3000",
        oidc_issuer=site_provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
    )


@pytest.fixture
def browser(make_browser: MakeBrowser, make_user: MakeUser) -> Browser:
    make_user  # noqa: B018 - takes all users away at the end
    return make_browser()


def begin(browser: Browser, wanted: str = "") -> str:
    """The address at the provider that the browser is led to."""
    answer = browser.get(f"/login/provider?next={quote(wanted, safe='')}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def come_back(browser: Browser, parameters: dict[str, str]) -> httpx.Response:
    return browser.client.get(BACK, params=parameters, headers={"Accept": "text/html"})


def sign_in(browser: Browser, provider: ForgedProvider, wanted: str = "") -> httpx.Response:
    return come_back(browser, provider.let_in(begin(browser, wanted)))


def assert_refused(answer: httpx.Response, browser: Browser, code: str = "provider_refused") -> None:
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"../../login?told={code}")
    assert "fleetwatt=fls_" not in answer.headers.get("set-cookie", "")
    assert who(browser)[0] == 401
    page = browser.get(f"/login?told={code}").text
    assert 'role="alert"' in page


def test_the_page_leads_to_the_provider_and_back_to_where_somebody_wanted_to_go(
    browser: Browser, provider: ForgedProvider, closed: Site
) -> None:
    page = browser.get("/login?next=docs").text
    assert f'href="login/provider?next=docs">Sign in by {provider.issuer.removeprefix("http://")}</a>' in page
    answer = sign_in(browser, provider, "docs?a=b")
    assert (answer.status_code, answer.headers["location"]) == (303, "../../docs?a=b")
    assert who(browser) == (200, "maria")
    (user,) = list_users(closed.connection)
    assert (user.name, user.role, user.issuer) == ("maria", "operator", provider.issuer)
    basic = base64.b64decode((provider.authorizations[-1] or "").removeprefix("Basic ")).decode()
    assert [unquote(part) for part in basic.split(":")] == [CLIENT_ID, CLIENT_SECRET]
    assert provider.asked[-1]["redirect_uri"] == f"http://127.0.0.1:3000{BACK}"
    assert browser.client.cookies.get(ATTEMPT) is None, "it is of use once"
    assert browser.change(**browser.changing).status_code in (200, 201)


def test_without_one_there_is_no_way_to_it(make_site: MakeSite) -> None:
    site = make_site(auth="required", admin_token=ADMIN_TOKEN)
    assert "login/provider" not in site.client.get("/login").text
    for path in ("/login/provider", BACK):
        assert_problem(site.client.get(path), 404, "not_found")


def test_who_comes_again_is_the_same_user_with_the_role_of_today(
    browser: Browser, provider: ForgedProvider, closed: Site
) -> None:
    for roles, role in ((["viewer", "else"], "viewer"), (["viewer", "admin"], "admin"), ("operator", "operator")):
        provider.changes = {"roles": roles, "preferred_username": f"maria-as-{role}"}
        sign_in(browser, provider)
        (user,) = list_users(closed.connection)
        assert (user.name, user.role) == ("maria-as-viewer", role)
        assert who(browser) == (200, "maria-as-viewer")


def test_each_sign_in_and_what_it_changes_is_written_down(
    browser: Browser, provider: ForgedProvider, closed: Site
) -> None:
    def written(**changes: Any) -> list[Any]:
        provider.changes = changes
        found = audited_by(closed.connection, lambda: sign_in(browser, provider))
        assert {(each["actor_kind"], each["actor_name"], each["address"]) for each in found} <= {
            ("user", "maria", "127.0.0.1")
        }
        return [told(each) for each in found]

    begin = ("session.begin", "user maria", None, None)
    added = {"role": "operator", "issuer": provider.issuer}
    assert written() == [("user.add", "user maria", None, added), begin]
    assert written() == [begin]
    changed = ("user.role", "user maria", {"role": "operator"}, {"role": "admin"})
    assert written(roles=["admin"]) == [changed, begin]
    refused = ("session.refuse", "user maria", None, None)
    assert written(roles=[]) == [refused], "who had a role and has none any more"
    disable_user(closed.connection, "maria", even_last=True)
    assert written() == [refused]
    assert written(roles=[], sub="nobody-here") == [], "a stranger"
    assert written(nonce="another") == [], "nobody knows who that was"


@pytest.mark.parametrize("roles", [None, [], ["else"], "Admin", {"admin": True}, [["admin"]], 7], ids=str)
def test_who_has_no_role_is_told_so_and_is_no_user(
    browser: Browser, provider: ForgedProvider, closed: Site, roles: object
) -> None:
    provider.changes = {"roles": roles}
    assert_refused(sign_in(browser, provider), browser, "no_role")
    assert list_users(closed.connection) == []


def test_a_name_that_somebody_has_leads_to_nobodys_account(
    browser: Browser, provider: ForgedProvider, closed: Site, make_user: MakeUser
) -> None:
    make_user(Role.ADMIN, "Maria")
    provider.changes = {"roles": "viewer"}
    sign_in(browser, provider)
    status, name = who(browser)
    assert (status, (name or "").startswith("maria-"), browser.get("/v1/tokens").status_code) == (200, True, 403)
    provider.changes = {"roles": "viewer", "sub": "subject-2", "preferred_username": "no name <at> all"}
    sign_in(browser, provider)
    assert (who(browser)[1] or "").startswith("user-")
    assert len(list_users(closed.connection)) == 3


def test_who_is_disabled_stays_out_and_has_no_password(
    browser: Browser, provider: ForgedProvider, closed: Site
) -> None:
    sign_in(browser, provider)
    with pytest.raises(InvalidRequestError, match="signs in by"):
        change_password(closed.connection, "maria", "a password of another kind")
    assert browser.sign_in("maria").status_code == 401
    disable_user(closed.connection, "maria", even_last=True)
    assert_refused(sign_in(browser, provider), browser, "sign_in_failed")


class TestWhatIsNotBegunHere:
    def test_another_state(self, browser: Browser, provider: ForgedProvider) -> None:
        back = provider.let_in(begin(browser))
        assert_refused(come_back(browser, {**back, "state": "made up"}), browser)
        assert provider.asked == []

    def test_no_state(self, browser: Browser, provider: ForgedProvider) -> None:
        back = provider.let_in(begin(browser))
        assert_refused(come_back(browser, {"code": back["code"]}), browser)

    def test_another_browser(self, browser: Browser, provider: ForgedProvider, make_browser: MakeBrowser) -> None:
        """A stranger's own answer, sent to somebody as a link."""
        back = provider.let_in(begin(browser))
        victim = make_browser()
        assert_refused(come_back(victim, back), victim)
        begin(victim)
        assert_refused(come_back(victim, back), victim)

    def test_another_issuer_answers(self, browser: Browser, provider: ForgedProvider) -> None:
        back = provider.let_in(begin(browser))
        assert_refused(come_back(browser, {**back, "iss": "https://evil.example"}), browser)

    def test_the_provider_says_no(self, browser: Browser, provider: ForgedProvider) -> None:
        back = provider.let_in(begin(browser))
        answer = come_back(browser, {"state": back["state"], "error": "access_denied", "error_description": "<script>"})
        assert_refused(answer, browser)
        assert "script" not in answer.headers["location"]

    def test_a_code_of_another_attempt(self, browser: Browser, provider: ForgedProvider) -> None:
        """Without its verifier nobody gets anything for it."""
        provider.let_in(begin(browser))
        other = begin(browser)
        state = dict(part.split("=") for part in other.partition("?")[2].split("&"))["state"]
        assert_refused(come_back(browser, {"code": "a code", "state": state}), browser)

    def test_an_answer_is_of_use_once(self, browser: Browser, provider: ForgedProvider) -> None:
        back = provider.let_in(begin(browser))
        assert come_back(browser, back).headers["location"] == "../../"
        browser.sign_out()
        assert_refused(come_back(browser, back), browser)


NOW = int(time.time())
FORGED: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another"},
    "no audience": {"aud": None},
    "for others too": {"aud": [CLIENT_ID, "another"]},
    "for another party": {"azp": "another"},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "expired": {"exp": NOW - 3600},
    "without end": {"exp": None},
    "an end that is none": {"exp": "tomorrow"},
    "of tomorrow": {"iat": NOW + 86_400},
    "not yet": {"nbf": NOW + 86_400},
    "nobody": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is a list": {"sub": ["subject-1"]},
    "a long subject": {"sub": "x" * 300},
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_token_that_is_not_for_us_now_and_this_attempt_is_not_believed(
    browser: Browser, provider: ForgedProvider, closed: Site, forged: str
) -> None:
    provider.changes = FORGED[forged]
    assert_refused(sign_in(browser, provider), browser)
    assert list_users(closed.connection) == []


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_anybody_could_have_made_is_not_believed(
    browser: Browser, provider: ForgedProvider, algorithm: str
) -> None:
    provider.algorithm = algorithm
    assert_refused(sign_in(browser, provider), browser)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.", "." * 3, "ö.ö.ö", "x" * 10_000])
def test_what_is_no_token_is_not_believed(browser: Browser, provider: ForgedProvider, token: str) -> None:
    provider.token = token or "  "
    assert_refused(sign_in(browser, provider), browser)


def test_a_key_of_somebody_else_signs_nothing(browser: Browser, provider: ForgedProvider) -> None:
    provider.signing = provider.new_key()
    assert_refused(sign_in(browser, provider), browser)
    provider.header = {"kid": provider.key.kid}
    assert_refused(sign_in(browser, provider), browser)


def test_a_key_that_the_token_itself_brings_signs_nothing(browser: Browser, provider: ForgedProvider) -> None:
    provider.signing = provider.new_key()
    provider.header = {"jwk": provider.signing.as_dict(private=False), "jku": "https://evil.example/jwks"}
    assert_refused(sign_in(browser, provider), browser)


def test_the_provider_may_change_its_key(
    browser: Browser, provider: ForgedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(browser, provider)
    monkeypatch.setattr(provider_module, "ASKED_AGAIN_AFTER_S", 0.0)
    for key in (provider.new_key(), provider.key):
        provider.key = provider.signing = key
        assert sign_in(browser, provider).headers["location"] == "../../"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "..//evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere(browser: Browser, provider: ForgedProvider, wanted: str) -> None:
    assert sign_in(browser, provider, wanted).headers["location"] == "../../"


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_a_provider_that_is_another_one_or_speaks_without_tls_is_not_asked(
    make_site: MakeSite, provider: ForgedProvider, about: dict[str, Any]
) -> None:
    provider.about = about
    settings = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID}
    site = make_site(auth="required", admin_token=ADMIN_TOKEN, **settings)
    assert_problem(site.client.get("/login/provider"), 503, "provider_unavailable")


def test_where_the_provider_is_away_it_is_said_and_a_password_still_opens(make_site: MakeSite) -> None:
    settings = {"oidc_issuer": f"http://127.0.0.1:{free_port()}", "oidc_client_id": CLIENT_ID}
    site = make_site(auth="required", admin_token=ADMIN_TOKEN, **settings)
    answer = site.client.get("/login/provider")
    assert "try again later" in assert_problem(answer, 503, "provider_unavailable")["detail"]
    led = site.client.get("/login/provider?next=docs", headers={"Accept": "text/html"})
    assert (led.status_code, led.headers["location"]) == (303, "../login?told=provider_unavailable&next=docs")
    assert site.client.get("/login").status_code == 200


def test_no_secret_is_told(browser: Browser, provider: ForgedProvider, capfd: pytest.CaptureFixture[str]) -> None:
    location = begin(browser)
    assert CLIENT_SECRET not in unquote(location)
    key = (browser.client.cookies.get(ATTEMPT) or "").partition(".")[0]
    assert len(key) == 43
    assert key not in location
    come_back(browser, {"state": "x", "code": "canary-of-a-code"})
    said = "".join(capfd.readouterr())
    assert "canary" not in said
    assert key not in said
