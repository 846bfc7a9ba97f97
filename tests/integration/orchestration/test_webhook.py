"""The webhook and the chats over real HTTP: what is sent, and servers that hang, refuse, lead elsewhere or are gone."""

import base64
import hashlib
import hmac
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import pytest

from orchestration.alerting import http_post
from orchestration.alerting.channel import Channel
from orchestration.alerting.chats import SlackChannel, TeamsChannel
from orchestration.alerting.webhook import WebhookChannel
from tests.integration.orchestration.conftest import Webhook
from tests.markdown import ROOT
from tests.ports import free_port
from warehouse.alerts.message import Message
from warehouse.contract.redaction import keep_secret

AT = datetime(2026, 2, 8, 7, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MESSAGE = Message(
    "finding.opened", "Ladesäule 5", "Ladesäule 5\n<b>kostet</b>", {"finding": {"id": "1"}}, AT, "finding_1"
)

Answer = Callable[[socket.socket], None]
Answering = Callable[[Answer], str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Servers whose every connection is handed to a function, once the request has arrived; their addresses."""
    with ExitStack() as stack:

        def serve(answer: Answer) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept() -> None:
                with suppress(OSError):  # the listener is closed at the end
                    while True:
                        connection, _ = listener.accept()
                        with connection, suppress(OSError):
                            _read_request(connection)
                            answer(connection)

            thread = threading.Thread(target=accept, daemon=True)
            thread.start()
            stack.callback(thread.join, 30)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/secret-token"

        yield serve


def test_what_is_posted_can_be_verified(webhook: Webhook) -> None:
    for _ in range(2):
        outcome = WebhookChannel(webhook.url, SECRET).send(MESSAGE, AT)
        assert (outcome.is_taken, outcome.problem, outcome.remark) == (True, "", "")
    assert json.loads(webhook.bodies[0])["finding"] == {"id": "1"}
    for body, headers in zip(webhook.bodies, webhook.headers, strict=True):
        assert headers["webhook-id"] == headers["Idempotency-Key"] == "finding_1"
        assert headers["webhook-timestamp"] == str(int(AT.timestamp()))
        assert headers["Content-Type"] == "application/json"
        signed = f"finding_1.{int(AT.timestamp())}.".encode() + body
        digest = hmac.new(bytes(range(32)), signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert webhook.bodies[0] == webhook.bodies[1], "an attempt more is the same message"


def test_the_snippet_of_the_page_verifies_it_and_nothing_else(webhook: Webhook) -> None:
    now = datetime.now(UTC)
    WebhookChannel(webhook.url, SECRET).send(MESSAGE, now)
    (snippet,) = (code for code in _python_of("operations.md") if "webhook-signature" in code)
    namespace: dict[str, object] = {}
    exec(snippet, namespace)  # noqa: S102 - of our own page
    is_genuine = namespace["is_genuine"]
    assert callable(is_genuine)
    (body,), (headers,) = webhook.bodies, webhook.headers
    assert is_genuine(SECRET, headers, body)
    assert not is_genuine(SECRET, headers, body + b" ")
    assert not is_genuine("whsec_" + base64.b64encode(bytes(32)).decode(), headers, body)
    old = {**headers, "webhook-timestamp": str(int(now.timestamp()) - 3600)}
    assert not is_genuine(SECRET, old, body), "it is dated by the signature too"
    WebhookChannel(webhook.url, SECRET).send(MESSAGE, AT)
    assert not is_genuine(SECRET, webhook.headers[1], webhook.bodies[1]), "signed long ago: somebody repeats it"


def _python_of(page: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)


def test_without_a_secret_it_is_not_signed(webhook: Webhook) -> None:
    assert WebhookChannel(webhook.url).send(MESSAGE, AT).is_taken
    assert "webhook-signature" not in webhook.headers[0]
    assert webhook.headers[0]["webhook-id"] == "finding_1"


def test_chats_are_sent_what_they_take(webhook: Webhook) -> None:
    assert SlackChannel(webhook.url).send(MESSAGE, AT).is_taken
    assert TeamsChannel(webhook.url).send(MESSAGE, AT).is_taken
    slack, teams = (json.loads(body) for body in webhook.bodies)
    assert slack == {"text": "Ladesäule 5\n&lt;b&gt;kostet&lt;/b&gt;"}
    assert teams["type"] == "message"
    assert teams["attachments"][0]["content"]["type"] == "AdaptiveCard"


def _read_request(connection: socket.socket) -> None:
    """All of it: what is left unread when a connection is closed takes the answer with it."""
    with connection.makefile("rb") as request:
        head = b"".join(iter(request.readline, b"\r\n"))
        (length,) = re.findall(rb"\r\nContent-Length: (\d+)", head, re.I)
        request.read(int(length))


def _hangs(connection: socket.socket) -> None:
    connection.recv(1)  # until the client has had enough


def _trickles(connection: socket.socket) -> None:
    """Each byte comes in time; all of them never do."""
    stop = threading.Event()
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500 + b"\r\nContent-Length: 0\r\n\r\n":
        stop.wait(0.02)
        connection.sendall(bytes([byte]))


def _answers(status: str, *headers: str, body: bytes = b"") -> Answer:
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""])

    def answer(connection: socket.socket) -> None:
        connection.sendall(head.encode() + body)

    return answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_hangs, "no answer within 0.3 s"),
        (_trickles, "no answer within 0.3 s"),
        (lambda connection: connection.close(), "Server disconnected without sending a response."),
        (_answers("500 Oh"), "it answered 500"),
        (_answers("500 Oh", body=b"no\x1b[31m\r\nspace"), r"it answered 500: no\x1b[31m space"),
        (_answers("400 Bad", body=b"secret-token is wrong"), "it answered 400: *** is wrong"),
        (_answers("204 No Content"), ""),
        (_answers("301 Moved", "Location: http://127.0.0.1:1/"), "it answered 301, which leads elsewhere"),
        (_answers("307 Moved", "Location: http://127.0.0.1:1/"), "it answered 307, which leads elsewhere"),
        (lambda connection: connection.sendall(b"220 mail.example.com ESMTP\r\n\r\n"), "illegal status line"),
    ],
)
def test_what_goes_wrong_is_said_in_a_line(
    answer: Answer, said: str, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_post, "ANSWERS_WITHIN_S", 0.3 if said.startswith("no answer") else 60.0)
    url = answering(answer)
    keep_secret(url)
    outcome = WebhookChannel(url, SECRET).send(MESSAGE, AT)
    assert outcome.is_taken == (not said)
    assert said in outcome.problem
    assert "secret-token" not in outcome.problem
    assert "\n" not in outcome.problem


def test_of_a_refusal_without_end_only_the_beginning_is_read(answering: Answering) -> None:
    sent = []

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 500 Oh\r\n\r\n")
        for _ in range(2_000):
            connection.sendall(b"x" * 2**16)
            sent.append(1)

    outcome = WebhookChannel(answering(endless)).send(MESSAGE, AT)
    assert outcome.problem.startswith("it answered 500: xxx")
    assert len(outcome.problem) <= 300
    assert len(sent) < 2_000


def test_a_refusal_that_says_no_more_is_one_all_the_same(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_post, "_SAYS_WHY_WITHIN_S", 0.05)

    def says_half(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nlater")
        connection.recv(1)

    assert WebhookChannel(answering(says_half)).send(MESSAGE, AT).problem == "it answered 503: later"


@pytest.mark.parametrize(("header", "wait_s"), [("120", 120), ("99999999", 3600), ("Mon, 9 Feb 2026", 0), ("-1", 0)])
def test_how_long_they_ask_to_be_left_alone_is_heard(header: str, wait_s: int, answering: Answering) -> None:
    channel = SlackChannel(answering(_answers("429 Slow", f"Retry-After: {header}")))
    assert channel.send(MESSAGE, AT).retry_after_s == wait_s


@pytest.mark.parametrize("channel", [WebhookChannel, SlackChannel, TeamsChannel])
def test_nobody_is_there(channel: Callable[[str], Channel]) -> None:
    outcome = channel(f"http://127.0.0.1:{free_port()}/secret-token").send(MESSAGE, AT)
    assert "connection attempts failed" in outcome.problem or "refused" in outcome.problem
    assert not channel("https://no-such-host.invalid/secret-token").send(MESSAGE, AT).is_taken


@pytest.mark.parametrize("channel", [WebhookChannel, SlackChannel, TeamsChannel])
@pytest.mark.parametrize(
    "url", ["https://xn--a/secret-token", f"https://{'x' * 70}.example/secret-token", "http://a..b/"]
)
def test_a_host_that_cannot_be_one_is_a_problem_in_words(url: str, channel: Callable[[str], Channel]) -> None:
    assert channel(url).send(MESSAGE, AT).problem


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSL_CERT_FILE", "/no/such/file"),
        ("SSL_CERT_FILE", "/dev/null"),
        ("HTTPS_PROXY", "nonsense://127.0.0.1:1"),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1"),
    ],
)
def test_an_environment_that_keeps_it_from_being_sent_is_a_problem_in_words(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert WebhookChannel("https://no-such-host.invalid/secret-token").send(MESSAGE, AT).problem
