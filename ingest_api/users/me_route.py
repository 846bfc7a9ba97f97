"""``/v1/me``: who the API takes the caller for, and another password for oneself."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from ingest_api.auth.callers import SignedIn
from ingest_api.auth.gate import Asks, Gate
from ingest_api.auth.session_cookie import setting
from ingest_api.auth.sessions import Sessions
from ingest_api.auth.sign_in import SignIn
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import PlainRequests
from ingest_api.http.wire import Wire
from warehouse.contract.errors import ScopeMissingError
from warehouse.contract.sign_ins import csrf_token
from warehouse.contract.tokens import Scope
from warehouse.contract.users import LONGEST_PASSWORD, Role

router = APIRouter(prefix="/v1/me", tags=["users"], route_class=PlainRequests)

HASHING = frozenset({"/v1/me/password"})
"""Where passwords are looked at and made, which takes its time."""


class Me(Wire):
    """Who asks."""

    user: str | None = Field(description="Who is signed in; `null`: a machine, by its token, or nobody is asked.")
    role: Role | None = Field(description="What that user is.")
    scopes: list[Scope] = Field(description="All that the caller may.", examples=[["operate", "read"]])
    csrf_token: str | None = Field(
        description="Of who is signed in: to be sent as `X-CSRF-Token` with each request that changes something."
    )


class NewPassword(Wire):
    """The password of who is signed in, and what it is to be. Neither is in any answer or log."""

    old_password: str = Field(max_length=4 * LONGEST_PASSWORD)
    new_password: str = Field(max_length=4 * LONGEST_PASSWORD, description="12 to 256 characters.")


@router.get("", summary="Who the API takes the caller for", responses=problems(401, 422, 429, 503))
async def get_me(request: Request, response: Response) -> Me:
    """By the token or the cookie. Where nobody is asked, everybody may all."""
    response.headers["Cache-Control"] = "no-store"
    gate = part_of(request, Gate)
    caller = await gate.who_asks(request.scope)
    if isinstance(caller, SignedIn):
        scopes = sorted(caller.scopes)
        return Me(user=caller.name, role=caller.role, scopes=scopes, csrf_token=caller.csrf_token)
    scopes = sorted(caller.scopes if caller else _of_nobody(gate.asks))
    return Me(user=None, role=None, scopes=scopes, csrf_token=None)


@router.post("/password", summary="Change one's own password", responses=problems(400, 401, 403, 422, 429, 503))
async def change_own_password(request: Request, response: Response, wanted: NewPassword) -> Me:
    """Of who is signed in by a cookie, with the `X-CSRF-Token` of `/v1/me`. Every session of the user ends, this one
    too, and the answer begins a new one: take its `csrfToken` from then on. A wrong old password counts like a failed
    sign-in.
    """
    response.headers["Cache-Control"] = "no-store"
    caller = await part_of(request, Gate).who_asks(request.scope)
    if not isinstance(caller, SignedIn):
        raise ScopeMissingError("only who is signed in has a password; a token is changed by /v1/tokens/{id}/rotate")
    client = part_of(request, ClientAddresses).client_of(request.scope)
    session_id = await part_of(request, SignIn).change_password(
        caller.name, wanted.old_password, wanted.new_password, client
    )
    is_encrypted = part_of(request, Sessions).is_encrypted(request.scope)
    response.headers["Set-Cookie"] = setting(session_id, is_encrypted=is_encrypted)
    scopes = sorted(caller.scopes)
    return Me(user=caller.name, role=caller.role, scopes=scopes, csrf_token=csrf_token(session_id))


def _of_nobody(asks: Asks) -> set[Scope]:
    return set(Scope) if asks is Asks.NOBODY else {Scope.READ, Scope.INGEST}
