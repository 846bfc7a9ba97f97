"""``GET /``: where everything is, as a page for who opens the address and as JSON for programs."""

from functools import cache
from html import escape
from typing import NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from ingest_api.auth.callers import Caller, SignedIn
from ingest_api.auth.gate import Asks, Gate
from ingest_api.http.negotiation import weight
from ingest_api.http.parts import part_of
from ingest_api.pages.assets import page
from ingest_api.pages.served_file import ASK_AGAIN, ServedFile
from ingest_api.settings import ApiSettings
from warehouse.contract.tokens import Scope

router = APIRouter(include_in_schema=False)


KEPT_NOWHERE = "no-store"
CHOSEN_BY = "Accept, Cookie"
SIGN_IN = '<p class="account"><a href="login">Sign in</a></p>'


class Link(NamedTuple):
    """A place of this service."""

    name: str
    """As programs know it."""
    path: str
    """Without the slash before it: a proxy may serve everything under a path of its own."""
    what: str


LINKS = (
    Link("docs", "docs", "The documentation: every operation with examples, to read and to try out."),
    Link("openapi", "openapi.json", "The same for programs, in OpenAPI 3.1."),
    Link(
        "findingsPage",
        "findings",
        "What loses energy or is wrong, the most expensive first: to look at and to work on.",
    ),
    Link("findings", "v1/findings", "The same for programs; fleetwatt report makes a page to send on."),
    Link("health", "health", "Whether the service can do its work, and what keeps it from it."),
    Link("metrics", "metrics", "Counters for Prometheus."),
)
DAGSTER = Link("dagster", "dagster/", "Dagster: the lineage of all datasets, and each day's run.")


@router.get("/")
async def get_front(request: Request) -> Response:
    """The page for a client that names HTML and does not rather have JSON; all others get JSON."""
    accepted = request.headers.get("accept", "")
    html = weight(accepted, "text/html")
    gate = part_of(request, Gate)
    caller = await gate.who_asks(request.scope)
    links = _links(request, caller)
    if html <= 0 or html < weight(accepted, "application/json"):
        return await run_in_threadpool(_json(links).answer, request, ASK_AGAIN)
    if isinstance(caller, SignedIn):
        return await run_in_threadpool(_page(_account(caller), links).answer, request, KEPT_NOWHERE)
    shown = SIGN_IN if gate.asks is Asks.WHO_CHANGES else ""
    return await run_in_threadpool(_page_of_nobody(shown, links).answer, request, ASK_AGAIN)


def _links(request: Request, caller: Caller | None) -> tuple[Link, ...]:
    """Dagster's pages are named to those who may see them here."""
    is_behind = part_of(request, Gate).asks is Asks.EVERYBODY and part_of(request, ApiSettings).dagster_secret
    return (*LINKS, DAGSTER) if is_behind and caller and Scope.OPERATE in caller.scopes else LINKS


def _account(signed_in: SignedIn) -> str:
    return (
        f'<form method="post" action="logout" class="account"><span>Signed in as <strong>{escape(signed_in.name)}'
        f"</strong>, {signed_in.role}</span>"
        f'<input type="hidden" name="csrf" value="{signed_in.csrf_token}"><button>Sign out</button></form>'
    )


@cache
def _page_of_nobody(account: str, links: tuple[Link, ...]) -> ServedFile:
    return _page(account, links)


def _page(account: str, links: tuple[Link, ...]) -> ServedFile:
    shown = "\n".join(
        f'<dt><a href="{escape(path)}">/{escape(path)}</a></dt><dd>{escape(what)}</dd>' for _, path, what in links
    )
    return page("front.html", links=shown, account=account, varies_by=CHOSEN_BY)


@cache
def _json(links: tuple[Link, ...]) -> ServedFile:
    said = {"name": "Fleetwatt", "links": {each.name: f"/{each.path}" for each in links}}
    return ServedFile("front.json", msgspec.json.encode(said), varies_by=CHOSEN_BY)
