"""Dagster's UI attacked as pages of strangers would: by every method, with any Host and Origin, and over WebSockets."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from dagster_graphql.schema import create_schema
from dagster_webserver.graphql import GraphQLServer
from websockets.exceptions import InvalidStatus

from orchestration.dagster_runtime.health import faults
from orchestration.dagster_ui.mutations import ALLOWED, WITHOUT_EFFECT
from orchestration.dagster_ui.server import LARGEST_QUESTION_BYTES, LARGEST_QUESTION_TOKENS
from tests.dagster_ui import ELSEWHERE, Ui, dagster_ui

LAUNCH = 'mutation {launchRun(executionParams: {selector: {}, mode: "default"}) {__typename}}'
RELOAD = 'mutation {reloadRepositoryLocation(repositoryLocationName: "nope") {__typename}}'
SHUTDOWN = 'mutation {shutdownRepositoryLocation(repositoryLocationName: "nope") {__typename}}'
WIPE = 'mutation {wipeAssets(assetPartitionRanges: [{assetKey: {path: ["meters"]}}]) {__typename}}'
FORGE = (
    'mutation {reportRunlessAssetEvents(eventParams: {eventType: ASSET_MATERIALIZATION, assetKey: {path: ["meters"]}, '
    'partitionKeys: ["2026-02-08"]}) {__typename}}'
)
STOP = 'mutation {stopSensor(id: "nope") {__typename}}'
LONG = "{" + " ".join(f"a{number}: version" for number in range(LARGEST_QUESTION_TOKENS // 3)) + "}"
"""Answered, it would take seconds; of twice the length, four times as many."""
REFUSED = {"shutdownRepositoryLocation": SHUTDOWN, "wipeAssets": WIPE, "reportRunlessAssetEvents": FORGE}


@pytest.fixture(scope="module")
def ui() -> Iterator[Ui]:
    with dagster_ui(read_only=False) as ui:
        yield ui


@pytest.fixture(scope="module")
def read_only() -> Iterator[Ui]:
    with dagster_ui(read_only=True) as ui:
        yield ui


def test_our_own_pages_are_answered(ui: Ui) -> None:
    assert ui.post("{version}").json().keys() == {"data"}
    reloaded = ui.post(RELOAD.replace("{__typename}", "{__typename ... on PythonError {message}} __typename"))
    assert reloaded.json()["data"]["__typename"] == "Mutation"
    page = ui.ask("GET", "/runs")
    assert page.status_code == 200
    assert page.headers["x-frame-options"] == "DENY"
    policies = page.headers.get_list("content-security-policy")
    assert any("frame-ancestors 'none'" in policy for policy in policies)
    assert any("script-src 'nonce-" in policy for policy in policies), "the policy of Dagster's own page is kept"


def test_a_person_may_come_from_a_link_elsewhere(ui: Ui) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ui.ask("GET", "/runs/abc", headers=link).status_code == 200
    framed = {**link, "Sec-Fetch-Dest": "iframe"}
    assert ui.ask("GET", "/runs/abc", headers=framed).status_code == 403


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_every_name_of_this_machine_is_one(ui: Ui, name: str) -> None:
    assert ui.ask("GET", "/server_info", headers={"Host": f"{name}:{ui.port}"}).status_code == 200


@pytest.mark.parametrize("host", ["dagster.example", "dagster.example:443"])
def test_an_origin_that_is_set_is_ours_too(ui: Ui, host: str) -> None:
    assert ui.post("{version}", Host=host, Origin=ELSEWHERE).status_code == 200
    assert ui.post("{version}", Host=host, Origin="http://dagster.example").status_code == 403, "another scheme"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "localhost", "127.0.0.1:1", "localhost.:{port}", "", "127.0.0.2:{port}"],
)
@pytest.mark.parametrize("path", ["/", "/server_info", "/graphql", "/logs/a/err", "/download_debug/x"])
def test_a_name_that_was_made_to_lead_here_reads_nothing(ui: Ui, host: str, path: str) -> None:
    answer = ui.ask("GET", path, headers={"Host": host.format(port=ui.port)})
    assert (answer.status_code, "FLEET_DAGSTER_ORIGINS" in answer.text) == (421, True)


def test_two_hosts_are_none(ui: Ui) -> None:
    own = f"127.0.0.1:{ui.port}"
    with socket.create_connection(("127.0.0.1", ui.port)) as connection:
        connection.sendall(f"GET /server_info HTTP/1.1\r\nHost: {own}\r\nHost: evil.example\r\n\r\n".encode())
        assert connection.recv(100).split()[1] in {b"400", b"421"}


@pytest.mark.parametrize("query", ["{version}", STOP, SHUTDOWN])
@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
def test_a_get_asks_nothing_and_changes_nothing(ui: Ui, query: str, accept: str) -> None:
    for path in ("/graphql", "/graphql/", "//graphql"):
        answer = ui.ask("GET", path, params={"query": query}, headers={"Accept": accept})
        assert answer.status_code == 405 or "<!DOCTYPE html>" in answer.text or answer.status_code == 307
        assert '"data"' not in answer.text
    assert ui.ask("HEAD", "/graphql", params={"query": query}).status_code == 405


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "http://127.0.0.1", "{own}.evil"]
)
def test_a_page_of_a_stranger_neither_asks_nor_changes(ui: Ui, origin: str) -> None:
    for query in ("{version}", RELOAD, STOP):
        assert ui.post(query, Origin=origin.format(own=ui.origin)).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_the_browser_says_of_the_sender_counts(ui: Ui, site: str) -> None:
    assert ui.post("{version}", **{"Sec-Fetch-Site": site}).status_code == 403
    no_cors = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
    assert ui.ask("GET", "/logs/a/err", headers=no_cors).status_code == 403


def test_without_an_origin_nothing_is_changed(ui: Ui) -> None:
    asked = {"query": RELOAD}
    assert ui.ask("POST", "/graphql", json=asked).status_code == 403
    assert ui.ask("POST", "/graphql", json={"query": "{version}"}).status_code == 200, "a program may ask"


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; x=application/json",
        "application/graphql",
        "application/json-patch+json",
    ],
)
def test_what_a_form_can_send_is_no_question(ui: Ui, kind: str) -> None:
    headers = {"Content-Type": kind, "Origin": ui.origin}
    body = json.dumps({"query": RELOAD})
    answer = ui.ask("POST", "/graphql", params={"query": RELOAD}, content=body, headers=headers)
    assert answer.status_code == 415
    assert ui.ask("POST", "/graphql", params={"query": RELOAD}, headers={"Origin": ui.origin}).status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'[{"query":"{version}"}]',
        b"7",
        b"{}",
        b'{"query":7}',
        b'{"query":"{version}","variables":[]}',
        b"{",
        b"\xff",
        b"[" * 100_000,
        json.dumps({"query": "{a" * 100_000}).encode(),
        b'{"query":"' + b" " * LARGEST_QUESTION_BYTES + b'"}',
        json.dumps({"query": LONG}).encode(),
    ],
    ids=range(13),
)
def test_what_is_no_question_is_refused(ui: Ui, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Origin": ui.origin}
    assert ui.ask("POST", "/graphql", content=body, headers=headers).status_code in {400, 413}
    assert ui.post("{version}").status_code == 200


def test_what_cannot_be_looked_at_is_not_handed_on(ui: Ui, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Dagster reads a text that ours gave up on, it would do what is refused."""
    monkeypatch.setattr("orchestration.dagster_ui.server.LARGEST_QUESTION_TOKENS", 3)
    answer = ui.post(SHUTDOWN)
    assert answer.status_code == 400
    assert "more than 3 tokens" in answer.json()["errors"][0]["message"]


