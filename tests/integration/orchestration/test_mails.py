"""Mails by a real SMTP server: aiosmtpd."""

import socket
import ssl
import threading
from asyncio import WriteTransport
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from orchestration.alerting import bounded_smtp, mails
from orchestration.alerting.mails import MailChannel
from tests.certificates import CertificateFiles, write_certificate
from tests.ports import free_port
from warehouse.alert_settings import SmtpSecurity
from warehouse.alerts.message import Message
from warehouse.contract.redaction import keep_secret

AT = datetime(2026, 2, 8, 7, tzinfo=UTC)
MESSAGE = Message("finding.opened", "Ladesäule 5\r\nBcc: x@y", "Ladesäule 5\n.\nkostet 3,20 €", {}, AT, "finding_1")
PASSWORD = "p4ssword-of-mail"  # noqa: S105 - a test's own


@dataclass
class Mailbox:
    """What a server took, and how it behaves; the hooks are those of aiosmtpd."""

    taken: list[Envelope] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    answers: str = "250 taken"
    quits: str = "221 bye"

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        self.taken.append(envelope)
        return self.answers

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        if self.quits == "drops the connection":
            assert isinstance(server.transport, WriteTransport)
            server.transport.abort()
        return self.quits


Serving = Callable[..., int]


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def serving(box: Mailbox) -> Iterator[Serving]:
    """Start a server with this mailbox; returns its port."""
    with ExitStack() as stack:

        def serve(**how: Any) -> int:
            controller = Controller(box, hostname="127.0.0.1", port=free_port(), **how)
            controller.start()
            stack.callback(controller.stop)
            return controller.port

        yield serve


def channel(port: int, security: SmtpSecurity = SmtpSecurity.NONE, **given: Any) -> MailChannel:
    to = given.pop("to", ("a@example.com", "b@example.com"))
    return MailChannel(to, "alerts@example.com", given.pop("host", "127.0.0.1"), port, security, **given)


def test_all_get_one_mail(box: Mailbox, serving: Serving) -> None:
    outcome = channel(serving()).send(MESSAGE, AT)
    assert (outcome.problem, outcome.remark) == ("", "")
    (envelope,) = box.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("alerts@example.com", ["a@example.com", "b@example.com"])
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=SMTP_POLICY)
    assert mail["Subject"] == "Ladesäule 5 Bcc: x@y"
    assert "Bcc" not in mail
    assert mail["Message-ID"] == "<finding_1@example.com>"
    assert mail.get_content().splitlines() == ["Ladesäule 5", ".", "kostet 3,20 €"]


def test_of_those_who_are_refused_it_is_said_and_the_others_have_it(box: Mailbox, serving: Serving) -> None:
    box.refuses["b@example.com"] = "550 no such\x1b user"
    outcome = channel(serving()).send(MESSAGE, AT)
    assert outcome.is_taken
    assert outcome.remark == "refused for b@example.com (550: no such\\x1b user)"
    assert [each.rcpt_tos for each in box.taken] == [["a@example.com"]]


def test_where_all_are_refused_nobody_has_it(box: Mailbox, serving: Serving) -> None:
    box.refuses.update({"a@example.com": "451 later", "b@example.com": "550 no"})
    outcome = channel(serving()).send(MESSAGE, AT)
    assert outcome.problem == "refused for a@example.com (451: later), b@example.com (550: no)"


@pytest.mark.parametrize("quits", ["421 too busy to part", "nonsense", "drops the connection"])
def test_how_they_part_does_not_matter_once_they_have_it(quits: str, box: Mailbox, serving: Serving) -> None:
    """Else it would be sent again, and again."""
    box.quits = quits
    assert channel(serving()).send(MESSAGE, AT).is_taken
    assert len(box.taken) == 1


def test_a_server_that_does_not_take_it_says_why(box: Mailbox, serving: Serving) -> None:
    box.answers = "554 looks like spam"
    assert channel(serving()).send(MESSAGE, AT).problem == "it answered 554: looks like spam"


def test_nobody_is_there() -> None:
    assert "refused" in channel(free_port()).send(MESSAGE, AT).problem
    assert channel(25, host="no-such-host.invalid").send(MESSAGE, AT).problem


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "ANSWERS_WITHIN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert channel(port).send(MESSAGE, AT).problem == "no answer within 0.2 s"


