"""Who sends a request: a machine by its token, or a person who is signed in."""

from typing import Any

from starlette.types import Scope as Connection

from ingest_api.auth.known_tokens import KnownToken
from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.sign_ins import csrf_token
from warehouse.contract.tokens import DeviceRule, Scope, allowed_by
from warehouse.contract.users import SCOPE_OF_ROLE, Role

_KEY = "fleetwatt.caller"


class SignedIn:
    """A person, by the session of a cookie."""

    devices: DeviceRule | None = None
    """All: a rule is for machines."""

    def __init__(self, name: str, role: Role, session_id: str, looked_at_s: float) -> None:
        """``looked_at_s``: when the database was asked, by the monotonic clock."""
        self.name = name
        self.role = role
        self.looked_at_s = looked_at_s
        self.session_id = session_id

    @property
    def scopes(self) -> frozenset[Scope]:
        """All that the person may."""
        return allowed_by([SCOPE_OF_ROLE[self.role]])

    @property
    def csrf_token(self) -> str:
        """What the person's pages send with each change."""
        return csrf_token(self.session_id)


Caller = KnownToken | SignedIn


def caller_of(connection: Connection) -> Caller | None:
    """Who was let through with the request of this ASGI scope; ``None``: nobody was asked."""
    found: Caller | None = connection.get(_KEY)
    return found


def token_id_of(caller: Caller | None) -> str | None:
    """What the database calls a machine's token; ``None``: it knows none, as of a person."""
    return caller.token_id.decode() or None if isinstance(caller, KnownToken) else None


def called(caller: Caller | None) -> str:
    """What a caller is called beside what was done; where nobody is asked, nobody knows."""
    if caller is None:
        return "unknown"
    return caller.name if isinstance(caller, SignedIn) else f"token {token_id_of(caller) or 'fleet_admin_token'}"


def actor_of(caller: Caller | None, said: str | None) -> str:
    """Who a person's act is by: a session knows that; a machine acts for somebody, and says for whom, as anybody does.

    Raises:
        InvalidRequestError: nobody is said, or another one than who is signed in.
    """
    if not isinstance(caller, SignedIn):
        if said is None:
            raise InvalidRequestError("say who does it")
        return said
    if said not in (None, caller.name):
        raise InvalidRequestError(f"{caller.name} is signed in, and nobody else: leave who out")
    return caller.name


def note_caller(connection: Connection | dict[str, Any], caller: Caller) -> None:
    """Note who was let through."""
    connection[_KEY] = caller
