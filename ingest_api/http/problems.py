"""Errors as RFC 9457 problem details. The one table that knows which of the product's errors is which HTTP status.

A problem never echoes the input and never shows a stack trace.
"""

import logging
import random
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest_api.http.request_id import request_id
from ingest_api.http.wire import BODY_SHAPES
from warehouse.contract import errors
from warehouse.contract.redaction import redacted

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS_OF: Mapping[type[errors.FleetwattError], int] = {
    errors.InvalidRequestError: 422,
    errors.TokenMissingError: 401,
    errors.TokenInvalidError: 401,
    errors.ScopeMissingError: 403,
    errors.TokensNotServedError: 403,
    errors.TokenNotFoundError: 404,
    errors.SignInFailedError: 401,
    errors.ForeignPageError: 403,
    errors.ProviderUnavailableError: 503,
    errors.ProviderRefusedError: 401,
    errors.NoRoleError: 403,
    errors.UserNotFoundError: 404,
    errors.UserExistsError: 409,
    errors.LastAdministratorError: 409,
    errors.VehicleNotFoundError: 404,
    errors.MeterNotFoundError: 404,
    errors.VehicleNotMappedError: 404,
    errors.MappingNotFoundError: 404,
    errors.FindingNotFoundError: 404,
    errors.DeviceNotKnownError: 404,
    errors.NothingToCorrectError: 404,
    errors.TooManyDevicesError: 422,
    errors.MappingOverlapError: 409,
    errors.FindingChangedError: 409,
    errors.WindowNotRetainedError: 410,
    errors.PartitionMissingError: 503,
    errors.SchemaOutdatedError: 503,
    errors.DatabaseUnavailableError: 503,
    errors.DatabaseUnfitError: 503,
    errors.OverloadedError: 503,
    errors.TooSlowError: 503,
    errors.BodyLostError: 503,
    errors.DagsterUnavailableError: 503,
    errors.DagsterTooSlowError: 504,
    errors.DagsterBrokenError: 502,
    errors.TooLargeError: 413,
    errors.RateLimitedError: 429,
}

_CHALLENGES: Mapping[type[errors.FleetwattError], str] = {
    errors.TokenMissingError: "Bearer",
    errors.TokenInvalidError: 'Bearer error="invalid_token"',
    errors.ScopeMissingError: 'Bearer error="insufficient_scope"',
    errors.SignInFailedError: "Bearer",
    errors.ProviderRefusedError: "Bearer",
}
"""How to authenticate (RFC 6750)."""
LONGEST_RETRY_AFTER_S = 5
_MOST_IN_DETAIL = 3
"""Of what is wrong; ``errors`` has all of it."""

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_CODE_OF_STATUS = {400: "malformed_json", 404: "not_found", 405: "method_not_allowed", 422: "invalid_request"}


class Problem(BaseModel):
    """What went wrong (RFC 9457). Programs branch on `code`, which is stable; `detail` is for people."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unknown vehicle"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no vehicle has the id veh-404"])
    instance: str = Field(examples=["/v1/analytics/performance/veh-404"])
    code: str = Field(examples=["vehicle_not_found"])
    request_id: str = Field(examples=["01998e1c5f2e7a50"])


def problem_body(scope: Scope, status: int, code: str, detail: str, **extensions: Any) -> bytes:
    """The JSON of a problem about the request of this scope. ``title`` is an extension where it is not the status's."""
    return msgspec.json.encode(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "instance": redacted(scope["path"]),  # a token was put there by mistake: answers are kept in others' logs
            "code": code,
            "requestId": request_id(scope),
            **extensions,
        }
    )


def status_and_headers(error: errors.FleetwattError) -> tuple[int, dict[str, str]]:
    """The HTTP status of one of the product's errors, and the headers that go with it."""
    status = STATUS_OF.get(type(error), 500)
    headers = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = retry_later()
    if isinstance(error, errors.RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_s)
    if type(error) in _CHALLENGES:
        headers["WWW-Authenticate"] = _CHALLENGES[type(error)]
    return status, headers


def retry_later() -> dict[str, str]:
    """The header that asks for another try: each client at another time, so that they do not come back as one."""
    return {"Retry-After": str(random.randint(1, LONGEST_RETRY_AFTER_S))}  # noqa: S311 - no secret


def error_response(scope: Scope, error: errors.FleetwattError, **extensions: Any) -> Response:
    """The answer to the request of this scope that one of the product's errors ended."""
    status, headers = status_and_headers(error)
    body = problem_body(scope, status, error.code, error.detail, title=error.title, **extensions)
    return Response(body, status, headers, MEDIA_TYPE)


def defect_body(scope: Scope) -> bytes:
    """The JSON of the problem that nobody foresaw."""
    detail = "this is our fault; the log has the details under the request id"
    return problem_body(scope, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem."""

    @app.exception_handler(errors.FleetwattError)
    async def of_the_product(request: Request, error: errors.FleetwattError) -> Response:
        return error_response(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, error: RequestValidationError) -> Response:
        found = [
            {
                "pointer": "/" + "/".join(str(part) for part in each["loc"] if part not in BODY_SHAPES),
                "code": each["type"],
                "detail": each["msg"].removeprefix("Value error, "),
            }
            for each in error.errors()
        ]
        if any(each["type"] == "json_invalid" for each in error.errors()):
            return _response(request, 400, "malformed_json", "the body is not JSON")
        words = sorted({f"{each['pointer']}: {each['detail']}" for each in found})
        return _response(request, 422, "invalid_request", "; ".join(words[:_MOST_IN_DETAIL]), errors=found)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        code = _CODE_OF_STATUS.get(error.status_code, "http_error")
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed(request)
        return _response(request, error.status_code, code, error.detail, headers)


def _allowed(request: Request) -> str:
    """The methods of every route of this path; the framework names those of the first one alone. HEAD goes with GET."""
    routes: Sequence[BaseRoute] = request.app.routes
    return ", ".join(
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": "GET" if method == "HEAD" else method})[0] is Match.FULL
            for route in routes
        )
    )


class UnhandledErrorMiddleware:
    """Answers an error that nobody foresaw with a 500 problem.

    A layer of its own, because the framework's handler sits outside all layers and raises again: its answer carries no
    request id, and the server drops the connection without a word to the request that comes next on it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer it where that fails before an answer has begun."""
        has_begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception:
            if has_begun or scope["type"] != "http":
                raise
            logger.exception("the request failed", extra={"request_id": request_id(scope)})
            response = Response(defect_body(scope), HTTPStatus.INTERNAL_SERVER_ERROR, media_type=MEDIA_TYPE)
            await response(scope, receive, send)


def _response(
    request: Request,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **extensions: Any,
) -> Response:
    body = problem_body(request.scope, status, code, detail, **extensions)
    return Response(body, status, headers, MEDIA_TYPE)
