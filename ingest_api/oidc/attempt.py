"""One attempt to sign in elsewhere: what the browser keeps of it, and what the provider is told.

The browser keeps one random key in a cookie. The state, the nonce and the verifier (PKCE) are made of it, each under a
name of its own, so that nothing is kept here, and none of them tells of another one. Who has not begun the attempt in
this browser can bring it to no end.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

NAME = "fleetwatt-sign-in"
LASTS_S = 600
_is_key = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
_LONGEST = 1000


@dataclass(frozen=True)
class Attempt:
    """What was begun. ``wanted``: where somebody wants to go, as it was asked for."""

    key: str
    wanted: str

    @classmethod
    def begin(cls, wanted: str) -> Self:
        """A new one, that nobody can guess."""
        return cls(secrets.token_urlsafe(32), wanted[:500])

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]], *, is_encrypted: bool) -> Self | None:
        """That of the cookie; ``None``: none, or there are two."""
        lines = [value.decode("latin-1") for name, value in headers if name == b"cookie"]
        pairs = [pair.strip(" \t").partition("=") for line in lines for pair in line.split(";")]
        found = [value for name, _, value in pairs if name == _name(is_encrypted=is_encrypted)]
        if len(found) != 1 or len(found[0]) > _LONGEST:
            return None
        key, _, wanted = found[0].partition(".")
        return cls(key, unquote(wanted)) if _is_key(key) else None

    @property
    def state(self) -> str:
        """By which the answer is known as one to this attempt."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """By which the provider's token is known as one for this attempt."""
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """By which the code is of use to who began alone."""
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier (S256)."""
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())

    def setting(self, *, is_encrypted: bool) -> str:
        """The ``Set-Cookie`` that begins it in the browser."""
        return _line(f"{self.key}.{quote(self.wanted, safe='')}", LASTS_S, is_encrypted=is_encrypted)

    def _made(self, what: str) -> str:
        return _base64url(hmac.digest(self.key.encode(), what.encode(), "sha256"))


def clearing(*, is_encrypted: bool) -> str:
    """The ``Set-Cookie`` that ends it: it is of use once."""
    return _line("", 0, is_encrypted=is_encrypted)


def _name(*, is_encrypted: bool) -> str:
    return f"__Host-{NAME}" if is_encrypted else NAME


def _line(value: str, seconds: int, *, is_encrypted: bool) -> str:
    secure = "; Secure" if is_encrypted else ""
    # Lax: the provider leads the browser back here, from elsewhere.
    return f"{_name(is_encrypted=is_encrypted)}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
