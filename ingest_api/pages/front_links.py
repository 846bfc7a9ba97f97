"""The bare address as programs get it: where everything is, as JSON."""

from functools import cache
from typing import NamedTuple

import msgspec
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from ingest_api.auth.callers import Caller
from ingest_api.auth.gate import Asks, Gate
from ingest_api.http.negotiation import weight
from ingest_api.http.parts import part_of
from ingest_api.pages.served_file import ASK_AGAIN, ServedFile
from ingest_api.settings import ApiSettings
from warehouse.contract.tokens import Scope

CHOSEN_BY = "Accept, Cookie"


class Link(NamedTuple):
    """A place of this service."""

    name: str
    """As programs know it."""
    path: str


LINKS = (
    Link("docs", "docs"),
    Link("openapi", "openapi.json"),
    Link("findings", "v1/findings"),
    Link("health", "health"),
    Link("metrics", "metrics"),
)
DAGSTER = Link("dagster", "dagster/")


def wants_a_page(request: Request) -> bool:
    """Whether the client names HTML, and does not rather have JSON."""
    accepted = request.headers.get("accept", "")
    html = weight(accepted, "text/html")
    return html > 0 and html >= weight(accepted, "application/json")


def may_see_dagster(request: Request, caller: Caller | None) -> bool:
    """Whether Dagster's pages are behind this address, and open to the caller."""
    is_behind = part_of(request, Gate).asks is Asks.EVERYBODY and part_of(request, ApiSettings).dagster_secret
    return bool(is_behind and caller and Scope.OPERATE in caller.scopes)


async def links_for_programs(request: Request) -> Response:
    """Where everything is, as far as the caller may go there. Raises DatabaseUnavailableError."""
    caller = await part_of(request, Gate).who_asks(request.scope)
    links = (*LINKS, DAGSTER) if may_see_dagster(request, caller) else LINKS
    return await run_in_threadpool(_json(links).answer, request, ASK_AGAIN)


@cache
def _json(links: tuple[Link, ...]) -> ServedFile:
    said = {"name": "Fleetwatt", "links": {each.name: f"/{each.path}" for each in links}}
    return ServedFile("front.json", msgspec.json.encode(said), varies_by=CHOSEN_BY)
