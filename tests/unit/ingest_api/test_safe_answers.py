"""What browsers are told with every answer, and when it is TLS alone."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from ingest_api.http.client_address import ClientAddresses, networks_of
from ingest_api.http.safe_answers import TLS_ALONE_FOR, SafeAnswers

PROXY, STRANGER = "10.0.0.7", "192.0.2.7"
TLS_ALONE = (b"strict-transport-security", b"max-age=15724800")
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
SAYS = [(b"X-Content-Type-Options", b"nosniff"), (b"Strict-Transport-Security", b"max-age=0")]


def answered(
    host: str | None = "fleet.example",
    *,
    scheme: str = "http",
    peer: str = STRANGER,
    said: str | None = None,
    public_url: str | None = None,
    own: list[tuple[bytes, bytes]] | None = None,
) -> list[tuple[bytes, bytes]]:
    """The headers of an answer whose application says its ``own``; ``said``: ``X-Forwarded-Proto``."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": own or []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    sent: list[Message] = []
    given = [(b"host", host), (b"x-forwarded-proto", said)]
    scope = {
        "type": "http",
        "scheme": scheme,
        "client": (peer, 1),
        "headers": [(name, value.encode()) for name, value in given if value is not None],
    }
    layer = SafeAnswers(app, ClientAddresses(networks_of(PROXY)), public_url)
    asyncio.run(layer(scope, receive, send))
    headers: list[tuple[bytes, bytes]] = sent[0]["headers"]
    return headers


def test_an_answer_is_what_it_says_it_is() -> None:
    assert answered() == [NO_SNIFFING]


def test_what_an_answer_says_already_stays() -> None:
    assert answered(scheme="https", own=SAYS) == SAYS


@pytest.mark.parametrize("host", ["fleet.example", "fleet.example:3000", "192.0.2.1", None])
def test_where_tls_is_spoken_here_or_by_a_proxy_that_is_believed_it_is_tls_alone(host: str | None) -> None:
    assert TLS_ALONE in answered(host, scheme="https")
    assert TLS_ALONE in answered(host, peer=PROXY, said="https")
    assert TLS_ALONE not in answered(host, peer=PROXY, said="http")
    assert TLS_ALONE not in answered(host, said="https"), "a stranger says so"


@pytest.mark.parametrize(
    ("public_url", "host", "is_tls_alone"),
    [
        ("https://fleet.example", "fleet.example", True),
        ("https://fleet.example", "FLEET.example:443", True),
        ("https://fleet.example:8443", "fleet.example:8443", True),
        ("https://fleet.example", "10.0.0.5:3000", False),
        ("https://fleet.example", "other.example", False),
        ("https://fleet.example", None, False),
        ("http://fleet.example", "fleet.example", False),
        ("https://localhost:3000", "localhost:3000", False),
    ],
)
def test_under_the_public_name_it_is_tls_alone(public_url: str, host: str | None, is_tls_alone: bool) -> None:
    assert (TLS_ALONE in answered(host, public_url=public_url)) is is_tls_alone


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000"])
def test_whoever_tries_tls_on_a_machine_of_their_own_keeps_its_other_services(host: str) -> None:
    assert TLS_ALONE not in answered(host, scheme="https")


def test_it_holds_for_half_a_year() -> None:
    assert TLS_ALONE[1] == b"max-age=%d" % TLS_ALONE_FOR.total_seconds()
