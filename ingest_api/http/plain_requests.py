"""Refuses a request that can be read in two ways, or has a parameter that would have no effect."""

import json
import re
from collections.abc import Callable, Coroutine, Iterable, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BeforeValidator
from starlette.exceptions import HTTPException

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?").fullmatch
_INTEGER = re.compile(r"-?[0-9]{1,20}").fullmatch


def _read_integer(value: object) -> object:
    """Digits alone; pydantic would read ``1_0``, `` 24`` (a ``+`` that nobody encoded) and ``24.0`` too."""
    if isinstance(value, str) and not _INTEGER(value):
        raise ValueError("expected a whole number, written in digits alone")
    return value


def read_number(value: object) -> object:
    """A decimal number; pydantic would read ``1_0``, `` 24``, ``inf`` and ``nan`` too.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and not _NUMBER(value):
        raise ValueError("expected a number, written in digits with a point")
    return value


def any_of(words: Iterable[str]) -> str:
    """A pattern: one of these words (patterns themselves), or several with commas between them."""
    alternatives = "|".join(words)
    return f"^({alternatives})(,({alternatives}))*$"


AskedInteger = Annotated[int, BeforeValidator(_read_integer)]
"""A whole number in a URL."""


class PlainRequests(APIRoute):
    """A route whose query names each of its parameters once at most and no other, and its body each field."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's, after a check of the query."""
        handle = super().get_route_handler()
        known = [field.alias for field in self.dependant.query_params]

        async def handle_what_is_plain(request: Request) -> Response:
            _require_plain_query(request, known)
            return await handle(_PlainRequest(request.scope, request.receive))

        return handle_what_is_plain


class _PlainRequest(Request):
    async def json(self) -> Any:
        return json.loads(await self.body(), object_pairs_hook=_object)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # the first or the last: parsers differ
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "an object of the body has a field twice; send it once")
    return found


def _require_plain_query(request: Request, known: Sequence[str]) -> None:
    """Raises RequestValidationError; what it says repeats nothing that is not ours."""
    names = [name for name, _ in request.query_params.multi_items()]
    wrong = [
        {"type": "given_twice", "loc": ("query", name), "msg": "given more than once; ask for one value"}
        for name in known
        if names.count(name) > 1
    ]
    if set(names) - set(known):
        heeded = f"what can be asked for is {', '.join(known)}" if known else "nothing can be asked for here"
        wrong.append({"type": "unknown_parameter", "loc": ("query",), "msg": f"an unknown parameter; {heeded}"})
    if wrong:
        raise RequestValidationError(wrong)
