"""Dagster's UI below ``/dagster/``, behind the same sign-in: who sees it, and what may be changed through it."""

import asyncio
import json
import re
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.dagster_ui import Ui, dagster_ui, subscribe
from tests.integration.ingest_api.raw_connection import raw_connection, request_headers
from tests.integration.ingest_api.sign_in_site import HTML, MakeBrowser, MakeUser, SignedIn
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, MakeToken, headers
from warehouse.contract.tokens import Scope
from warehouse.contract.users import Role

SECRET = "what-the-api-says-to-dagster-alone-01"  # noqa: S105 - a test's own
ASKED = {"query": "{version}"}
RELOAD = {"query": 'mutation {reloadRepositoryLocation(repositoryLocationName: "nope") {__typename}}'}
WIPE = {"query": 'mutation {wipeAssets(assetPartitionRanges: [{assetKey: {path: ["meters"]}}]) {__typename}}'}
RUNS = 'subscription {pipelineRunLogs(runId: "nope") {__typename}}'


@pytest.fixture(scope="module")
def dagster() -> Iterator[Ui]:
    with dagster_ui(secret=SECRET) as ui:
        yield ui


@pytest.fixture(scope="module")
def closed(make_site: MakeSite, dagster: Ui) -> Site:
    return make_site(auth="required", admin_token=ADMIN_TOKEN, dagster_secret=SECRET, dagster_url=dagster.origin)


@pytest.fixture
def operator(signed_in: SignedIn) -> httpx.Client:
    browser = signed_in(Role.OPERATOR)
    browser.client.headers["Origin"] = browser.origin
    return browser.client


def ask(client: httpx.Client, question: object = ASKED, **more: str) -> httpx.Response:
    return client.post("/dagster/graphql", json=question, headers=more)


def test_who_operates_sees_its_pages_and_what_they_are_made_of(operator: httpx.Client) -> None:
    page = operator.get("/dagster/", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '"pathPrefix": "/dagster"' in page.text
    policies = page.headers.get_list("content-security-policy")
    assert any("frame-ancestors 'none'" in policy for policy in policies)
    assert any("script-src 'nonce-" in policy for policy in policies), "Dagster's own"
    assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
    assert "set-cookie" not in page.headers
    assert operator.get("/dagster/assets/deep/er?view=lineage").text.count("pathPrefix") == 1
    (script, *_) = re.findall(r'src="(/dagster/_next/[^"]+/webpack[^"]+)"', page.text)
    file = operator.get(script)
    assert (file.status_code, file.headers["cache-control"]) == (200, "private")
    again = operator.get(script, headers={"If-None-Match": file.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    part = operator.get(script, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, file.content[:10])
    head = operator.head(script)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(file.content)), b"")
    assert set(ask(operator).json()) == {"data"}


def test_the_front_page_leads_there_whoever_may_see_it(operator: httpx.Client, signed_in: SignedIn) -> None:
    assert '<a href="./dagster/">' in operator.get("/", headers=HTML).text
    assert operator.get("/").json()["links"]["dagster"] == "/dagster/"
    viewer = signed_in(Role.VIEWER).client
    assert "dagster" not in viewer.get("/").text + viewer.get("/", headers=HTML).text


def test_it_has_one_address(operator: httpx.Client) -> None:
    answer = operator.get("/dagster", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "dagster/")
    assert operator.get("/dagster", follow_redirects=True).url.path == "/dagster/"


def test_our_own_pages_keep_their_policy(operator: httpx.Client) -> None:
    assert "default-src 'none'" in operator.get("/", headers=HTML).headers["content-security-policy"]


def test_a_viewer_is_told_what_is_missing(signed_in: SignedIn) -> None:
    viewer = signed_in(Role.VIEWER)
    for answer in (viewer.get("/dagster/"), viewer.post("/dagster/graphql", {}), viewer.get("/dagster")):
        assert "operate" in assert_problem(answer, 403, "scope_missing")["detail"]


def test_who_is_not_signed_in_is_led_there_and_back(make_browser: MakeBrowser, make_user: MakeUser) -> None:
    browser = make_browser()
    name = make_user(Role.OPERATOR)
    led = browser.get("/dagster/assets?a=b")
    assert (led.status_code, led.headers["location"]) == (303, "../login?next=dagster%2Fassets%3Fa%3Db")
    back = browser.sign_in(name, wanted="dagster/assets?a=b")
    assert (back.status_code, back.headers["location"]) == (303, "./dagster/assets?a=b")
    assert browser.get("/dagster/assets?a=b").status_code == 200
    browser.sign_out()
    assert browser.get("/dagster/assets").status_code == 303
    assert_problem(ask(browser.client), 401, "token_missing")


@pytest.mark.parametrize("given", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}], ids=str)
def test_a_page_of_others_changes_and_asks_nothing(signed_in: SignedIn, closed: Site, given: dict[str, str]) -> None:
    browser = signed_in(Role.ADMIN)
    for question in (ASKED, RELOAD):
        assert_problem(ask(browser.client, question, **given), 403, "foreign_page")
    address = str(closed.client.base_url).replace("http", "ws", 1).rstrip("/")
    cookie = {"Cookie": f"fleetwatt={browser.session}", **given}
    with pytest.raises(InvalidStatus) as refused:
        asyncio.run(subscribe(f"{address}/dagster/graphql", RUNS, additional_headers=cookie))
    assert refused.value.response.status_code == 403