Talking = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def talking() -> Iterator[Talking]:
    """Servers that say what a function says, to one client; their ports."""
    with ExitStack() as stack:

        def serve(talk: Callable[[socket.socket], None]) -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def answer() -> None:
                with suppress(OSError), listener.accept()[0] as connection:  # it parts, or never comes
                    talk(connection)

            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            stack.callback(thread.join, 30)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return int(listener.getsockname()[1])

        yield serve


def _trickles(connection: socket.socket) -> None:
    """Each byte comes in time; all of them never do."""
    stop = threading.Event()
    for byte in b"220 " + b"x" * 2_000:
        stop.wait(0.02)
        connection.sendall(bytes([byte]))


def _never_ends(connection: socket.socket) -> None:
    for _ in range(100_000):
        connection.sendall(b"220-" + b"x" * 1_000 + b"\r\n")


def test_a_server_that_trickles_is_left_after_a_while(talking: Talking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_smtp, "WHOLE_WITHIN_S", 0.5)
    assert "they talk for more than 0.5 s" in channel(talking(_trickles)).send(MESSAGE, AT).problem


def test_a_server_that_talks_without_end_is_left(talking: Talking) -> None:
    assert "they say more than 262,144 bytes" in channel(talking(_never_ends)).send(MESSAGE, AT).problem


@pytest.mark.parametrize("said", [b"", b"220", b"\x00\xff\r\n", b"220 hi\r\n" + b"x" * 10_000, b"421 busy\r\n"])
def test_a_server_that_says_something_odd_has_nothing(said: bytes, talking: Talking) -> None:
    assert channel(talking(lambda connection: connection.sendall(said))).send(MESSAGE, AT).problem


@pytest.mark.parametrize("host", [".example.com", "x" * 70 + ".example.com", "a..b"])
@pytest.mark.parametrize("security", SmtpSecurity)
def test_a_host_that_cannot_be_one_is_a_problem_in_words(host: str, security: SmtpSecurity) -> None:
    assert channel(25, security, host=host).send(MESSAGE, AT).problem


def test_a_server_without_starttls_gets_nothing(box: Mailbox, serving: Serving) -> None:
    outcome = channel(serving(), SmtpSecurity.STARTTLS).send(MESSAGE, AT)
    assert "STARTTLS extension not supported" in outcome.problem
    assert box.taken == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    """Of localhost."""
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("security", [SmtpSecurity.STARTTLS, SmtpSecurity.TLS])
def test_the_way_there_is_kept_from_others(
    security: SmtpSecurity,
    certificate: CertificateFiles,
    box: Mailbox,
    serving: Serving,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    logins: list[object] = []

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: object) -> AuthResult:
        logins.append(login)
        is_right = isinstance(login, LoginPassword) and login.password == PASSWORD.encode()
        return AuthResult(success=is_right, handled=is_right)  # a refusal that is not handled is said by aiosmtpd

    how: dict[str, Any] = {"authenticator": authenticate, "auth_required": True}
    if security is SmtpSecurity.TLS:
        # The session is within TLS from the first byte, which aiosmtpd's own offer of AUTH does not look at.
        how |= {"ssl_context": context, "auth_require_tls": False}
    else:
        how |= {"tls_context": context, "require_starttls": True}
    port = serving(**how)
    user: dict[str, Any] = {"user": "fleet", "password": PASSWORD}

    stranger = channel(port, security, host="localhost", **user).send(MESSAGE, AT)
    assert "certificate verify failed" in stranger.problem
    assert (logins, box.taken) == ([], [])

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    assert "127.0.0.1" in channel(port, security, **user).send(MESSAGE, AT).problem, "not the name of its certificate"
    assert channel(port, security, host="localhost", **user).send(MESSAGE, AT).is_taken
    assert len(box.taken) == 1

    wrong = "wr0ng-password-of-mail"
    keep_secret(wrong)
    refused = channel(port, security, host="localhost", user="fleet", password=wrong).send(MESSAGE, AT)
    assert "it answered 535" in refused.problem
    assert wrong not in refused.problem
    assert len(box.taken) == 1
