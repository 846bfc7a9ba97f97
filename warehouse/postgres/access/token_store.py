"""Machines' tokens in the database: made, listed, revoked, rotated. Of a secret only its SHA-256 is kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import InvalidRequestError, TokenNotFoundError
from warehouse.contract.tokens import NewToken, Scope, is_device_pattern
from warehouse.postgres.audit.entries import record

_PACKAGE = "warehouse.postgres.access"
FIRST_TOKEN = "fleetwatt tokens create --name first --scope admin"  # noqa: S105 - the command that makes it
LONGEST_NAME = 200
MOST_DEVICES = 10_000
"""Of one token; a prefix names more."""
LONGEST_EXPIRY = timedelta(days=3650)
OVERLAP = timedelta(hours=24)
"""How long the old one works on where nobody says."""
LONGEST_OVERLAP = timedelta(days=30)


@dataclass(frozen=True)
class TokenRequest:
    """A token that is to be made. ``devices``: whose readings it may send, ``None`` for all; ``expires``: after it."""

    name: str
    scopes: Sequence[Scope]
    devices: Sequence[str] | None = None
    expires: timedelta | None = None


@dataclass(frozen=True)
class Token:
    """What is known of one; never its secret. ``last_used_at``: to the hour."""

    token_id: str
    name: str
    scopes: list[str]
    devices: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """``valid``, ``expired`` or ``revoked``."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now else "valid"

    def record(self, now: datetime) -> dict[str, Any]:
        """All of it, and its state: what the command line and the API show."""
        return {**asdict(self), "state": self.state(now)}


def create_token(connection: psycopg.Connection, request: TokenRequest) -> NewToken:
    """Make one; this is the only time that its secret is known.

    Raises:
        InvalidRequestError: it says too little, or what cannot be.
    """
    (made,) = create_tokens(connection, [request])
    return made


def create_tokens(connection: psycopg.Connection, requests: Iterable[TokenRequest]) -> list[NewToken]:
    """Make several, all of them or none. Raises as ``create_token``."""
    wanted = [(NewToken.make(), request) for request in requests]
    now = datetime.now(UTC)
    rows = [_row(made, request, now) for made, request in wanted]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(sqlfiles.load(_PACKAGE, "add_token"), rows)
        record(connection, Action.TOKEN_CREATE, *(_made(row) for row in rows))
    return [made for made, _ in wanted]


def list_tokens(connection: psycopg.Connection, most: int | None = None, after: str = "") -> list[Token]:
    """Tokens in the order of their ids, behind this one; revoked ones too."""
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_tokens"), {"most": most, "after": after}).fetchall()


def count_valid_tokens(connection: psycopg.Connection) -> int:
    """How many open a door now."""
    row = connection.execute(sqlfiles.load(_PACKAGE, "count_valid_tokens")).fetchone()
    return int(row[0]) if row else 0


def revoke_token(connection: psycopg.Connection, token_id: str) -> Token:
    """From now on it opens nothing, and never again. One that is revoked already stays as it is.

    Raises:
        TokenNotFoundError: there is none of this id.
    """
    with connection.transaction():
        before = _find(connection, token_id)
        if before.revoked_at:
            return before
        connection.execute(sqlfiles.load(_PACKAGE, "change_to_revoked"), {"token_id": token_id})
        after = _find(connection, token_id)
        change = Change(SubjectKind.TOKEN, token_id, _kept(before), _kept(after))
        record(connection, Action.TOKEN_REVOKE, change)
        return after


