"""What a client may send a minute, over real connections: nothing that it writes makes it another one."""

import gzip
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count

import httpx
import pytest

from ingest_api.http.rate_limit import RateLimit
from tests.conftest import serving
from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.raw_connection import RawConnection, raw_connection, request_headers
from tests.integration.ingest_api.site import JSON, NDJSON, Site, assert_problem, encode, new_id
from tests.no_tls import NO_TLS
from warehouse.postgres.connection import connect

FORGED = [
    "Authorization: Bearer %s",
    "Authorization: %s",
    "X-Forwarded-For: 198.51.%d.%d",
    "Forwarded: for=198.51.%d.%d",
    "X-Real-IP: 198.51.%d.%d",
    "X-Forwarded-For: 198.51.%d.%d, 127.0.0.1",
    "Via: %s",
    "User-Agent: %s",
    "Cookie: id=%s",
]


_hosts = count(2)


@dataclass(frozen=True)
class ClientSite(Site):
    """A site as one client sees it, who sends from an address that no other test uses."""

    address: str

    @contextmanager
    def connected(self) -> Iterator[RawConnection]:
        """A connection of this client's."""
        with raw_connection(self.client.base_url.port or 0, self.address) as connection:
            yield connection


MakeSite = Callable[..., ClientSite]


@pytest.fixture(scope="module")
def start(shared_database_url: str) -> Iterator[Callable[..., httpx.Client]]:
    """Start an API with these settings, once for the module."""
    with ExitStack() as stack:
        yield cache(lambda **settings: stack.enter_context(serving(database_url=shared_database_url, **settings)))


@pytest.fixture
def make_site(start: Callable[..., httpx.Client], shared_database_url: str) -> Iterator[MakeSite]:
    """Be a new client of an API with these settings."""
    with ExitStack() as stack, connect(shared_database_url) as connection:

        def make(**settings: object) -> ClientSite:
            address = f"127.0.0.{next(_hosts)}"
            transport = httpx.HTTPTransport(local_address=address, verify=NO_TLS)
            client = httpx.Client(base_url=start(**settings).base_url, timeout=30, transport=transport)
            return ClientSite(stack.enter_context(client), connection, shared_database_url, address)

        yield make


def readings_of(device: str, number: int) -> list[bytes]:
    start = now_s() - timedelta(hours=1)
    return [encode(meter_payload(meterId=device, timestamp=iso(start + timedelta(seconds=n)))) for n in range(number)]


def post(body: bytes, *headers: str, media_type: str = JSON) -> bytes:
    return (
        request_headers(
            "POST", "/v1/telemetry", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers
        )
        + body
    )


def forged(header: str, number: int) -> str:
    return header % (secrets.token_hex(8) if "%s" in header else divmod(number, 256))


