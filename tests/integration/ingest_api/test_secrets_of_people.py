"""Passwords, their hashes and the ids of sessions are in no log and no answer, whatever fails."""

import httpx
import psycopg
import pytest

from tests.integration.ingest_api.api_process import api_process
from tests.integration.ingest_api.sign_in_site import COOKIE, HTML, Browser
from warehouse.contract.users import Role
from warehouse.postgres.access.user_store import add_user

RIGHT, WRONG = "canary-of-the-right-one", "canary-of-the-wrong-one"
REPEATING = """
    CREATE FUNCTION repeat_it() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'leaked: %', OLD;
    END $$;
    CREATE TRIGGER repeats_it BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION repeat_it()"""


def test_what_fails_says_no_secret(
    database_url: str, connection: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of passwords and a session that are sent wherever they can be, to an API whose database repeats what it has."""
    add_user(connection, "maria", Role.ADMIN, RIGHT)
    ((kept,),) = connection.execute("SELECT password_hash FROM users").fetchall()
    with api_process(database_url, auth="required") as api:
        browser = Browser(api.url)
        with browser.client:
            assert browser.sign_in("maria", RIGHT).status_code == 303
            session = browser.session or ""
            answers = everywhere(browser, session)
            connection.execute(REPEATING)
            answers += [browser.sign_in("maria", RIGHT), browser.sign_in("maria", RIGHT, Accept="application/json")]
            assert [answer.status_code for answer in answers[-2:]] == [500, 500]
            connection.execute("DROP TABLE user_sessions CASCADE")
            answers += everywhere(browser, session)
            assert {answer.status_code for answer in answers} >= {401, 500, 503}
        assert api.stop() == 0
    said = capfd.readouterr()
    assert "leaked: (" in said.err
    secrets = [RIGHT, WRONG, session, session[4:], kept.rpartition("$")[2]]
    assert session
    assert not [each for each in secrets if each in said.out + said.err]
    shown = "".join(f"{answer.text}{answer.headers.get('location')}" for answer in answers)
    assert not [each for each in secrets if each in shown]


def everywhere(browser: Browser, session: str) -> list[httpx.Response]:
    """What comes of a password and a session wherever they can be."""
    given = {"Cookie": f"{COOKIE}={session}", "X-CSRF-Token": session, "Origin": browser.origin, "User-Agent": session}
    return [
        browser.sign_in("maria", WRONG),
        browser.sign_in(WRONG, RIGHT, wanted="docs"),
        browser.sign_in("maria", RIGHT, Origin=f"https://{WRONG}.example"),
        browser.client.post("/login", content=f"name=maria&password={RIGHT}", headers={"Content-Type": "text/plain"}),
        browser.client.post("/v1/mappings", json={"vehicleId": RIGHT, "password": WRONG}, headers=given),
        browser.client.patch(f"/v1/meters/{session}", json={"model": RIGHT}, headers=given),
        browser.client.get("/v1/me", headers={**given, "Authorization": f"Bearer {session}"}),
        browser.client.get("/v1/me", params={"password": RIGHT, "session": session}, headers={"Accept": "*/*"}),
        browser.client.post("/logout", data={"csrf": session}, headers={**HTML, **given}),
    ]
