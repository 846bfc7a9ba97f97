"""Dagster's pages where its web server is away, slow, broken or hostile; and what of a request it gets to see."""

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from ingest_api.dagster_proxy import dagster_server
from tests.integration.ingest_api.raw_connection import RawConnection, raw_connection, request_headers
from tests.integration.ingest_api.scripted_server import ScriptedServer, scripted_server
from tests.integration.ingest_api.sign_in_site import SignedIn
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, headers
from tests.ports import free_port
from warehouse.contract.users import Role

SECRET = "what-the-api-says-to-dagster-alone-01"  # noqa: S105 - a test's own
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BIG = 8_000_000


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def closed(make_site: MakeSite, upstream: ScriptedServer) -> Site:
    return make_site(auth="required", admin_token=ADMIN_TOKEN, dagster_secret=SECRET, dagster_url=upstream.url)


@pytest.fixture
def connection(closed: Site) -> Iterator[RawConnection]:
    with raw_connection(closed.client.base_url.port or 0) as connection:
        yield connection


def get(site: Site, path: str = "/dagster/x", **more: str) -> httpx.Response:
    return site.client.get(path, headers={**headers(ADMIN_TOKEN), **more})


def test_where_dagster_is_away_it_is_said_and_the_rest_works(make_site: MakeSite) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    site = make_site(auth="required", admin_token=ADMIN_TOKEN, dagster_secret=SECRET, dagster_url=url)
    answer = get(site, "/dagster/")
    assert "starting" in assert_problem(answer, 503, "dagster_unavailable")["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert get(site, "/v1/meters").status_code == 200


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nA"]
)
def test_what_is_no_answer_is_a_bad_gateway(closed: Site, upstream: ScriptedServer, said: bytes) -> None:
    upstream.says(said)
    assert_problem(get(closed), 502, "dagster_broken")


def test_where_dagster_says_nothing_it_is_not_waited_for_for_ever(
    closed: Site, upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dagster_server._TIMEOUTS, "read", 0.2)
    upstream.says(b"HTTP/1.1 200", stays=True)
    assert_problem(get(closed), 504, "dagster_too_slow")


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(
    upstream: ScriptedServer, connection: RawConnection
) -> None:
    upstream.says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    connection.send(request_headers("GET", "/dagster/x", f"Authorization: Bearer {ADMIN_TOKEN}"))
    with pytest.raises(EOFError):
        connection.answer()