def rotate_token(connection: psycopg.Connection, token_id: str, overlap: timedelta = OVERLAP) -> NewToken:
    """Make another one that may the same, for as long again; the old one works for ``overlap`` more, and no longer.

    Raises:
        TokenNotFoundError: there is none of this id.
        InvalidRequestError: it is revoked or expired, or the overlap is too long.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidRequestError(f"the old one works for {LONGEST_OVERLAP.days} days more at most")
    with connection.transaction():
        old = _find(connection, token_id)
        now = datetime.now(UTC)
        if (state := old.state(now)) != "valid":
            raise InvalidRequestError(f"this token is {state}; make a new one")
        lasts = old.expires_at - old.created_at if old.expires_at else None
        made = NewToken.make()
        again = TokenRequest(old.name, [Scope(each) for each in old.scopes], old.devices, lasts)
        connection.execute(sqlfiles.load(_PACKAGE, "add_token"), _row(made, again, now))
        ends = {"token_id": token_id, "expires_at": now + overlap}
        connection.execute(sqlfiles.load(_PACKAGE, "change_expiry"), ends)
        after = {**_kept(_find(connection, token_id)), "heir": made.token_id}
        record(connection, Action.TOKEN_ROTATE, Change(SubjectKind.TOKEN, token_id, _kept(old), after))
    return made


def replace_token(connection: psycopg.Connection, request: TokenRequest) -> NewToken:
    """Make one, and revoke all others of its name. Raises as ``create_token``."""
    made = NewToken.make()
    row = _row(made, request, datetime.now(UTC))
    with connection.transaction():
        revoked = connection.execute(sqlfiles.load(_PACKAGE, "change_named_to_revoked"), {"name": row["name"]})
        replaced = sorted(token_id for (token_id,) in revoked)
        connection.execute(sqlfiles.load(_PACKAGE, "add_token"), row)
        record(connection, Action.TOKEN_REPLACE, _made(row)._replace(before={"replaced": replaced}))
    return made


def _find(transaction: psycopg.Connection, token_id: str) -> Token:
    with transaction.cursor(row_factory=class_row(Token)) as cursor:
        found = cursor.execute(sqlfiles.load(_PACKAGE, "find_token"), {"token_id": token_id}).fetchone()
    if found is None:
        raise TokenNotFoundError("there is no token of this id; the id is the 8 characters behind flt_")
    return found


def _kept(token: Token) -> dict[str, object]:
    """What the audit log keeps of a token."""
    return {
        "name": token.name,
        "scopes": token.scopes,
        "devices": token.devices,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }


def _made(row: Mapping[str, object]) -> Change:
    """The same of one that is new, by its row."""
    after = {name: row[name] for name in ("name", "scopes", "devices", "expires_at")}
    return Change(SubjectKind.TOKEN, str(row["token_id"]), None, after)


def _row(made: NewToken, request: TokenRequest, now: datetime) -> dict[str, object]:
    _require_valid(request)
    return {
        "token_id": made.token_id,
        "digest": made.digest,
        "name": request.name.strip(),
        "scopes": sorted(set(request.scopes)),
        "devices": sorted(set(request.devices)) if request.devices else None,
        "expires_at": now + request.expires if request.expires else None,
    }


def _require_valid(request: TokenRequest) -> None:
    name = request.name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidRequestError(f"a token has a name of at most {LONGEST_NAME} printable characters")
    if not request.scopes:
        raise InvalidRequestError(f"a token has a scope: {', '.join(Scope)}")
    if request.devices is not None:
        if set(request.scopes) != {Scope.INGEST}:
            raise InvalidRequestError(f"devices go with the scope {Scope.INGEST} alone: no other is bound by them")
        if not 1 <= len(request.devices) <= MOST_DEVICES:
            raise InvalidRequestError(f"name 1 to {MOST_DEVICES:,} devices, or none to allow all; a prefix* names many")
        if not all(map(is_device_pattern, request.devices)):
            raise InvalidRequestError("a device is named by its id, or by the beginning of ids and a *, as site-7-*")
    if request.expires is not None and not timedelta(0) < request.expires <= LONGEST_EXPIRY:
        raise InvalidRequestError(f"a token expires after up to {LONGEST_EXPIRY.days} days (as in 90d), or never")