def test_a_client_that_sends_too_much_is_told_when_to_come_back(make_site: MakeSite) -> None:
    site = make_site(max_readings_per_minute=10)
    readings = readings_of(new_id("eager"), 30)
    assert site.send(b"[" + b",".join(readings[:10]) + b"]").status_code == 200
    answer = site.send(readings[10])
    assert_problem(answer, 429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert_problem(site.send_lines(readings), 429, "rate_limited")


@pytest.mark.parametrize("header", FORGED)
def test_headers_that_rotate_do_not_evade_it(make_site: MakeSite, header: str) -> None:
    site = make_site(max_readings_per_minute=10)
    statuses = []
    with site.connected() as connection:
        for number, reading in enumerate(readings_of(new_id("rotating"), 50)):
            connection.send(post(reading, forged(header, number)))
            statuses.append(connection.answer().status)
    assert statuses.count(201) <= 12  # a few come back within the test
    assert set(statuses) == {201, 429}


def test_nor_do_connections(make_site: MakeSite) -> None:
    site = make_site(max_readings_per_minute=10)
    statuses = []
    for reading in readings_of(new_id("rotating"), 30):
        with site.connected() as connection:
            connection.send(post(reading))
            statuses.append(connection.answer().status)
    assert statuses.count(201) <= 12


def test_a_proxy_that_is_named_is_believed_and_its_clients_count_apart(make_site: MakeSite) -> None:
    site = make_site(max_readings_per_minute=10, trusted_proxies="127.0.0.0/8")
    readings = readings_of(new_id("behind"), 30)
    with site.connected() as connection:
        for client, status in [("192.0.2.1", 200), ("192.0.2.2", 200), ("192.0.2.1", 429), ("9.9.9.9, 192.0.2.2", 429)]:
            connection.send(post(b"[" + b",".join(readings[:10]) + b"]", f"X-Forwarded-For: {client}"))
            assert connection.answer().status == status, client
        for client, status in [("2001:db8::1", 200), ("2001:db8::2", 429), ("2001:db8:0:1::1", 200)]:
            connection.send(post(b"[" + b",".join(readings[:10]) + b"]", f"X-Forwarded-For: {client}"))
            assert connection.answer().status == status, client


REFUSED = {
    "items that are none": (b"[" + b",".join([b'{"z":1}'] * 10) + b"]", JSON, 422),
    "lines that are none": (b"\n".join([b'{"z":1}'] * 10), NDJSON, 422),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_counts_like_what_is_stored(make_site: MakeSite, name: str) -> None:
    site = make_site(max_readings_per_minute=10)
    body, media_type, status = REFUSED[name]
    assert site.send(body, media_type).status_code == status
    assert_problem(site.send(b"[]"), 429, "rate_limited")


SINGLY_REFUSED = {
    "no JSON": (b"{", JSON, "identity", 400),
    "no reading": (b"{}", JSON, "identity", 422),
    "nothing": (b"[]", JSON, "identity", 200),
    "a blank stream": (b"\n\n", NDJSON, "identity", 200),
    "another type": (b"{}", "text/plain", "identity", 415),
    "another encoding": (b"{}", JSON, "br", 415),
    "no gzip": (b"{}", JSON, "gzip", 400),
    "a stream that is no gzip": (b"{}", NDJSON, "gzip", 400),
    "too large": (b" " * 3_000_000, JSON, "identity", 413),
    "too large, decoded": (gzip.compress(b" " * 10_000_000), JSON, "gzip", 413),
    "too many items": (b"[" + b"1," * 10_000 + b"1]", JSON, "identity", 413),
}


@pytest.mark.parametrize("name", SINGLY_REFUSED)
def test_every_request_counts_whatever_becomes_of_it(make_site: MakeSite, name: str) -> None:
    site = make_site(max_readings_per_minute=5, max_bytes_per_minute=10**9)
    body, media_type, encoding, status = SINGLY_REFUSED[name]
    headers = {"Content-Type": media_type, "Content-Encoding": encoding}
    statuses = [site.client.post("/v1/telemetry", content=body, headers=headers).status_code for _ in range(7)]
    assert statuses[:5] == [status] * 5
    assert statuses[6] == 429


@pytest.mark.parametrize(
    ("body", "encoding", "media_type"),
    [
        (b"[" + b" " * 99_000 + b"]", "identity", JSON),
        (gzip.compress(b"[" + b" " * 99_000 + b"]"), "gzip", JSON),
        (b'{"z":"' + b"x" * 99_000 + b'"}', "identity", JSON),
        (gzip.compress(b'{"z":"' + b"x" * 99_000 + b'"}'), "gzip", NDJSON),
        (b" " * 99_000, "identity", NDJSON),
    ],
    ids=["spaces", "spaces in gzip", "no reading", "no reading in gzip", "a blank stream"],
)
def test_bytes_count_as_they_are_decoded(make_site: MakeSite, body: bytes, encoding: str, media_type: str) -> None:
    site = make_site(max_bytes_per_minute=60_000)
    headers = {"Content-Type": media_type, "Content-Encoding": encoding}
    assert site.client.post("/v1/telemetry", content=body, headers=headers).status_code in (200, 422)
    assert_problem(site.send(encode(meter_payload())), 429, "rate_limited")


def test_a_limit_of_readings_is_one_of_bytes_too(make_site: MakeSite) -> None:
    site = make_site(max_readings_per_minute=10)
    assert site.send(encode(meter_payload(meterId=new_id("wide"), padding="x" * 12_000))).status_code == 201
    problem = assert_problem(site.send(encode(meter_payload())), 429, "rate_limited")
    assert "10,240 bytes a minute" in problem["detail"]


def test_who_has_sent_too_much_is_told_before_its_body_is_asked_for(make_site: MakeSite) -> None:
    site = make_site(max_readings_per_minute=1)
    assert site.send(encode(meter_payload())).status_code == 201
    for media_type in (JSON, NDJSON):
        with site.connected() as connection:
            headers = (f"Content-Type: {media_type}", "Content-Length: 1000000", "Expect: 100-continue")
            connection.send(request_headers("POST", "/v1/telemetry", *headers))
            assert [answer.status for answer in connection.answers()] == [429]


def test_a_stream_that_becomes_too_much_is_answered_with_the_counts_so_far(make_site: MakeSite) -> None:
    site = make_site(max_readings_per_minute=15, max_items=10)
    problem = assert_problem(site.send_lines(readings_of(new_id("eager"), 30)), 429, "rate_limited")
    assert problem["accepted"] == 20
    assert problem["nextIndex"] == 20
    assert "from line 20 on" in problem["detail"]


class Clock:
    """The limits' clock, set by hand: whoever waits for ``Retry-After`` moves it on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, answer: httpx.Response) -> None:
        self.now += int(answer.headers["retry-after"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """That of APIs which are started while it is there."""
    clock = Clock()
    monkeypatch.setattr(RateLimit.__init__, "__defaults__", (clock,))
    return clock


def test_who_goes_on_from_there_finishes(clock: Clock, make_site: MakeSite) -> None:
    site = make_site(max_readings_per_minute=200, max_items=50)
    device = new_id("eager")
    good, rest = readings_of(device, 610), 0
    lines = [*good[:300], b"", b"{", *good[300:]]
    counts = dict.fromkeys(("accepted", "duplicates", "conflicts", "rejected"), 0)
    answers = 0
    while True:
        answer = site.send_lines(lines[rest:])
        answers += 1
        for name in counts:
            counts[name] += answer.json()[name]
        if answer.status_code == 200:
            break
        problem = assert_problem(answer, 429, "rate_limited")
        assert problem["nextIndex"] > 0
        rest += problem["nextIndex"]
        clock.wait(answer)
    assert answers > 3
    assert counts == {"accepted": 610, "duplicates": 0, "conflicts": 0, "rejected": 1}
    assert len(site.stored(device)) == 610


def test_an_array_larger_than_a_minutes_worth_passes_and_is_paid_for_afterwards(
    clock: Clock, make_site: MakeSite
) -> None:
    site = make_site(max_readings_per_minute=600)
    body = b"[" + b",".join(readings_of(new_id("eager"), 605)) + b"]"
    assert site.send(body).json()["accepted"] == 605
    refused = site.send(body)
    assert "nextIndex" not in assert_problem(refused, 429, "rate_limited")
    clock.wait(refused)
    assert site.send(body).json()["duplicates"] == 605
