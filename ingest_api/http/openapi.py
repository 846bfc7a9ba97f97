"""What the generated OpenAPI needs beside the routes' own types: the problems a route can answer with."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response

from ingest_api.http.problems import MEDIA_TYPE, Problem

_REQUEST_ID = {
    "X-Request-Id": {
        "description": "The caller's own `X-Request-Id`, or a new one. Name it when you ask us about a request.",
        "schema": {"type": "string"},
    }
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer"}}}
_ACCEPTED = {
    "Accept": {"description": "The media types that are understood.", "schema": {"type": "string"}},
    "Accept-Encoding": {"description": "The content encodings that are understood.", "schema": {"type": "string"}},
}
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "Asked for where the API listens beyond its own machine, or FLEET_AUTH=required. An operation says "
    "which scope it needs: operate includes read, admin includes all.",
}
_CHALLENGE = {"WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}}}

_HEADERS_OF = {401: _CHALLENGE, 403: _CHALLENGE, 415: _ACCEPTED, 429: _RETRY_AFTER, 503: _RETRY_AFTER}

_MEANING = {
    400: "The body is not JSON, or not what its Content-Encoding says. Not worth a retry.",
    401: "The token is missing, unknown, revoked or expired.",
    403: "The token is valid, and may not do that.",
    404: "There is no such thing.",
    408: "The body came too slowly, or not to its end. What is sent again is stored once.",
    409: "It contradicts what is stored.",
    410: "The window touches a day that is no longer kept in PostgreSQL.",
    413: "More than one request may hold.",
    415: "A media type or encoding that is not understood.",
    422: "Understood, and not valid. Not worth a retry.",
    429: "This client has sent more readings than it may, or too many requests without a valid token. Send the same "
    "again, later; of a stream the rest, from the "
    "line on that `nextIndex` names (the first is 0): all of it again would end at the same line.",
    500: "A defect of ours. Not worth a retry; name the request id when you report it.",
    503: "The database does not answer in time, or too much waits for it. Send the same again: it is always safe.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that can fail in these ways."""
    return {status: _problem(status) for status in statuses}


def problem_with(status: int, field: str, schema: str) -> dict[int | str, dict[str, Any]]:
    """The same of a problem that has a field more, in a schema of the document."""
    described = _problem(status)
    of_field = {"$ref": f"#/components/schemas/{schema}"}
    problem = described["content"][MEDIA_TYPE]["schema"]
    described["content"][MEDIA_TYPE]["schema"] = {**problem, "properties": {**problem["properties"], field: of_field}}
    described["description"] += f" `{field}` is how it is now."
    return {status: described}


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _MEANING[status],
        "headers": _REQUEST_ID | _HEADERS_OF.get(status, {}),
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema(), "example": _example(status)}},
    }


def _example(status: int) -> dict[str, Any]:
    code, instance = {
        400: ("malformed_json", "/v1/telemetry"),
        401: ("token_missing", "/v1/meters/meter-1"),
        403: ("scope_missing", "/v1/meters/meter-1"),
        404: ("vehicle_not_found", "/v1/vehicles/veh-1"),
        408: ("request_timeout", "/v1/telemetry"),
        409: ("conflict", "/v1/telemetry"),
        410: ("window_not_retained", "/v1/analytics/performance/veh-1"),
        413: ("too_large", "/v1/telemetry"),
        415: ("unsupported_media_type", "/v1/telemetry"),
        422: ("out_of_range", "/v1/telemetry"),
        429: ("rate_limited", "/v1/telemetry"),
        500: ("internal_error", "/v1/telemetry"),
        503: ("database_unavailable", "/v1/telemetry"),
    }[status]
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _MEANING[status],
        "instance": instance,
        "code": code,
        "requestId": "5f2e7a5001998e1c",
    }


def success_headers() -> dict[str, Any]:
    """The headers that every answer carries."""
    return dict(_REQUEST_ID)


def complete(app: FastAPI, scope_of: Callable[[str, str], str | None]) -> None:
    """Have the application's OpenAPI tell of each operation what holds for all: its request id, how it may fail.

    ``scope_of``: what a token needs for this method and path; ``None``: no token is needed.
    """
    generate = app.openapi

    def generate_and_complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            document.setdefault("components", {})["securitySchemes"] = {"token": _TOKEN}
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    if scope := scope_of(method.upper(), path):
                        operation["security"] = [{"token": [scope]}]
                        for status in (401, 403, 429):
                            operation["responses"].setdefault(str(status), _problem(status))
                    for status in (408, 413, 500) if "requestBody" in operation else (500,):
                        operation["responses"].setdefault(str(status), _problem(status))
                    for response in operation["responses"].values():
                        response.setdefault("headers", dict(_REQUEST_ID))
        return generate()

    app.openapi = generate_and_complete  # type: ignore[method-assign] # the way FastAPI documents
    _serve_written_once(app)


def _serve_written_once(app: FastAPI) -> None:
    """Answer the document's route with the same bytes each time: to write it takes as long as many readings."""

    @cache
    def written() -> bytes:
        return msgspec.json.encode(app.openapi())

    async def document(_: Request) -> Response:
        return Response(written(), media_type="application/json")

    app.router.routes[:] = [each for each in app.router.routes if getattr(each, "path", "") != app.openapi_url]
    app.add_route(app.openapi_url or "", document, include_in_schema=False)
