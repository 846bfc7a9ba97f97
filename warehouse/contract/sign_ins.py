"""The session that a sign-in begins: its id, what is kept of it, and how long it lasts."""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta

IDLE = timedelta(hours=12)
"""After so long without a request a session is over."""
LASTS = timedelta(days=7)
"""However busy it is."""
PREFIX = "fls_"
SESSION_PATTERN = rf"{PREFIX}[A-Za-z0-9_-]{{43}}"
_is_session = re.compile(SESSION_PATTERN).fullmatch


def new_session_id() -> str:
    """One that nobody can guess: 256 random bits. The prefix makes it findable, as that of tokens does."""
    return f"{PREFIX}{secrets.token_urlsafe(32)}"


def is_session_id(text: str) -> bool:
    """Whether it looks like one of ours."""
    return _is_session(text) is not None


def session_digest(session_id: str) -> bytes:
    """What is kept of a session's id."""
    return hashlib.sha256(session_id.encode()).digest()


def csrf_token(session_id: str) -> str:
    """What a page of ours sends with each change beside the cookie: made of the session's id, which pages cannot read.

    It is not kept, and says nothing about the id.
    """
    return hmac.digest(session_id.encode(), b"csrf", "sha256").hex()


def account_digest(name: str) -> bytes:
    """By which failed sign-ins of an account are counted, whether there is such a user or not."""
    return hashlib.sha256(name.strip().lower().encode()).digest()


def address_digest(client: str) -> bytes:
    """By which failed sign-ins from an address, or a network that counts as one, are counted."""
    return hashlib.sha256(client.encode()).digest()