def test_what_a_browser_says_of_a_request_reaches_dagsters_gate(operator: httpx.Client) -> None:
    assert ask(operator, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert operator.get("/dagster/runs", headers=framed).status_code == 403
    assert operator.get("/dagster/runs", headers={**framed, "Sec-Fetch-Dest": "document"}).status_code == 200
    assert operator.get("/dagster/runs", headers={"Origin": "https://evil.example"}).status_code == 403


def test_what_no_page_of_dagsters_may_do_is_refused_below_the_prefix_too(operator: httpx.Client) -> None:
    assert "does not let" in ask(operator, WIPE).text
    assert operator.get("/dagster/graphql", params=RELOAD).status_code == 405
    assert operator.post("/dagster/graphql", data={"query": "{version}"}).status_code == 415
    assert operator.post("/dagster/report_asset_materialization/meters", json={}).status_code == 405
    assert "pathPrefix" in operator.get("/dagster/notebook?path=/etc/passwd.ipynb").text, "no more than a page"
    assert ask(operator, RELOAD).json()["data"] is not None
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert operator.request(method, "/dagster/graphql", headers={"X-CSRF-Token": "x"}).status_code in (403, 405)


def test_a_program_may_with_a_token_that_operates(closed: Site, make_token: MakeToken) -> None:
    may, may_not = headers(make_token(Scope.OPERATE)), headers(make_token(Scope.READ))
    assert ask(closed.client, RELOAD, **may).json()["data"] is not None
    assert ask(closed.client, ASKED, **headers(ADMIN_TOKEN)).status_code == 200
    assert_problem(ask(closed.client, ASKED, **may_not), 403, "scope_missing")


OUT = [
    *("/dagster/../v1/me", "/dagster/..", "/dagster/.", "/dagster/a/../../x", "/dagster/%2e%2e/x", "/dagster/%2E./x"),
    *(
        "/dagster/..%2f..%2fetc/passwd",
        "/dagster/..%5cx",
        "/dagster/logs/..\\x",
        "/dagster/logs/%00",
        "/dagster/a%0d%0ab",
    ),
    *("/%64agster/x", "/dagste%72/x"),
]


@pytest.mark.parametrize("path", OUT)
def test_a_path_that_leads_elsewhere_is_refused(closed: Site, path: str) -> None:
    with raw_connection(closed.client.base_url.port or 0) as connection:
        connection.send(request_headers("GET", path, f"Authorization: Bearer {ADMIN_TOKEN}"))
        answer = connection.answer()
    assert (answer.status, json.loads(answer.body)["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("path", ["//dagster/", "/dagster//evil.example/..;/", "/dagsters/x", "/DAGSTER/x"])
def test_a_path_that_is_nearly_one_leads_nowhere(closed: Site, path: str) -> None:
    with raw_connection(closed.client.base_url.port or 0) as connection:
        connection.send(request_headers("GET", path, f"Authorization: Bearer {ADMIN_TOKEN}"))
        answer = connection.answer()
    assert answer.status == 404 or b"evil" not in answer.headers.get("location", "").encode()


class TestWithoutTheSecret:
    @pytest.mark.parametrize("given", [{}, {"x-fleetwatt-dagster": "x" * 40}], ids=str)
    def test_dagster_answers_nobody_but_the_api(self, dagster: Ui, given: dict[str, str]) -> None:
        own = {"Host": "dagster.internal", "Origin": "http://dagster.internal"}
        for more in ({}, own):
            answer = dagster.ask("POST", "/dagster/graphql", json=ASKED, headers={**more, **given})
            assert (answer.status_code, "where people sign in" in answer.text) == (403, True)
        assert dagster.ask("GET", "/dagster/", headers=given).status_code == 403
        with pytest.raises(InvalidStatus):
            dagster.subscribe(RUNS, additional_headers=given)

    def test_a_browser_cannot_send_it_through_the_api(self, make_site: MakeSite, dagster: Ui) -> None:
        other = make_site(
            auth="required", admin_token=ADMIN_TOKEN, dagster_secret="another" * 6, dagster_url=dagster.origin
        )
        given = {**headers(ADMIN_TOKEN), "X-Fleetwatt-Dagster": SECRET}
        answer = other.client.get("/dagster/", headers=given)
        assert (answer.status_code, "FLEET_DAGSTER_SECRET" in answer.text) == (403, True)


def test_where_no_secret_is_shared_it_says_so(make_site: MakeSite) -> None:
    without = make_site(auth="required", admin_token=ADMIN_TOKEN)
    detail = assert_problem(without.client.get("/dagster/", headers=headers(ADMIN_TOKEN)), 404, "not_found")["detail"]
    assert "FLEET_DAGSTER_SECRET" in detail


def test_where_nobody_is_asked_it_stays_at_its_own_port(make_site: MakeSite, dagster: Ui) -> None:
    site = make_site(dagster_secret=SECRET, dagster_url=dagster.origin)
    for method in ("GET", "POST"):
        assert "own port" in assert_problem(site.client.request(method, "/dagster/graphql"), 404, "not_found")["detail"]


class TestWebSocket:
    @pytest.fixture
    def address(self, closed: Site) -> str:
        return f"{str(closed.client.base_url).replace('http', 'ws', 1).rstrip('/')}/dagster/graphql"

    def test_a_page_hears_what_dagster_says(self, address: str, operator: httpx.Client, closed: Site) -> None:
        given = {"Cookie": f"fleetwatt={operator.cookies['fleetwatt']}", "Origin": operator.headers["Origin"]}
        said = asyncio.run(subscribe(address, RUNS, additional_headers=given))
        assert (said["type"], said["id"]) == ("data", "1")
        assert closed.client.get("/livez").status_code == 200

    def test_a_program_with_a_token_too(self, address: str, make_token: MakeToken) -> None:
        said = asyncio.run(subscribe(address, RUNS, additional_headers=headers(make_token(Scope.OPERATE))))
        assert said["type"] == "data"

    @pytest.mark.parametrize("role", [None, Role.VIEWER])
    def test_others_do_not(self, address: str, signed_in: SignedIn, closed: Site, role: Role | None) -> None:
        given = {"Origin": str(closed.client.base_url).rstrip("/")}
        if role:
            given["Cookie"] = f"fleetwatt={signed_in(role).session}"
        with pytest.raises(InvalidStatus) as refused:
            asyncio.run(subscribe(address, RUNS, additional_headers=given))
        assert refused.value.response.status_code == (403 if role else 401)

    def test_it_ends_with_the_session(self, address: str, operator: httpx.Client, closed: Site) -> None:
        given = {"Cookie": f"fleetwatt={operator.cookies['fleetwatt']}", "Origin": operator.headers["Origin"]}

        async def talk() -> None:
            async with connect(address, subprotocols=["graphql-ws"], proxy=None, additional_headers=given) as talked:  # type: ignore[list-item]
                await talked.send(json.dumps({"type": "connection_init"}))
                await talked.recv()
                closed.connection.execute("DELETE FROM user_sessions")
                await asyncio.wait_for(talked.wait_closed(), 60)

        asyncio.run(talk())

    def test_an_offer_elsewhere_is_ignored(self, closed: Site) -> None:
        offer = (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: " + "A" * 22 + "==",
        )
        token = f"Authorization: Bearer {ADMIN_TOKEN}"
        body = json.dumps(ASKED).encode()
        with raw_connection(closed.client.base_url.port or 0) as connection:
            connection.send(request_headers("GET", "/v1/meters", token, *offer))
            assert connection.answer().status == 200
            length = (f"Content-Length: {len(body)}", "Content-Type: application/json")
            connection.send(request_headers("POST", "/dagster/graphql", token, *length, *offer) + body)
            answer = connection.answer()
            assert (answer.status, b'"version"' in answer.body) == (200, True), "the body was read"
            connection.send(request_headers("GET", "/dagster/server_info", token, *offer))
            assert connection.answer().status in (200, 400, 403)
