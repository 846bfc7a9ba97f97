"""The settings of who is told what: the channels that alerts go to, and which of them wait for the daily digest.

A field alone is checked here. Whether a channel is whole is checked where channels are made
(``orchestration/alerting/channels.py``): a process that sends nothing may know a part of them.
"""

import base64
import binascii
import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings

from warehouse.secrets import Secret

SIGNING_PREFIX = "whsec_"
"""What a secret of the Standard Webhooks specification begins with; the rest is base64."""
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a signing key, as that specification has them."""

_ADDRESS = re.compile(r"[^\s@<>()\[\]\",;:\\]+@[^\s@<>()\[\]\",;:\\]+")


class AtOnce(StrEnum):
    """Which findings are told as soon as they open, get worse or close; the others wait for the digest."""

    ALL = "all"
    LOSS = "loss"
    NONE = "none"


class SmtpSecurity(StrEnum):
    """How the way to the mail server is kept from others."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or any(character.isspace() or not character.isprintable() for character in text):
        raise PydanticCustomError("web_address", "not like https://hooks.example.com/path")
    return text


def _signing_secret(text: str) -> str:
    try:
        key = signing_key(text)
    except (ValueError, binascii.Error):
        key = b""
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        how = f'echo "{SIGNING_PREFIX}$(openssl rand -base64 32)" makes a good one'
        raise PydanticCustomError(
            "signing_secret",
            f"not {SIGNING_PREFIX} and the base64 of {SHORTEST_KEY} to {LONGEST_KEY} bytes; {how}",
        )
    return text


def signing_key(secret: str) -> bytes:
    """The bytes of the key. Raises ValueError where it is written otherwise."""
    prefix, key = secret[: len(SIGNING_PREFIX)], secret[len(SIGNING_PREFIX) :]
    if prefix != SIGNING_PREFIX:
        raise ValueError("it does not begin as a signing secret")
    return base64.b64decode(key, validate=True)


def addresses(text: str) -> list[str]:
    """The mail addresses of a setting, which stand between commas."""
    return [each.strip() for each in text.split(",")]


def _mail_addresses(text: str) -> str:
    if not all(each.isascii() and _ADDRESS.fullmatch(each) for each in addresses(text)):
        raise PydanticCustomError("mail_address", "not like fleet@example.com, in ASCII")
    return ",".join(addresses(text))


def _mail_address(text: str) -> str:
    if "," in text:
        raise PydanticCustomError("mail_addresses", "more than one address; mails have one sender")
    return _mail_addresses(text)


WebAddress = Annotated[Secret, AfterValidator(_web_address)]
SigningSecret = Annotated[Secret, AfterValidator(_signing_secret)]


class AlertSettings(BaseSettings):
    """Where alerts go: nowhere but to the log, unless it is said."""

    alert_webhook: WebAddress | None = Field(
        default=None, description="A URL that every alert is POSTed to as JSON. Unset: log lines alone."
    )
    alert_webhook_secret: SigningSecret | None = Field(
        default=None, description="Signs what is POSTed there: whsec_ and base64, as Standard Webhooks have it."
    )
    alert_slack_webhook: WebAddress | None = Field(
        default=None, description="An incoming webhook of Slack, or of a chat that takes the same."
    )
    alert_teams_webhook: WebAddress | None = Field(
        default=None, description="A webhook of a Teams workflow, which takes an adaptive card."
    )
    alert_plain_http: bool = Field(
        default=False, description="Let these be http:// beyond this machine, where others can read along."
    )

    alert_mail_to: Annotated[str, AfterValidator(_mail_addresses)] | None = Field(
        default=None, description="Mail addresses, with commas. Unset: no mails."
    )
    alert_mail_from: Annotated[str, AfterValidator(_mail_address)] | None = Field(
        default=None, description="The address that mails are from."
    )
    alert_smtp_host: str | None = Field(default=None, description="The server that mails are handed to.")
    alert_smtp_port: int = Field(default=587, ge=1, le=65535, description="Its port; with tls usually 465.")
    alert_smtp_security: SmtpSecurity = Field(
        default=SmtpSecurity.STARTTLS, description="starttls, tls, or none: only then in the clear."
    )
    alert_smtp_user: str | None = Field(default=None, description="Who logs in there. Unset: nobody does.")
    alert_smtp_password: Secret | None = Field(default=None, description="Their password.")

    alert_at_once: AtOnce = Field(
        default=AtOnce.ALL,
        description="Which findings are told as they open, get worse or close; the others wait for the digest.",
    )
    alert_storm: int = Field(
        default=10, ge=1, le=10_000, description="With more of these a day (UTC) one message says so."
    )
    alert_digest_hour: int = Field(default=7, ge=0, le=23, description="From this hour (UTC) on the day's digest goes.")