def test_a_long_question_is_refused_by_websocket_too(ui: Ui) -> None:
    answer = ui.subscribe(f"subscription {LONG}", origin=ui.origin)
    assert answer["type"] == "error"
    assert "tokens" in answer["payload"]["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"])
@pytest.mark.parametrize(
    "path",
    ["/report_asset_materialization/meters", "/report_asset_check/meters", "/report_asset_observation/meters", "/runs"],
)
def test_nothing_else_can_be_sent(ui: Ui, method: str, path: str) -> None:
    body = {"partition": "2026-02-08", "check_name": "x", "passed": True}
    assert ui.ask(method, path, json=body, headers={"Origin": ui.origin}).status_code == 405


def test_no_notebook_is_read(ui: Ui) -> None:
    for path in ("/notebook", "/dagit/notebook", "/dagit_info"):
        answer = ui.ask("GET", path, params={"repoLocName": "fleetwatt", "path": "/etc/x.ipynb"})
        assert "<!DOCTYPE html>" in answer.text, "the UI's own page, as at any other path"


@pytest.mark.parametrize("path", ["..%2f..%2f..%2fetc%2fpasswd/x", "a/..%2f..%2f..%2f..%2fetc/passwd", "%2fetc/passwd"])
def test_logs_are_read_from_their_folder_alone(ui: Ui, path: str) -> None:
    answer = ui.ask("GET", f"/logs/{path}")
    assert answer.status_code >= 400
    assert "root:" not in answer.text


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize(
    "shape",
    [
        "{query}",
        "mutation A {{x: {field}}}",
        "mutation A {{...F}} fragment F on Mutation {{...G}} fragment G on Mutation {{y: {field}}}",
        "mutation A {{... on Mutation {{{field}}}}}",
        "query Q {{version}} mutation A {{{field}}}",
        "mutation A {{__typename {field}}}",
    ],
)
def test_what_nobody_needs_is_refused_in_every_shape(ui: Ui, name: str, shape: str) -> None:
    field = REFUSED[name].removeprefix("mutation {").removesuffix("}")
    question = shape.format(query=REFUSED[name], field=field)
    answer = ui.ask("POST", "/graphql", json={"query": question, "operationName": "A"}, headers={"Origin": ui.origin})
    assert answer.status_code == 403
    assert answer.json()["errors"] == [{"message": f"Fleetwatt does not let Dagster's UI do this: {name}"}]