def test_a_long_answer_comes_whole(closed: Site, upstream: ScriptedServer) -> None:
    piece = hashlib.sha256(b"x").digest() * 1000
    chunked = [b"%x\r\n%b\r\n" % (len(piece), piece) for _ in range(BIG // len(piece))]
    upstream.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunked, b"0\r\n\r\n")
    answer = get(closed)
    assert answer.content == piece * (BIG // len(piece))


def test_what_is_of_two_neighbours_alone_and_what_is_ours_to_say_stays_behind(
    closed: Site, upstream: ScriptedServer
) -> None:
    upstream.says(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n"
        b"Set-Cookie: fleetwatt=stolen; Path=/\r\nServer: dagster\r\nClear-Site-Data: *\r\n"
        b"Proxy-Authenticate: Basic\r\nX-Request-Id: theirs\r\nX-Kept: 1\r\nCache-Control: no-store\r\n\r\nok"
    )
    answer = get(closed, **{"X-Request-Id": "ours"})
    assert (answer.text, answer.headers["x-kept"], answer.headers["x-request-id"]) == ("ok", "1", "ours")
    gone = {"x-hop", "keep-alive", "set-cookie", "clear-site-data", "proxy-authenticate", "connection"}
    assert gone & set(answer.headers) == set()
    assert "dagster" not in answer.headers.get("server", "")
    assert (answer.headers["cache-control"], len(answer.headers.get_list("date"))) == ("no-store", 1)


@pytest.mark.parametrize(
    ("sent", "leads_to"),
    [
        (b"http://dagster.internal/dagster/runs?a=b", "/dagster/runs?a=b"),
        (b"/dagster/assets", "/dagster/assets"),
        *(
            (each, "/dagster/")
            for each in (b"https://evil.example/", b"//evil.example/", b"http://x//evil/", b"/login")
        ),
        (b"https://evil.example/dagster/x", "/dagster/x"),
    ],
)
def test_dagster_leads_to_its_own_pages_alone(
    closed: Site, upstream: ScriptedServer, sent: bytes, leads_to: str
) -> None:
    upstream.says(b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n" % sent)
    answer = get(closed)
    assert (answer.status_code, answer.headers["location"]) == (307, leads_to)


def test_dagster_sees_no_cookie_no_token_and_nothing_that_a_stranger_says_of_the_way(
    upstream: ScriptedServer, signed_in: SignedIn
) -> None:
    browser = signed_in(Role.OPERATOR)
    upstream.says(PAGE)
    sent = {
        "Origin": browser.origin,
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=6.6.6.6",
        "X-Fleetwatt-Dagster": "made up",
        "Proxy-Authorization": "Basic eHg=",
        "TE": "trailers",
        "Accept": "text/html",
        "X-Anything": "else",
    }
    answer = browser.client.post("/dagster/graphql?a=%20b", headers=sent, json={"query": "{version}"})
    assert answer.text == "ok"
    (asked,) = upstream.asked
    head, _, _ = asked.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    said = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
    assert line == "POST /dagster/graphql?a=%20b HTTP/1.1"
    assert said == {
        "host": "dagster.internal",
        "origin": "http://dagster.internal",
        "x-fleetwatt-dagster": SECRET,
        "accept": "text/html",
        "accept-encoding": "gzip, deflate",
        "user-agent": said["user-agent"],
        "content-type": "application/json",
        "content-length": answer.request.headers["content-length"],
    }


def test_a_program_is_asked_for_as_one_of_dagsters_pages(closed: Site, upstream: ScriptedServer) -> None:
    upstream.says(PAGE)
    get(closed, Origin="https://evil.example", **{"Sec-Fetch-Site": "cross-site"})
    assert b"origin: http://dagster.internal\r\n" in upstream.asked[0].lower()
    assert b"sec-fetch" not in upstream.asked[0].lower()
    assert b"authorization" not in upstream.asked[0].lower()


def test_a_question_that_is_too_long_does_not_reach_dagster(closed: Site, upstream: ScriptedServer) -> None:
    upstream.says(PAGE)
    question = b"x" * (3 * 1024 * 1024)
    answer = closed.client.post("/dagster/graphql", content=question, headers=headers(ADMIN_TOKEN))
    assert_problem(answer, 413, "too_large")
    assert upstream.asked == []


def test_its_requests_are_counted_by_the_route(closed: Site, upstream: ScriptedServer) -> None:
    upstream.says(PAGE)
    get(closed, "/dagster/secret-path")
    counted = get(closed, "/metrics").text
    assert 'route="/dagster/{path:path}"' in counted
    assert "secret-path" not in counted


class TestAWebSocketThatIsNone:
    OFFER = ("Upgrade: websocket", "Connection: Upgrade", f"Authorization: Bearer {ADMIN_TOKEN}")

    def test_dagsters_refusal_is_the_answer(self, upstream: ScriptedServer, connection: RawConnection) -> None:
        upstream.says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno")
        connection.send(request_headers("GET", "/dagster/graphql", *self.OFFER))
        assert connection.answer()[::2] == (400, b"no")

    def test_what_comes_before_it_is_begun_is_no_part_of_it(
        self, upstream: ScriptedServer, connection: RawConnection
    ) -> None:
        upstream.says(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", stays=True
        )
        livez = request_headers("GET", "/livez")
        connection.send(request_headers("GET", "/dagster/graphql", *self.OFFER) + livez)
        assert connection.answer().status == 422, "no bytes of a request are sent on as a WebSocket's"
        assert connection.answer().status == 200

    def test_bytes_go_to_and_fro_and_the_end_of_one_side_is_that_of_the_other(
        self, closed: Site, upstream: ScriptedServer, connection: RawConnection
    ) -> None:
        upstream.says(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: abc\r\nSet-Cookie: a=b\r\n\r\nat once",
            stays=True,
        )
        connection.send(request_headers("GET", "/dagster/graphql", *self.OFFER))
        head = connection.answer()
        assert (head.status, head.headers) == (
            101,
            {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-accept": "abc"},
        )
        received = connection.rest()
        while len(received) < len(b"at once"):
            received += connection.socket.recv(100)
        assert received == b"at once"
        assert closed.client.get("/livez").status_code == 200, "others are served meanwhile"
        upstream.hang_up()
        assert connection.socket.recv(100) == b""
