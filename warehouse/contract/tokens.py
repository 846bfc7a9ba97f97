"""What a machine's token IS: ``flt_<8 characters id>_<43 characters secret>``, what it may, for which devices.

The secret has 256 random bits, so one SHA-256 of it is as good as any slow hash. Prefix and length make tokens
findable by scanners for secrets that were published by mistake.
"""

import hashlib
import re
import secrets
import string
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

PREFIX = "flt_"
ID_LENGTH = 8
SECRET_LENGTH = 43
LENGTH = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH
ID_PATTERN = f"[A-Za-z0-9]{{{ID_LENGTH}}}"
TOKEN_PATTERN = rf"{PREFIX}({ID_PATTERN})_([A-Za-z0-9_-]{{{SECRET_LENGTH}}})"
_SECRET_BYTES = 32
_ID_CHARACTERS = string.ascii_letters + string.digits
_is_token = re.compile(TOKEN_PATTERN.encode()).fullmatch
DEVICES_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._:*-]{0,63}"
_is_devices = re.compile(DEVICES_PATTERN, re.ASCII).fullmatch
_FEW = 8
"""So many ids are looked through sooner than hashed, and a set of one takes four times the memory of a tuple."""


class Scope(StrEnum):
    """What a token may. ``read``: questions; ``operate``: these, and what people do about the fleet every day."""

    INGEST = "ingest"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


_INCLUDES: Mapping[Scope, frozenset[Scope]] = {
    Scope.INGEST: frozenset({Scope.INGEST}),
    Scope.READ: frozenset({Scope.READ}),
    Scope.OPERATE: frozenset({Scope.OPERATE, Scope.READ}),
    Scope.ADMIN: frozenset(Scope),
}


def allowed_by(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """All that a token of these scopes may."""
    return frozenset().union(*(_INCLUDES[scope] for scope in scopes))


class NewToken(NamedTuple):
    """A token that was just made: the only time that its secret is known."""

    token_id: str
    secret: str

    @classmethod
    def make(cls) -> "NewToken":
        """One that nobody can guess."""
        token_id = "".join(secrets.choice(_ID_CHARACTERS) for _ in range(ID_LENGTH))
        return cls(token_id, secrets.token_urlsafe(_SECRET_BYTES))

    def __str__(self) -> str:
        """As it is sent."""
        return f"{PREFIX}{self.token_id}_{self.secret}"

    def __repr__(self) -> str:
        """Without its secret."""
        return f"NewToken({self.token_id})"

    def record(self) -> dict[str, str]:
        """What whoever had it made is shown, once."""
        return {"token_id": self.token_id, "token": str(self)}

    @property
    def digest(self) -> bytes:
        """What is kept of the secret."""
        return digest_of(self.secret.encode())


def digest_of(secret: bytes) -> bytes:
    """What is kept of a secret, and compared."""
    return hashlib.sha256(secret).digest()


def parts_of(token: bytes) -> tuple[bytes, bytes] | None:
    """Id and secret of a token as it was sent; ``None``: it is none of ours."""
    if len(token) != LENGTH or (found := _is_token(token)) is None:
        return None
    return found[1], found[2]


class DeviceRule:
    """The devices that a token may send readings of: their ids, and beginnings of ids that are written with a ``*``."""

    __slots__ = ("_ids", "_prefixes")

    def __init__(self, devices: Iterable[str]) -> None:
        """Make it of ids, and of beginnings of ids that end in ``*``."""
        named = tuple(devices)
        self._prefixes = tuple(each[:-1] for each in named if each.endswith("*"))
        ids = tuple(each for each in named if not each.endswith("*"))
        self._ids: Collection[str] = ids if len(ids) <= _FEW else frozenset(ids)

    def allows(self, device_id: str) -> bool:
        """Whether the token may send a reading of this device."""
        return device_id in self._ids or (bool(self._prefixes) and device_id.startswith(self._prefixes))


def is_device_pattern(text: str) -> bool:
    """Whether this is an id, or the beginning of one with a ``*`` behind it. A lone ``*`` is none: it says nothing."""
    return _is_devices(text) is not None
