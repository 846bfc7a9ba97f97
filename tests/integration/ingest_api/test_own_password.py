"""People change their own password: with the old one, from a page of ours, and out of every other browser."""

import httpx
import pytest

from ingest_api.auth.sign_in import FREE_FAILURES
from tests.integration.ingest_api.sign_in_site import PASSWORD, WRONG, Browser, MakeBrowser, MakeUser, failures, who
from tests.integration.ingest_api.site import Site, assert_problem
from tests.integration.ingest_api.token_site import Tokens, headers
from warehouse.contract.tokens import Scope

pytestmark = pytest.mark.usefixtures("endless")
BECOMES = "four words of another kind"


def audited(site: Site) -> list[tuple[object, ...]]:
    """What the audit log tells of passwords."""
    told = "SELECT actor_kind, actor_name, subject, before, after FROM audit_log WHERE action = 'user.password'"
    return site.rows(told)


def change(browser: Browser, old: str = PASSWORD, new: str = BECOMES, **more: str) -> httpx.Response:
    wanted = {"oldPassword": old, "newPassword": new}
    return browser.client.post("/v1/me/password", json=wanted, headers={**browser.changing, **more})


def test_all_other_sessions_end_and_this_browser_goes_on_with_a_new_one(
    closed: Site, make_user: MakeUser, make_browser: MakeBrowser
) -> None:
    name, browser, other = make_user(), make_browser(), make_browser()
    for each in (browser, other):
        assert each.sign_in(name).status_code == 303
    was = browser.session
    changed = change(browser)
    assert changed.status_code == 200, changed.text
    assert changed.headers["cache-control"] == "no-store"
    assert PASSWORD not in changed.text
    assert BECOMES not in changed.text
    assert browser.session not in (None, was)
    assert changed.json()["csrfToken"] == browser.csrf
    assert who(browser) == (200, name)
    assert who(other)[0] == 401
    assert make_browser().sign_in(name).status_code == 401
    assert make_browser().sign_in(name, BECOMES).status_code == 303
    assert audited(closed) == [("user", name, name, None, None)]


def test_a_wrong_old_password_counts_like_a_failed_sign_in(
    closed: Site, make_user: MakeUser, make_browser: MakeBrowser
) -> None:
    name, browser = make_user(), make_browser()
    assert browser.sign_in(name).status_code == 303
    statuses = [change(browser, WRONG).status_code for _ in range(FREE_FAILURES)]
    assert statuses == [401] * FREE_FAILURES
    while statuses[-1] != 429:  # the pause grows; the first one may be over where a machine is busy
        statuses.append(change(browser, WRONG).status_code)
        assert len(statuses) < 2 * FREE_FAILURES
    assert failures(closed)["account"] == [len(statuses) - 1]
    assert who(browser) == (200, name)


@pytest.mark.parametrize("new", ["short", "aaaaaaaaaaaaaaaa", "x" * 300, "x" * 2000])
def test_a_bad_new_one_is_refused_and_nothing_changes(make_user: MakeUser, make_browser: MakeBrowser, new: str) -> None:
    name, browser = make_user(), make_browser()
    assert browser.sign_in(name).status_code == 303
    refused = change(browser, new=new)
    assert new not in refused.text
    assert_problem(refused, 422, "invalid_request")
    assert who(browser) == (200, name)
    assert make_browser().sign_in(name).status_code == 303


def test_not_from_another_page_not_without_a_csrf_token_and_not_by_a_machine(
    closed: Site, make_user: MakeUser, make_browser: MakeBrowser, tokens: Tokens
) -> None:
    name, browser = make_user(), make_browser()
    assert browser.sign_in(name).status_code == 303
    assert_problem(change(browser, Origin="https://elsewhere.example"), 403, "foreign_page")
    assert change(browser, **{"X-CSRF-Token": "0" * 64}).status_code == 403
    assert make_browser().client.post("/v1/me/password", json={}).status_code == 401
    wanted = {"oldPassword": PASSWORD, "newPassword": BECOMES}
    of_machine = closed.client.post("/v1/me/password", json=wanted, headers=headers(tokens[Scope.ADMIN]))
    assert "only who is signed in has a password" in assert_problem(of_machine, 403, "scope_missing")["detail"]
    assert make_browser().sign_in(name).status_code == 303
