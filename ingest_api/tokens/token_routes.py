"""``/v1/tokens``: what ``fleetwatt tokens`` does, for administrators elsewhere."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ingest_api.auth.gate import Asks, Gate
from ingest_api.commit.acting import Acting
from ingest_api.http.openapi import problems, success_headers
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.tokens.token_schemas import MadeToken, Rotation, Token, Tokens, WantedToken
from warehouse.contract.errors import TokensNotServedError
from warehouse.contract.tokens import ID_PATTERN
from warehouse.postgres.access.token_store import create_token, list_tokens, revoke_token, rotate_token


async def _where_somebody_is_asked(request: Request) -> None:
    """Where nobody is, a page in the operator's browser could make itself a token for later."""
    if part_of(request, Gate).asks is Asks.NOBODY:
        raise TokensNotServedError("this API asks nobody for a token, so tokens are made by fleetwatt tokens create")


router = APIRouter(
    prefix="/v1/tokens", tags=["tokens"], route_class=PlainRequests, dependencies=[Depends(_where_somebody_is_asked)]
)

TokenId = Annotated[str, Path(alias="id", pattern=f"^{ID_PATTERN}$", description="The 8 characters behind `flt_`.")]


@router.get("", summary="Tokens: what each may, until when, last used", responses=problems(403, 422, 503))
async def list_page(
    request: Request,
    response: Response,
    limit: Annotated[AskedInteger, Query(ge=1, le=1000, description="Tokens a page.")] = 100,
    cursor: Annotated[str, Query(max_length=8, description="`nextCursor` of the page before.")] = "",
) -> Tokens:
    """In the order of their ids; revoked and expired ones too. None shows its secret."""
    _keep_nowhere(response)
    found = await part_of(request, Acting).do(list_tokens, limit + 1, cursor)
    now = datetime.now(UTC)
    more = found[limit - 1].token_id if len(found) > limit else None
    return Tokens(items=[Token(**each.record(now)) for each in found[:limit]], next_cursor=more)


@router.post(
    "",
    status_code=201,
    summary="Make a token",
    responses={201: {"description": "Made.", "headers": success_headers()}, **problems(400, 403, 422, 503)},
)
async def create(request: Request, response: Response, wanted: WantedToken) -> MadeToken:
    """It is shown this once, and works within seconds, everywhere. An answer that is lost is a token to be revoked."""
    _keep_nowhere(response)
    return MadeToken(**(await part_of(request, Acting).do(create_token, wanted.request())).record())


@router.post("/{id}/revoke", summary="Have a token open nothing any more", responses=problems(403, 404, 422, 503))
async def revoke(request: Request, response: Response, token_id: TokenId) -> Token:
    """Within 5 seconds, everywhere, and for good. One that is revoked already stays as it is."""
    _keep_nowhere(response)
    revoked = await part_of(request, Acting).do(revoke_token, token_id)
    return Token(**revoked.record(datetime.now(UTC)))


@router.post(
    "/{id}/rotate",
    status_code=201,
    summary="Make a token that may the same",
    responses={201: {"description": "Made.", "headers": success_headers()}, **problems(400, 403, 404, 422, 503)},
)
async def rotate(
    request: Request, response: Response, token_id: TokenId, rotation: Rotation | None = None
) -> MadeToken:
    """For as long again; the old one works a little longer, so that it can be replaced in its place."""
    _keep_nowhere(response)
    overlap = (rotation or Rotation()).overlaps
    return MadeToken(**(await part_of(request, Acting).do(rotate_token, token_id, overlap)).record())


def _keep_nowhere(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
