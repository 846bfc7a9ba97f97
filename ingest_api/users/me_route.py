"""``GET /v1/me``: who the API takes the caller for."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from ingest_api.auth.callers import SignedIn
from ingest_api.auth.gate import Asks, Gate
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import PlainRequests
from ingest_api.http.wire import Wire
from warehouse.contract.tokens import Scope
from warehouse.contract.users import Role

router = APIRouter(prefix="/v1/me", tags=["users"], route_class=PlainRequests)


class Me(Wire):
    """Who asks."""

    user: str | None = Field(description="Who is signed in; `null`: a machine, by its token, or nobody is asked.")
    role: Role | None = Field(description="What that user is.")
    scopes: list[Scope] = Field(description="All that the caller may.", examples=[["operate", "read"]])
    csrf_token: str | None = Field(
        description="Of who is signed in: to be sent as `X-CSRF-Token` with each request that changes something."
    )


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


def _of_nobody(asks: Asks) -> set[Scope]:
    return set(Scope) if asks is Asks.NOBODY else {Scope.READ, Scope.INGEST}
