"""Whose act on a finding it is: of who is signed in the server knows it, all others say it."""

from itertools import count
from typing import Any

import httpx
import pytest

from tests.audited import audited_by
from tests.integration.ingest_api.sign_in_site import Browser, SignedIn
from tests.integration.ingest_api.site import Site, assert_problem
from tests.integration.ingest_api.token_site import Tokens, headers
from tests.stored_findings import add_finding
from warehouse.contract.tokens import Scope
from warehouse.contract.users import Role

NUMBERS = count(1)


@pytest.fixture
def url(closed: Site) -> str:
    return f"/v1/findings/{add_finding(closed.connection, next(NUMBERS))}"


def by(browser: Browser, url: str, act: str, **body: Any) -> httpx.Response:
    return browser.client.post(f"{url}/{act}", json=body, headers=browser.changing)


def actors(closed: Site, url: str, tokens: Tokens) -> list[str]:
    events = closed.client.get(url, headers=headers(tokens[Scope.READ])).json()["events"]
    return [each["actor"] for each in events if each["event"] != "opened"]


def name_of(browser: Browser) -> str:
    name: str = browser.client.get("/v1/me").json()["user"]
    return name


def test_it_is_by_who_is_signed_in(closed: Site, signed_in: SignedIn, tokens: Tokens, url: str) -> None:
    browser = signed_in(Role.OPERATOR)
    name = name_of(browser)
    (entry,) = audited_by(closed.connection, lambda: by(browser, url, "acknowledge", note="the fan is ordered"))
    assert (entry["actor_name"], entry["after"]["who"]) == (name, name)
    assert by(browser, url, "resolve", who=name).json()["resolvedBy"] == name
    assert actors(closed, url, tokens) == [name, name]


def test_nobody_signed_in_acts_as_somebody_else(closed: Site, signed_in: SignedIn, tokens: Tokens, url: str) -> None:
    browser = signed_in(Role.ADMIN)
    for who in ("ann", name_of(browser).upper()):
        refused = assert_problem(by(browser, url, "acknowledge", who=who), 422, "invalid_request")
        assert "leave who out" in refused["detail"]
    assert actors(closed, url, tokens) == []


def test_a_machine_says_for_whom_it_acts(closed: Site, tokens: Tokens, url: str) -> None:
    def send(**body: Any) -> httpx.Response:
        return closed.client.post(f"{url}/acknowledge", json=body, headers=headers(tokens[Scope.OPERATE]))

    assert "say who does it" in assert_problem(send(), 422, "invalid_request")["detail"]
    assert_problem(send(who=None), 422, "invalid_request")
    assert send(who="ann").status_code == 200
    assert actors(closed, url, tokens) == ["ann"]
