"""``/login/provider``: to the identity provider, and back from it (``/login/provider/back``).

Both are addresses that anybody may open: what is begun is bound to the browser by a cookie, and what comes back is
believed only with it. What leads away from here is a page of ours, or the provider.
"""

from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from ingest_api.auth.gate import Asks, Gate
from ingest_api.auth.next_page import FRONT, after_sign_in, is_safe
from ingest_api.auth.own_pages import is_same
from ingest_api.auth.session_cookie import setting
from ingest_api.auth.sessions import Sessions
from ingest_api.database import Database
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.negotiation import weight
from ingest_api.http.parts import Parts, part_of
from ingest_api.oidc.attempt import Attempt, clearing
from ingest_api.oidc.people import People
from ingest_api.oidc.provider import CALLBACK, Provider
from ingest_api.settings import ApiSettings
from warehouse.contract.errors import (
    FleetwattError,
    NoRoleError,
    ProviderRefusedError,
    ProviderUnavailableError,
    RateLimitedError,
    SignInFailedError,
)
from warehouse.contract.users import roles_of

router = APIRouter(include_in_schema=False)

BEGIN = "/login/provider"
PATHS = frozenset({BEGIN, CALLBACK})
"""They wait for the provider, within a time of their own."""
_TOLD = (NoRoleError, ProviderRefusedError, ProviderUnavailableError, RateLimitedError, SignInFailedError)


@router.get(BEGIN)
async def get_provider(request: Request) -> Response:
    """Lead somebody to the provider."""
    provider = _provider(request)
    attempt = Attempt.begin(request.query_params.get("next", ""))
    is_encrypted = part_of(request, Sessions).is_encrypted(request.scope)
    try:
        _charge(request, provider)
        where = await provider.address(attempt)
    except _TOLD as error:
        return _told(request, error, f"../login?{_query(error, attempt.wanted)}")
    return _see(where, attempt.setting(is_encrypted=is_encrypted))


@router.get(CALLBACK)
async def get_back(request: Request) -> Response:
    """Begin a session for who comes back from the provider, or say why not."""
    provider, sessions = _provider(request), part_of(request, Sessions)
    is_encrypted = sessions.is_encrypted(request.scope)
    attempt = Attempt.of(request.scope["headers"], is_encrypted=is_encrypted)
    try:
        _charge(request, provider)
        code = _code(request, attempt, provider)
        claims = await provider.claims(attempt, code) if attempt else {}
        session_id = await _people(request, provider).begin(claims, sessions.session_id(request.scope))
    except _TOLD as error:
        answer = _told(request, error, f"../../login?{_query(error, attempt.wanted if attempt else '')}")
    else:
        where = after_sign_in(attempt.wanted if attempt else "")
        answer = _see(f"../../{where.removeprefix(FRONT)}", setting(session_id, is_encrypted=is_encrypted))
    answer.headers.append("Set-Cookie", clearing(is_encrypted=is_encrypted))
    return answer


def _provider(request: Request) -> Provider:
    provider = cast(Parts, request.app.state.parts).find(Provider)
    if provider is None or part_of(request, Gate).asks is Asks.NOBODY:
        raise HTTPException(404, "nobody signs in by an identity provider here")
    return provider


def _people(request: Request, provider: Provider) -> People:
    settings = part_of(request, ApiSettings)
    return People(part_of(request, Database), provider.issuer, settings.oidc_role_claim, roles_of(settings.oidc_roles))


def _charge(request: Request, provider: Provider) -> None:
    """Raises RateLimitedError: each attempt has us ask the provider."""
    client = part_of(request, ClientAddresses).client_of(request.scope)
    provider.attempts.check(client)
    provider.attempts.charge(client, 1)


def _code(request: Request, attempt: Attempt | None, provider: Provider) -> str:
    """The code that the provider gave, to who began in this browser.

    Raises:
        ProviderRefusedError: it gave none, or to somebody else.
    """
    asked = request.query_params
    given = {name: asked.getlist(name) for name in ("state", "code", "iss", "error")}
    if attempt is None or len(given["state"]) != 1 or not is_same(given["state"][0], attempt.state):
        raise ProviderRefusedError("this sign-in was not begun in this browser, or too long ago; begin again")
    if given["iss"] and given["iss"] != [provider.issuer]:  # RFC 9207
        raise ProviderRefusedError("another identity provider than the one that was asked answers; begin again")
    if given["error"] or len(given["code"]) != 1 or not given["code"][0]:
        raise ProviderRefusedError("the identity provider did not let you in; begin again")
    return given["code"][0]


def _told(request: Request, error: FleetwattError, page: str) -> Response:
    """Lead a person to the page that says why not; tell a program."""
    if weight(request.headers.get("accept", ""), "text/html") > 0:
        return _see(page)
    raise error


def _query(error: FleetwattError, wanted: str) -> str:
    return urlencode({"told": error.code, **({"next": wanted} if is_safe(wanted) else {})})


def _see(where: str, cookie: str | None = None) -> Response:
    headers = {"Location": where, "Cache-Control": "no-store"}
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={**headers, **({"Set-Cookie": cookie} if cookie else {})})
