"""Passwords tried by the thousand: counted before they are looked at, by account and by address, for all processes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from ingest_api.auth import sign_in
from ingest_api.auth.sign_in import FREE_FAILURES, LONGEST_PAUSE, MOST_A_MINUTE, MOST_WAITING
from ingest_api.bodies import deadline
from tests.conftest import MakeApi
from tests.integration.ingest_api.sign_in_site import PASSWORD, WRONG, Browser, failures
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem, until
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, headers
from tests.patience import PATIENCE_S
from warehouse.contract.sign_ins import account_digest, address_digest
from warehouse.contract.users import Role
from warehouse.postgres.access.passwords import is_password
from warehouse.postgres.access.user_store import add_user, disable_user

JSON = {"Accept": "application/json"}
Hashed = list[str]
TOO_MANY = 3


@pytest.fixture(scope="module")
def proxied(make_site: MakeSite) -> Site:
    """An API behind a proxy that says where its clients are."""
    made = make_site(auth="required", admin_token=ADMIN_TOKEN, trusted_proxies="127.0.0.1")
    add_user(made.connection, "maria", Role.VIEWER, PASSWORD)
    return made


@pytest.fixture
def browser(proxied: Site) -> Iterator[Browser]:
    proxied.connection.execute("DELETE FROM failed_sign_ins")
    proxied.connection.execute("DELETE FROM user_sessions")
    proxied.connection.execute("UPDATE users SET disabled_at = NULL")
    browser = Browser(str(proxied.client.base_url))
    with browser.client:
        yield browser


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Hashed:
    """The passwords that were really looked at."""
    looked_at: Hashed = []

    def look(password: str, password_hash: str | None) -> bool:
        looked_at.append(password)
        return is_password(password, password_hash)

    monkeypatch.setattr(sign_in, "is_password", look)
    return looked_at


def attempt(browser: Browser, name: str, password: str, address: str) -> int:
    return browser.sign_in(name, password, **JSON, **{"X-Forwarded-For": address}).status_code


def address(number: int) -> str:
    return f"192.0.2.{number}"


def let_time_pass(site: Site) -> None:
    """Every pause is over."""
    site.connection.execute("UPDATE failed_sign_ins SET waits_until = clock_timestamp()")


def pauses(site: Site, kind: str) -> list[timedelta]:
    """To the second."""
    pause = "date_trunc('second', waits_until - last_failed_at + interval '0.5 s')"
    rows = site.rows(f"SELECT {pause} FROM failed_sign_ins WHERE kind = %s", [kind])
    return [each for (each,) in rows]


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("kind", ["account", "address"])
def test_after_ten_failures_each_pause_is_twice_the_one_before(proxied: Site, browser: Browser, kind: str) -> None:
    for number in range(1, FREE_FAILURES + 4):
        name, where = ("maria", address(number)) if kind == "account" else (f"user{number}", address(1))
        assert attempt(browser, name, WRONG, where) == 401
        of_kind = failures(proxied)[kind]
        assert of_kind == [number]
        seconds = 2 ** (number - FREE_FAILURES) if number >= FREE_FAILURES else 0
        assert pauses(proxied, kind) == [timedelta(seconds=seconds)]
        let_time_pass(proxied)
    proxied.connection.execute("UPDATE failed_sign_ins SET failures = 999 WHERE kind = %s", [kind])
    for _ in range(2):
        assert attempt(browser, "maria" if kind == "account" else "another", WRONG, address(1)) == 401
        assert pauses(proxied, kind) == [LONGEST_PAUSE]
        let_time_pass(proxied)
    assert failures(proxied)[kind] == [1000]


@pytest.mark.usefixtures("endless")
def test_whoever_has_to_wait_is_not_looked_at_even_with_the_right_password(
    proxied: Site, browser: Browser, hashed: Hashed
) -> None:
    for kind, subject in (("account", account_digest("maria")), ("address", address_digest(address(1)))):
        proxied.connection.execute("DELETE FROM failed_sign_ins")
        row = (kind, subject, 12)
        insert = "INSERT INTO failed_sign_ins VALUES (%s, %s, %s, now(), now() + interval '1 h')"
        proxied.connection.execute(insert.encode(), row)
        answer = browser.sign_in("MARIA ", PASSWORD, **JSON, **{"X-Forwarded-For": address(1)})
        problem = assert_problem(answer, 429, "rate_limited")
        assert 3500 < int(answer.headers["retry-after"]) <= 3600
        assert "too many wrong passwords" in problem["detail"]
        assert failures(proxied) == {kind: [12]}, "neither is counted"
        page = browser.sign_in("maria", PASSWORD, **{"X-Forwarded-For": address(1)})
        assert page.status_code == 429
        assert "Too many wrong passwords; wait 3" in page.text
        elsewhere = attempt(browser, "maria" if kind == "address" else "jo", PASSWORD, address(2))
        assert elsewhere == (303 if kind == "address" else 401), "the other one is told apart"
    assert hashed == [PASSWORD] * 2


@pytest.mark.usefixtures("endless")
def test_thousands_of_guesses_at_a_time_are_ten_and_a_few(proxied: Site, browser: Browser, hashed: Hashed) -> None:
    """From as many addresses, so that only the account can be what is counted by."""
    guesses = 300
    with ThreadPoolExecutor(12) as pool:
        guess = lambda n: attempt(browser, "maria", f"guess number {n}", f"10.0.{n // 200}.{n % 200}")  # noqa: E731
        statuses = list(pool.map(guess, range(guesses)))
    assert set(statuses) == {401, 429}
    (counted,) = failures(proxied)["account"]
    assert len(hashed) == counted == statuses.count(401)
    assert counted < FREE_FAILURES + 10, "each pause is as long as all before it"


@pytest.mark.usefixtures("endless")
def test_of_names_that_nobody_has_is_counted_too_and_bounded(
    proxied: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "MOST_COUNTED", 50)
    proxied.connection.execute(
        "INSERT INTO failed_sign_ins SELECT 'account', sha256(n::text::bytea), 1, clock_timestamp(), clock_timestamp()"
        " FROM generate_series(1, 200) AS n"
    )
    proxied.connection.execute(
        "INSERT INTO failed_sign_ins VALUES"
        " ('account', %s, 12, now() - interval '20 h', now()), ('account', %s, 30, now() - interval '25 h', now())",
        [account_digest("jo"), account_digest("kim")],
    )
    assert attempt(browser, "nobody's name", WRONG, address(1)) == 401
    kept = dict(proxied.rows("SELECT subject_sha256, failures FROM failed_sign_ins"))
    assert len(kept) <= 50
    assert kept[account_digest("jo")] == 12, "the oldest, and the one with most failures"
    assert account_digest("kim") not in kept, "a day without failures"
    assert kept[account_digest("NOBODY's name")] == 1


@pytest.mark.usefixtures("endless")
def test_what_was_a_day_ago_is_forgotten(proxied: Site, browser: Browser) -> None:
    proxied.connection.execute(
        "INSERT INTO failed_sign_ins VALUES ('account', %s, 30, now() - interval '25 h', now() - interval '24 h')",
        [account_digest("maria")],
    )
    assert attempt(browser, "maria", WRONG, address(1)) == 401
    assert failures(proxied) == {"account": [1], "address": [1]}


@pytest.mark.usefixtures("endless")
def test_a_sign_in_forgets_the_accounts_failures_and_keeps_the_addresses(proxied: Site, browser: Browser) -> None:
    """Else whoever has an account could sign in now and then, and guess on."""
    for _ in range(3):
        assert attempt(browser, "maria", WRONG, address(1)) == 401
    assert attempt(browser, "maria", PASSWORD, address(1)) == 303
    assert failures(proxied) == {"address": [3]}


@pytest.mark.usefixtures("endless")
def test_processes_count_together(make_api: MakeApi, connection: psycopg.Connection, database_url: str) -> None:
    clients = [make_api(auth="required") for _ in range(2)]
    for client in clients:
        browser = Browser(str(client.base_url))
        with browser.client:
            for _ in range(4):
                assert browser.sign_in("maria", WRONG, **JSON).status_code == 401
    assert failures(Site(clients[0], connection, database_url)) == {"account": [8], "address": [8]}


def test_one_address_may_try_so_often_a_minute_whatever_it_tries(proxied: Site, browser: Browser) -> None:
    """Before the database is asked for anything."""
    proxied.connection.execute(
        "INSERT INTO failed_sign_ins VALUES ('address', %s, 12, now(), now() + interval '1 h')",
        [address_digest(address(7))],
    )
    for _ in range(20 * MOST_A_MINUTE):
        answer = browser.sign_in("maria", PASSWORD, **JSON, **{"X-Forwarded-For": address(7)})
        problem = assert_problem(answer, 429, "rate_limited")
        if "60 sign-ins a minute" in problem["detail"]:
            break
    else:
        raise AssertionError("it was never told so")
    assert attempt(browser, "maria", PASSWORD, address(8)) == 303


@pytest.mark.usefixtures("endless")
def test_a_flood_of_sign_ins_is_looked_at_one_by_one_beside_everything_else(
    proxied: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one password is being looked at, seven more may wait; others are told so, and readers are answered."""
    looking, may_end = threading.Semaphore(0), threading.Event()

    def look(_: str, __: str | None) -> bool:
        looking.release()
        assert may_end.wait(PATIENCE_S)
        return False

    monkeypatch.setattr(sign_in, "is_password", look)
    monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", 10 * PATIENCE_S)
    with ThreadPoolExecutor(MOST_WAITING + TOO_MANY) as pool:
        numbers = range(MOST_WAITING + TOO_MANY)
        sent = [pool.submit(attempt, browser, f"user{n}", WRONG, address(n)) for n in numbers]
        until(lambda: sum(each.done() for each in sent) == TOO_MANY)
        assert {each.result() for each in sent if each.done()} == {429}
        assert looking.acquire(timeout=PATIENCE_S)
        assert not looking.acquire(blocking=False), "one at a time"
        assert proxied.client.get("/v1/meters", headers=headers(ADMIN_TOKEN)).status_code == 200
        may_end.set()
        assert sorted(each.result() for each in sent) == [401] * MOST_WAITING + [429] * TOO_MANY


@pytest.mark.usefixtures("endless")
def test_who_is_disabled_while_the_password_is_looked_at_is_not_let_in(
    proxied: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(password: str, password_hash: str | None) -> bool:
        disable_user(proxied.connection, "maria")
        return is_password(password, password_hash)

    monkeypatch.setattr(sign_in, "is_password", look)
    assert attempt(browser, "maria", PASSWORD, address(1)) == 401
    assert proxied.rows("SELECT count(*) FROM user_sessions") == [(0,)]
