"""Signing in by a provider that others have made."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from ingest_api.oidc import fetching
from tests.integration.ingest_api.mock_provider import MARIA, OTTO, mock_provider, settings_of
from tests.integration.ingest_api.sign_in_site import HTML, MakeBrowser, MakeUser, who
from tests.integration.ingest_api.site import MakeSite, Site
from tests.integration.ingest_api.token_site import ADMIN_TOKEN
from tests.no_tls import NO_TLS


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider on a busy machine takes its time."""
    monkeypatch.setattr(fetching, "WITHIN_S", 60.0)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with mock_provider() as url:
        yield url


@pytest.fixture(scope="module")
def closed(make_site: MakeSite, issuer: str) -> Site:
    return make_site(auth="required", admin_token=ADMIN_TOKEN, **settings_of(issuer))


def let_in(location: str, subject: str) -> str:
    """The query by which it leads back to us."""
    with httpx.Client(verify=NO_TLS, trust_env=False, timeout=60) as client:
        assert client.get(location).status_code == 200
        back = client.post(location, data={"sub": subject})
    assert back.status_code in (302, 303), back.text
    return back.headers["location"].partition("?")[2]


def test_a_person_signs_in_by_it_once_for_each_code(make_browser: MakeBrowser, make_user: MakeUser) -> None:
    make_user  # noqa: B018 - takes all users away at the end
    browser = make_browser()
    link = re.search(r'href="(login/provider[^"]*)"', browser.get("/login?next=docs").text)
    assert link
    begun = browser.get(f"/{unescape(link[1])}")
    query = let_in(begun.headers["location"], MARIA)
    answer = browser.get(f"/login/provider/back?{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, "../../docs")
    assert who(browser) == (200, "maria")
    assert browser.client.get("/v1/me").json()["role"] == "operator"
    other = make_browser()
    other.client.cookies.set("fleetwatt-sign-in", begun.headers["set-cookie"].partition("=")[2].partition(";")[0])
    replayed = other.client.get(f"/login/provider/back?{query}", headers=HTML)
    assert replayed.headers["location"].startswith("../../login?told=provider_refused")
    assert who(other)[0] == 401, "the provider takes a code once, though the browser was the same"


def test_who_has_no_role_there_is_told_so(make_browser: MakeBrowser, closed: Site) -> None:
    browser = make_browser()
    query = let_in(browser.get("/login/provider").headers["location"], OTTO)
    assert browser.get(f"/login/provider/back?{query}").headers["location"].startswith("../../login?told=no_role")
    assert closed.rows("SELECT count(*) FROM users") == [(0,)]
