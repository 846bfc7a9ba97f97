"""Mails, handed to a server by SMTP."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import ClassVar

from orchestration.alerting.bounded_smtp import BoundedSmtp, BoundedSmtpTls
from orchestration.alerting.channel import Outcome
from warehouse.alert_settings import SmtpSecurity
from warehouse.alerts.message import Message
from warehouse.contract.redaction import redacted
from warehouse.visible import one_line, visible

ANSWERS_WITHIN_S = 10.0
"""Each read of the conversation: servers greylist and scan while the client waits."""
_MOST_CHARACTERS = 150
"""Of a subject."""


@dataclass(frozen=True)
class MailChannel:
    """Sends to all of ``to`` in one mail. ``user`` and ``password``: both or none."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    security: SmtpSecurity
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    name: ClassVar[str] = "mail"
    setting: ClassVar[str] = "FLEET_ALERT_SMTP_HOST"

    def send(self, message: Message, now: datetime) -> Outcome:
        """Try once. Taken for some and refused for others is taken: the others are named."""
        try:
            with self._server() as server:
                refused = server.send_message(as_mail(message, self.sender, self.to, now), self.sender, self.to)
        except (smtplib.SMTPException, OSError, ValueError) as error:  # the last of a host that cannot be one
            return Outcome(_words(error))
        return Outcome(remark=_words_of_refusals(refused))

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        # The system's authorities, or those of SSL_CERT_FILE; the name must be the server's.
        context = ssl.create_default_context()
        server: BoundedSmtp
        if self.security is SmtpSecurity.TLS:
            server = BoundedSmtpTls(self.host, self.port, timeout=ANSWERS_WITHIN_S, context=context)
        else:
            server = BoundedSmtp(self.host, self.port, timeout=ANSWERS_WITHIN_S)
        try:
            if self.security is SmtpSecurity.STARTTLS:
                server.starttls(context=context)
            if self.user is not None and self.password is not None:
                server.login(self.user, self.password)
            yield server
            with suppress(smtplib.SMTPException, OSError):  # they have the mail, however they part
                server.quit()
        finally:
            server.close()


def as_mail(message: Message, sender: str, to: tuple[str, ...], now: datetime) -> EmailMessage:
    """The mail, in plain text. Its Message-ID is that of the message, so that a mailbox may show a repeat once."""
    mail = EmailMessage(SMTP)
    mail["Subject"] = one_line(redacted(message.subject), _MOST_CHARACTERS)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message.key}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # no answers of people who are on holiday
    mail.set_content(visible(redacted(message.text)), charset="utf-8", cte="quoted-printable")
    return mail


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _words_of_refusals(error.recipients)
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return _plain(f"it answered {error.smtp_code}: {answer}")
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"no answer within {ANSWERS_WITHIN_S:g} s"
    return _plain(str(error) or type(error).__name__)


def _words_of_refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    each = (f"{address} ({code}: {why.decode(errors='replace')})" for address, (code, why) in refused.items())
    return _plain(f"refused for {', '.join(each)}") if refused else ""


def _plain(text: str) -> str:
    return one_line(redacted(text), 300)
