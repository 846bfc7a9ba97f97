"""What leaves a process as text leaves without secrets: here they are known, and here they are taken out.

The ways out call ``redacted``: the messages of our errors, the terminal and the logs (``redact_output``), a command's
details, alerts and the webhook, what Dagster writes into its database and what its UI answers. A secret is known from
when it is read (``keep_secret``). Whatever looks like a connection string loses its password, known or not, a token its
secret, a session its id, and the hash of a password all but its parameters.
"""

import json
import re
import sys
from typing import TextIO
from urllib.parse import quote, unquote, urlsplit

from warehouse.contract import sign_ins
from warehouse.contract.tokens import PREFIX, TOKEN_PATTERN

MASK = "***"
SHORTEST = 8
"""Characters. What is shorter is found in the middle of ordinary words: it is taken out of connection strings alone."""
ORDINARY = frozenset({"fleetwatt", "postgres", "postgresql", "password", "dagster"})
"""What some take for a password, and what is in our own messages, paths and tables."""

_PASSWORD_IN_URL = re.compile(r"([a-z][a-z0-9+.-]*://[^\s/:@\"'\\]*:)[^\s@\"'\\]+@", re.I)
_PASSWORD_IN_WORDS = re.compile(r"\b(password\s*=\s*)('[^'\\]*'|[^\s'\",;&)\\]+)", re.I)
_TOKEN = re.compile(TOKEN_PATTERN)
_SESSION = re.compile(sign_ins.SESSION_PATTERN)
_PASSWORD_HASH = re.compile(r"(\$argon2id?\$v=\d+\$[a-z0-9=,]+\$)[A-Za-z0-9+/$]+")

_known: dict[str, None] = {}


def keep_secret(*secrets: str | None) -> None:
    """Know these from now on: tokens, connection strings with a password in them, addresses that are secrets."""
    for secret in filter(None, secrets):
        for part in _parts(secret.strip()):
            if len(part) >= SHORTEST and part.lower() not in ORDINARY:
                for shape in (part, json.dumps(part)[1:-1], repr(part)[1:-1]):
                    _known.setdefault(shape)


def redacted(text: str) -> str:
    """The text without secrets."""
    for secret in sorted((each for each in _known if each in text), key=len, reverse=True):
        text = text.replace(secret, MASK)
    if "://" in text:
        text = _PASSWORD_IN_URL.sub(rf"\1{MASK}@", text)
    if "assword" in text or "ASSWORD" in text:
        text = _PASSWORD_IN_WORDS.sub(rf"\1{MASK}", text)
    if PREFIX in text:
        text = _TOKEN.sub(rf"{PREFIX}\1_{MASK}", text)
    if sign_ins.PREFIX in text:
        text = _SESSION.sub(f"{sign_ins.PREFIX}{MASK}", text)
    if "$argon2" in text:
        text = _PASSWORD_HASH.sub(rf"\1{MASK}", text)
    return text


def redact_output() -> None:
    """Let this process say nothing more on stdout and stderr, and so in its log, that has a secret in it."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not getattr(stream, "is_redacted", False):
            _redact(stream)


def write_as_it_is(stream: TextIO, text: str) -> None:
    """Write a text with a secret in it, where a user has asked for just that: a token is shown once."""
    type(stream).write(stream, text)


def _redact(stream: TextIO) -> None:
    """By an attribute of its own: whoever has the stream already (a logger) writes by it too."""
    write = stream.write
    vars(stream).update(write=lambda text: write(redacted(text)) and len(text), is_redacted=True)


def _parts(secret: str) -> list[str]:
    """What of it is to be taken out. Of an address its host is no secret, nor what is in front of it."""
    if "://" not in secret:
        words = re.search(r"password\s*=\s*('[^']*'|\S+)", secret)  # of a connection string in libpq's other form
        return [words.group(1).strip("'")] if words else [secret]
    try:
        parts = urlsplit(secret)
        password = parts.password
    except ValueError:
        return [secret]
    found = [password, unquote(password), quote(unquote(password), safe="")] if password else []
    if parts.scheme in {"http", "https"}:
        found += [parts.path.strip("/"), parts.query, *re.split(r"[/?&=]", f"{parts.path}?{parts.query}")]
    return [secret, *found] if found else []
