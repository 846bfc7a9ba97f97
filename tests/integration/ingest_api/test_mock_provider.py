"""Signing in by a provider that others have made (oidc-provider-mock), as a process of its own."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from ingest_api.oidc import fetching
from tests.integration.ingest_api.sign_in_site import HTML, MakeBrowser, MakeUser, who
from tests.integration.ingest_api.site import MakeSite, Site
from tests.integration.ingest_api.token_site import ADMIN_TOKEN
from tests.no_tls import NO_TLS
from tests.ports import free_port

PEOPLE = '{"sub": "u1", "preferred_username": "maria", "realm_access": {"roles": ["fleet-ops", "others"]}}'
NOBODY = '{"sub": "u2", "preferred_username": "otto"}'


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider on a busy machine takes its time."""
    monkeypatch.setattr(fetching, "WITHIN_S", 60.0)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    port = free_port()
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--require-nonce",
        "true",
    ]
    process = subprocess.Popen(
        [*command, "--user-claims", PEOPLE, "--user-claims", NOBODY],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        while True:
            assert process.poll() is None, "the provider did not start"
            try:
                httpx.get(f"{url}/.well-known/openid-configuration", verify=NO_TLS, trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def closed(make_site: MakeSite, issuer: str) -> Site:
    return make_site(
        auth="required",
        admin_token=ADMIN_TOKEN,
        oidc_issuer=issuer,
        oidc_client_id="fleetwatt",
        oidc_client_secret="of the client",  # noqa: S106 - a test's own
        oidc_role_claim="realm_access.roles",
        oidc_roles="fleet-ops=operator,fleet-admins=admin",
    )


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
    query = let_in(begun.headers["location"], "u1")
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
    query = let_in(browser.get("/login/provider").headers["location"], "u2")
    assert browser.get(f"/login/provider/back?{query}").headers["location"].startswith("../../login?told=no_role")
    assert closed.rows("SELECT count(*) FROM users") == [(0,)]
