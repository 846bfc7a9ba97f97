"""Dagster's web server with what it lacks: GraphQL is asked by POST, and changes only what may be changed."""

import json
from asyncio import Task
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster_webserver.webserver import DagsterWebserver
from graphql import GraphQLError, GraphQLFormattedError, parse
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from orchestration.dagster_ui.mutations import ALLOWED, WITHOUT_EFFECT, mutations_in
from warehouse.contract.redaction import redacted

POLL_MS = 2000
"""How often Dagster's pages poll; its own default."""
NOT_SERVED = ("/notebook", "/dagit", "/report_asset")
"""Notebooks are read from any path, and what an asset is said to be is the ledger's to say."""
_GUARDED = ("build_routes", "graphql_http_endpoint", "execute_graphql_request", "execute_graphql_subscription")
LARGEST_QUESTION_BYTES = 2 * 1024 * 1024
LARGEST_QUESTION_TOKENS = 10_000
"""Words and marks of a GraphQL text: Dagster's pages send up to 700. At 60,000, in 300 kB, an answer took 20 s."""


class GuardedWebserver(DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext]):
    """``read_only`` is Dagster's own: it refuses what changes anything; here nothing of it is even asked."""

    def __init__(self, context: WorkspaceProcessContext, *, read_only: bool, prefix: str = "") -> None:
        """Of this workspace; both have to agree on ``read_only``. ``prefix``: the path below which its pages are.

        Raises:
            RuntimeError: Dagster's server is not made as the one that this guards: nothing would be refused.
        """
        if missing := [name for name in _GUARDED if not hasattr(DagsterWebserver, name)]:
            raise RuntimeError(f"dagster-webserver has no {', '.join(missing)} any more; install what is locked")
        super().__init__(context, app_path_prefix=prefix, live_data_poll_rate=POLL_MS)
        self._allowed = WITHOUT_EFFECT if read_only else ALLOWED

    def build_routes(self) -> list[BaseRoute]:
        """Dagster's, without those that nobody needs here."""
        routes: list[BaseRoute] = super().build_routes()  # type: ignore[no-untyped-call]
        return [_without_unserved(route) for route in routes if _is_served(route)]

    async def graphql_http_endpoint(self, request: Request) -> Response:
        """A question, by POST and as JSON alone: what a page of a stranger cannot send without asking us first."""
        if request.method != "POST":
            if not request.url.query:  # the page to try questions out
                page: Response = await super().graphql_http_endpoint(request)
                return page
            return _refused(HTTPStatus.METHOD_NOT_ALLOWED, "GraphQL is asked by POST")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "GraphQL is asked as application/json")
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_QUESTION_BYTES:
                return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the question is too long")
        try:
            question = json.loads(bytes(body))
        except (ValueError, RecursionError):
            question = None
        if not isinstance(question, dict) or not isinstance(question.get("query"), str):
            return _refused(HTTPStatus.BAD_REQUEST, 'a question is one JSON object with a "query"')
        return await self._answer(request, question)

    async def execute_graphql_subscription(
        self,
        websocket: WebSocket,
        operation_id: str,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
    ) -> tuple[Task[None] | None, GraphQLFormattedError | None]:
        """What a page asks by WebSocket: as long as what is asked by POST."""
        try:
            parse(query, max_tokens=LARGEST_QUESTION_TOKENS)
        except GraphQLError as error:
            return None, {"message": redacted(error.message)}
        return await super().execute_graphql_subscription(websocket, operation_id, query, variables, operation_name)

    async def _answer(self, request: Request, question: Mapping[str, Any]) -> Response:
        try:
            changes = mutations_in(parse(question["query"], max_tokens=LARGEST_QUESTION_TOKENS))
        except GraphQLError as error:  # what could not be looked at is not handed on: Dagster might read it after all
            return _error(redacted(error.message), HTTPStatus.BAD_REQUEST)
        except RecursionError:
            return _refused(HTTPStatus.BAD_REQUEST, "the question is too deep")
        if changes and "origin" not in request.headers:  # that it is one of ours the gate has seen to
            return _refused(HTTPStatus.FORBIDDEN, "what changes something is asked by a page of Dagster's UI (Origin)")
        if refused := changes - self._allowed:
            return _error(
                f"Fleetwatt does not let Dagster's UI do this: {', '.join(sorted(refused))}", HTTPStatus.FORBIDDEN
            )
        variables = question.get("variables")
        if not isinstance(variables, dict | None):
            return _refused(HTTPStatus.BAD_REQUEST, '"variables" are an object')
        answer = await self.execute_graphql_request(
            request, question["query"], variables, question.get("operationName")
        )
        text = redacted(
            bytes(answer.body).decode()
        )  # also what was never stored, such as why the code cannot be loaded
        return Response(text, answer.status_code, media_type="application/json")


def _is_served(route: BaseRoute) -> bool:
    return not (isinstance(route, Route | WebSocketRoute) and route.path.startswith(NOT_SERVED))


def _without_unserved(route: BaseRoute) -> BaseRoute:
    """With a prefix all of Dagster's routes are below one; folders of files are below others, and have none."""
    if isinstance(route, Mount) and route.routes:
        return Mount(route.path, routes=[each for each in route.routes if _is_served(each)])
    return route


def _refused(status: HTTPStatus, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status)


def _error(message: str, status: HTTPStatus) -> Response:
    """As Dagster's pages show it."""
    return JSONResponse({"data": None, "errors": [{"message": message}]}, status)
