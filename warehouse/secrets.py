"""What is kept from others: tokens, database URLs, addresses that are secrets. What a sound one looks like.

A secret that is set and empty is a mistake (a command that should have made it failed), and to take it for "not set"
would open a door. So it is refused, wherever it comes from.
"""

from typing import Annotated
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError

SECRET_SETTINGS = frozenset(
    {
        *("admin_token", "token", "database_url", "ingest_url", "pipeline_url", "read_dsn"),
        *("dagster_secret", "oidc_client_secret"),
        *("alert_webhook", "alert_webhook_secret", "alert_slack_webhook", "alert_teams_webhook", "alert_smtp_password"),
    }
)
"""The settings that are secrets."""
SHORTEST_TOKEN = 32
"""Characters; ``openssl rand -hex 24`` writes 48."""

_URL_SHAPE = "not like postgresql://user:password@host:5432/database (in a password, @ : / # % are written %40 %3A ...)"


def _filled(text: str) -> str:
    if not (stripped := text.strip()):
        raise PydanticCustomError("empty_secret", "a secret may not be empty; fill it in, or do not set it at all")
    return stripped


def _token(secret: SecretStr) -> SecretStr:
    text = _filled(secret.get_secret_value())
    if len(text) < SHORTEST_TOKEN:
        how = "openssl rand -hex 24 makes a good one"
        raise PydanticCustomError("short_token", f"a token has at least {SHORTEST_TOKEN} characters; {how}")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise PydanticCustomError("token_characters", "a token is written in ASCII, without blanks")
    return SecretStr(text)


def _hidden(secret: SecretStr) -> SecretStr:
    return SecretStr(_filled(secret.get_secret_value()))


def _database_url(url: str) -> str:
    filled = _filled(url)
    if not _is_understood(filled):
        # Without the driver's own words: they may repeat a part of the password.
        raise PydanticCustomError("database_url", _URL_SHAPE)
    return filled


def _hidden_database_url(url: SecretStr) -> SecretStr:
    return SecretStr(_database_url(url.get_secret_value()))


def _is_understood(database_url: str) -> bool:
    """Whether the driver reads it as it was meant: an unquoted password could end up in the host, and so in errors."""
    try:
        parts = conninfo_to_dict(database_url)
        rest = urlsplit(database_url) if "://" in database_url else None
    except (psycopg.ProgrammingError, ValueError):
        return False
    if rest is not None and (rest.netloc.count("@") > 1 or "@" in rest.path or "@" in str(parts.get("host", ""))):
        return False
    return all(port.isdecimal() for port in str(parts.get("port", "")).split(",") if port)


Secret = Annotated[str, AfterValidator(_filled)]
"""A text that is not empty."""
HiddenSecret = Annotated[SecretStr, AfterValidator(_hidden)]
"""The same, not shown by ``repr``."""
Token = Annotated[SecretStr, AfterValidator(_token)]
"""What a client proves itself by: long, ASCII."""
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
"""A PostgreSQL URL or connection string that the driver reads as it was meant."""
HiddenDatabaseUrl = Annotated[SecretStr, AfterValidator(_hidden_database_url)]
"""The same, not shown by ``repr``."""
