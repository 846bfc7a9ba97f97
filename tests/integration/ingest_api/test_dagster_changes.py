"""What somebody changes by Dagster's pages is told in the audit log before Dagster is asked."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ingest_api.auth.acting_caller import TOKEN_OF_SETTINGS
from tests.audited import audited_by
from tests.integration.ingest_api.scripted_server import ScriptedServer, scripted_server
from tests.integration.ingest_api.site import MakeSite, Site
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, headers

SECRET = "what-the-api-says-to-dagster-alone-01"  # noqa: S105 - a test's own
LAUNCH = "mutation Launch($p: ExecutionParams!) { run: launchRun(executionParams: $p) { __typename } }"


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        yield server


@pytest.fixture(scope="module")
def closed(make_site: MakeSite, upstream: ScriptedServer) -> Site:
    return make_site(auth="required", admin_token=ADMIN_TOKEN, dagster_secret=SECRET, dagster_url=upstream.url)


def ask(site: Site, body: bytes) -> int:
    sent = {**headers(ADMIN_TOKEN), "Content-Type": "application/json", "X-Request-Id": "launched"}
    return site.client.post("/dagster/graphql", content=body, headers=sent).status_code


def test_a_change_is_told_by_whoever_asked_for_it(closed: Site) -> None:
    variables = {"p": {"tags": [{"key": "dagster/partition", "value": "2026-02-08"}], "more": "x" * 5_000}}
    body = json.dumps({"operationName": "Launch", "query": LAUNCH, "variables": variables}).encode()
    codes: list[int] = []
    (entry,) = audited_by(closed.connection, lambda: codes.append(ask(closed, body)))
    assert codes == [200]
    assert (entry["action"], entry["subject_kind"], entry["subject"]) == ("dagster.change", "dagster", "launchRun")
    assert (entry["actor_kind"], entry["actor_name"]) == ("token", TOKEN_OF_SETTINGS)
    assert (entry["request_id"], entry["address"]) == ("launched", "127.0.0.1")
    assert entry["after"]["operation"] == "Launch"
    assert "2026-02-08" in entry["after"]["variables"]
    assert len(entry["after"]["variables"]) == 500


@pytest.mark.parametrize(
    ("asked", "subject"),
    [
        ({"query": "mutation { stopSensor { x } }"}, "stopSensor"),
        ({"query": "mutation{...F} fragment F on Mutation { stopSensor { x } }", "operationName": "Stop"}, "Stop"),
        ({"query": "mutation{...F} fragment F on Mutation { stopSensor { x } }"}, "None"),
        ({"query": "query A { x } mutation B { terminateRun { x } }", "operationName": "B"}, "terminateRun"),
    ],
)
def test_however_it_is_written(closed: Site, asked: dict[str, Any], subject: str) -> None:
    for written in (json.dumps(asked).encode(), json.dumps(asked).encode("utf-16")):
        (entry,) = audited_by(closed.connection, lambda body=written: ask(closed, body))  # type: ignore[misc]
        assert entry["subject"] == subject


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"query": "query { runsOrError { __typename } }"}).encode(),
        json.dumps([{"query": LAUNCH}]).encode(),
        b"mutation { stopSensor }",
        b"",
        b'{"query": 1}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_changes_nothing_or_is_refused_by_the_gate_is_not(closed: Site, body: bytes) -> None:
    assert audited_by(closed.connection, lambda: ask(closed, body)) == []


def test_what_cannot_be_told_is_not_asked(closed: Site, upstream: ScriptedServer) -> None:
    upstream.asked.clear()
    closed.connection.execute("ALTER TABLE audit_log RENAME TO elsewhere")
    try:
        assert ask(closed, json.dumps({"query": LAUNCH}).encode()) == 503
    finally:
        closed.connection.execute("ALTER TABLE elsewhere RENAME TO audit_log")
    assert upstream.asked == []
