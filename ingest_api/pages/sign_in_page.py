"""``/login`` and ``/logout``: a form for name and password, what becomes of it, and the end of a session.

Neither needs scripts. What leads away from here is a path of this service, whatever ``next`` says.
"""

from html import escape
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ingest_api.auth.gate import Asks, Gate
from ingest_api.auth.next_page import FRONT, after_sign_in, is_safe
from ingest_api.auth.own_pages import require_csrf_token, require_own_origin
from ingest_api.auth.session_cookie import clearing, setting
from ingest_api.auth.sessions import Sessions
from ingest_api.auth.sign_in import SignIn
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.negotiation import weight
from ingest_api.http.parts import Parts, part_of
from ingest_api.http.problems import status_and_headers
from ingest_api.oidc.provider import Provider
from ingest_api.pages.assets import page
from ingest_api.pages.served_file import WITHOUT_SCRIPTS
from warehouse.contract.errors import (
    FleetwattError,
    ForeignPageError,
    InvalidRequestError,
    NoRoleError,
    ProviderRefusedError,
    ProviderUnavailableError,
    RateLimitedError,
    SignInFailedError,
    TooLargeError,
)

router = APIRouter(include_in_schema=False)

FORM = "application/x-www-form-urlencoded"
HASHING = frozenset({"/login"})
"""Where a password is looked at, which takes its time."""
MOST_BYTES = 8 * 1024
"""Of a form."""
_MOST_FIELDS = 8
TOLD_OF_PROVIDERS = {
    NoRoleError.code: "You are known to the identity provider, and have no role here: ask an administrator.",
    ProviderRefusedError.code: "This sign-in did not come to its end, or was begun elsewhere: begin again.",
    ProviderUnavailableError.code: "The identity provider does not answer: try again later.",
    RateLimitedError.code: "Too many sign-ins come from here: wait for a minute.",
    SignInFailedError.code: "This user is disabled: ask an administrator.",
}
"""What the page says to who comes back from one, by the code of an error: the address decides which, never a word."""
_TOLD = (ForeignPageError, RateLimitedError, SignInFailedError)
"""What the page itself says to a person."""


@router.get("/login")
def get_login(request: Request) -> Response:
    """The form. Where nobody is asked who they are there is nothing to sign in to."""
    if part_of(request, Gate).asks is Asks.NOBODY:
        return _see(FRONT)
    told = TOLD_OF_PROVIDERS.get(request.query_params.get("told", ""), "")
    return _form(request, request.query_params.get("next", ""), said=told)


@router.post("/login")
async def post_login(request: Request) -> Response:
    """Begin a session, and go on to where somebody wanted to go; else the form again, and why."""
    if part_of(request, Gate).asks is Asks.NOBODY:
        return _see(FRONT)
    fields = await _fields(request)
    wanted = fields.get("next", "")
    sessions, clients = part_of(request, Sessions), part_of(request, ClientAddresses)
    is_encrypted = sessions.is_encrypted(request.scope)
    try:
        require_own_origin(request.scope, is_encrypted=is_encrypted)
        session_id = await part_of(request, SignIn).begin(
            fields.get("name", ""),
            fields.get("password", ""),
            clients.client_of(request.scope),
            sessions.session_id(request.scope),
        )
    except _TOLD as error:
        if weight(request.headers.get("accept", ""), "text/html") > 0:
            return await run_in_threadpool(_form, request, wanted, error)
        raise
    return _see(after_sign_in(wanted), setting(session_id, is_encrypted=is_encrypted))


@router.post("/logout")
async def post_logout(request: Request) -> Response:
    """End the session of the cookie, by a form of our own pages."""
    fields = await _fields(request)
    sessions = part_of(request, Sessions)
    is_encrypted = sessions.is_encrypted(request.scope)
    session_id = sessions.session_id(request.scope)
    signed_in = await sessions.find(session_id) if session_id else None
    if signed_in:
        require_own_origin(request.scope, is_encrypted=is_encrypted)
        require_csrf_token(fields.get("csrf", ""), signed_in.csrf_token)
        await sessions.end(signed_in)
    return _see(f"{FRONT}login", clearing(is_encrypted=is_encrypted))


def _form(request: Request, wanted: str, error: FleetwattError | None = None, said: str = "") -> Response:
    why = f"{error.detail[:1].upper()}{error.detail[1:]}." if error else said
    shown = f'<p class="refused" role="alert">{escape(why)}</p>' if why else ""
    provider = _provider(request, wanted)
    html = page("login.html", policy=WITHOUT_SCRIPTS, said=shown, provider=provider, next=escape(wanted[:500]))
    answer = html.answer(request, "no-store")
    if error:
        answer.status_code, more = status_and_headers(error)
        answer.headers.update(more)
    return answer


def _provider(request: Request, wanted: str) -> str:
    """The way to the identity provider, where there is one."""
    provider = cast(Parts, request.app.state.parts).find(Provider)
    if provider is None:
        return ""
    host = escape(urlsplit(provider.issuer).netloc)
    # A link, and no form: the policy keeps forms from leading elsewhere.
    query = f"?{urlencode({'next': wanted[:500]})}" if is_safe(wanted) else ""
    return f'<p class="provider"><a href="login/provider{escape(query)}">Sign in by {host}</a></p>'


def _see(where: str, cookie: str | None = None) -> Response:
    headers = {"Location": where, "Cache-Control": "no-store"}
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={**headers, **({"Set-Cookie": cookie} if cookie else {})})


async def _fields(request: Request) -> dict[str, str]:
    """What the form says.

    Raises:
        HTTPException: it is no form.
        TooLargeError, InvalidRequestError: it is larger than ours, or says something twice.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {FORM}")
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise TooLargeError(f"a form has at most {MOST_BYTES} bytes")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        pairs = []
    fields = dict(pairs)
    if len(fields) < len(pairs) or not fields:
        raise InvalidRequestError("send each field of the form once, in UTF-8")
    return fields
