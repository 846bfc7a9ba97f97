"""What all pages of the fleet have in common: the frame around them, who looks at them, and what they say of errors."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from pathlib import PurePath
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from ingest_api.auth.callers import SignedIn
from ingest_api.auth.gate import Asks, Gate
from ingest_api.http.parts import part_of
from ingest_api.http.problems import status_and_headers
from ingest_api.http.request_id import request_id
from ingest_api.pages.assets import asset
from ingest_api.pages.front_links import may_see_dagster
from ingest_api.pages.served_file import ServedFile
from ingest_api.pages.words import words
from warehouse.contract.errors import FleetwattError
from warehouse.contract.tokens import Scope
from warehouse.template import fill

_PACKAGE = "ingest_api.dashboard"
_OF_ONE_PERSON = "no-store"
_ASKED_AGAIN = "private, no-cache"


class Looker(NamedTuple):
    """Who looks at a page."""

    name: str | None
    """``None``: nobody is signed in."""
    role: str | None
    csrf_token: str | None
    scopes: frozenset[Scope]
    may_sign_in: bool
    may_see_dagster: bool = False

    @property
    def may_operate(self) -> bool:
        """Whether the person may act on findings, and change settings."""
        return Scope.OPERATE in self.scopes


async def looker_of(request: Request) -> Looker:
    """Who looks, and what that person may. Raises DatabaseUnavailableError."""
    gate = part_of(request, Gate)
    caller = await gate.who_asks(request.scope)
    if isinstance(caller, SignedIn):
        sees = may_see_dagster(request, caller)
        person = caller.name, caller.role, caller.csrf_token, caller.scopes
        return Looker(*person, may_sign_in=False, may_see_dagster=sees)
    all_may = frozenset(Scope) if gate.asks is Asks.NOBODY else frozenset({Scope.READ})
    scopes = caller.scopes if caller else all_may
    return Looker(None, None, None, scopes, may_sign_in=gate.asks is not Asks.NOBODY)


async def show(request: Request, template: str, looker: Looker, status: int = HTTPStatus.OK, **values: Any) -> Response:
    """The page of this template. It is sent as it is for the looker, and asked for again each time."""
    cached = _OF_ONE_PERSON if looker.name else _ASKED_AGAIN
    common = {"looker": looker, "root": root_of(request), "path": request.url.path, "asset": asset, "words": words()}

    def write() -> Response:
        html = fill(_PACKAGE, template, **common, **values)
        answer = ServedFile(PurePath(template).name, html.encode(), varies_by="Accept, Cookie").answer(request, cached)
        if status != HTTPStatus.OK:
            answer.status_code = status
        return answer

    return await run_in_threadpool(write)


def root_of(request: Request) -> str:
    """The way from the page to the root of the service: links are relative, for a proxy may add a path before it."""
    return "../" * (request.url.path.count("/") - 1) or "./"


class PageRoute(APIRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's, with a page in place of a problem."""
        handle = super().get_route_handler()

        async def handle_or_explain(request: Request) -> Response:
            try:
                return await handle(request)
            except FleetwattError as error:
                status, headers = status_and_headers(error)
                answer = await _explain(request, status, error.title, error.detail)
                answer.headers.update(headers)
                return answer
            except RequestValidationError:
                said = words()["errors"]
                return await _explain(request, HTTPStatus.UNPROCESSABLE_ENTITY, said["address"], said["address_detail"])

        return handle_or_explain


async def _explain(request: Request, status: int, title: str, detail: str) -> Response:
    nobody = Looker(None, None, None, frozenset(), may_sign_in=False)  # to ask who it is may be what failed
    sentence = f"{detail[:1].upper()}{detail[1:]}."
    told = {"title": title, "detail": sentence, "request_id": request_id(request.scope)}
    return await show(request, "error.html", nobody, status, **told)
