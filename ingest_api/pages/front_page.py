"""``GET /``: where everything is, as a page for who opens the address and as JSON for programs."""

from functools import cache
from html import escape
from typing import NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from ingest_api.pages.assets import page
from ingest_api.pages.negotiation import weight
from ingest_api.pages.served_file import ASK_AGAIN, ServedFile

router = APIRouter(include_in_schema=False)


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
    Link("health", "health", "Whether the service can do its work, and what keeps it from it."),
    Link("metrics", "metrics", "Counters for Prometheus."),
)


@router.get("/")
def get_front(request: Request) -> Response:
    """The page for a client that names HTML and does not rather have JSON; all others get JSON."""
    accepted = request.headers.get("accept", "")
    html = weight(accepted, "text/html")
    form = _page() if html > 0 and html >= weight(accepted, "application/json") else _json()
    return form.answer(request, ASK_AGAIN)


@cache
def _page() -> ServedFile:
    links = "\n".join(
        f'<dt><a href="{escape(path)}">/{escape(path)}</a></dt><dd>{escape(what)}</dd>' for _, path, what in LINKS
    )
    return page("front.html", links=links, varies_by="Accept")


@cache
def _json() -> ServedFile:
    said = {"name": "Fleetwatt", "links": {each.name: f"/{each.path}" for each in LINKS}}
    return ServedFile("front.json", msgspec.json.encode(said), varies_by="Accept")