def test_fragments_that_name_each_other_end(ui: Ui) -> None:
    question = "mutation {...F} fragment F on Mutation {...G} fragment G on Mutation {...F}"
    assert ui.post(question).status_code == 400


def test_every_mutation_of_dagster_is_decided_on() -> None:
    there = create_schema().graphql_schema.mutation_type
    assert there is not None
    assert there.fields.keys() - ALLOWED == {
        "addDynamicPartition",
        "deleteAppManagedComponent",
        "deleteConcurrencyLimit",
        "deleteDynamicPartitions",
        "deletePipelineRun",
        "deleteRun",
        "freeConcurrencySlots",
        "freeConcurrencySlotsForRun",
        "refreshComponentState",
        "reportAssetCheckEvaluations",
        "reportRunlessAssetEvents",
        "setAppManagedComponent",
        "setAutoMaterializePaused",
        "setConcurrencyLimit",
        "setSensorCursor",
        "shutdownRepositoryLocation",
        "wipeAssets",
    }
    assert there.fields.keys() >= ALLOWED


@pytest.mark.parametrize("name", sorted(ALLOWED - WITHOUT_EFFECT))
def test_a_ui_that_only_shows_changes_nothing(read_only: Ui, name: str) -> None:
    answer = read_only.post(f"mutation {{{name} {{__typename}}}}")
    assert answer.json()["errors"] == [{"message": f"Fleetwatt does not let Dagster's UI do this: {name}"}]
    assert read_only.post("{version}").status_code == 200


def test_a_ui_that_only_shows_says_so_to_its_pages(read_only: Ui, ui: Ui) -> None:
    question = "{permissions {permission value}}"
    assert not any(each["value"] for each in read_only.post(question).json()["data"]["permissions"])
    allowed = {each["permission"] for each in ui.post(question).json()["data"]["permissions"] if each["value"]}
    assert "launch_pipeline_execution" in allowed


def test_a_page_of_ours_hears_by_websocket_and_changes_nothing_by_it(ui: Ui) -> None:
    subscription = "subscription {locationStateChangeEvents {event {eventType}}}"
    for origin in (ui.origin, f"http://localhost:{ui.port}"):
        answer = ui.subscribe(f"{subscription} mutation {{wipeAssets {{__typename}}}}", origin=origin)
        assert answer["type"] == "error"
    answer = ui.subscribe(SHUTDOWN, origin=ui.origin)
    assert (answer["type"], "not defined" in answer["payload"]["message"]) == ("error", True)


@pytest.mark.parametrize(
    "handshake",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {},
        {"origin": "{own}", "additional_headers": {"Host": "evil.example"}},
        {"origin": "{own}", "additional_headers": {"Sec-Fetch-Site": "cross-site"}},
    ],
    ids=str,
)
def test_a_websocket_of_a_stranger_is_refused(ui: Ui, handshake: dict[str, Any]) -> None:
    if "origin" in handshake:
        handshake = {**handshake, "origin": handshake["origin"].replace("{own}", ui.origin)}
    with pytest.raises(InvalidStatus, match="403"):
        ui.subscribe("{version}", **handshake)


def test_the_health_check_is_let_in(ui: Ui) -> None:
    assert faults(ui.port)[0] == "no code is loaded", "it was answered"


@pytest.mark.parametrize("name", ["graphql_http_endpoint", "execute_graphql_subscription"])
def test_a_server_that_answers_by_another_method_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(GraphQLServer, f"{name}_2", getattr(GraphQLServer, name), raising=False)
    monkeypatch.delattr(GraphQLServer, name)
    with pytest.raises(RuntimeError, match=f"has no {name} any more"), dagster_ui(read_only=True):
        pass
