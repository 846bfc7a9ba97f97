"""How questions are answered: as JSON, or as CSV where that is preferred; not again to whoever has it already.

An answer may be kept, by its asker alone, and is asked for again each time: so somebody who signed out, or whose token
was revoked, sees nothing more. ``ETag`` then saves the way of what has not changed.
"""

from collections.abc import Sequence
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, NamedTuple, get_args

from fastapi import Request, Response

from ingest_api.http import csv_rows
from ingest_api.http.negotiation import has_already, weight
from ingest_api.http.openapi import success_headers
from ingest_api.http.wire import Wire

JSON = "application/json"
_KEPT = "private, no-cache"
_STRING = {"schema": {"type": "string"}}
_HEADERS = success_headers() | {
    "ETag": {
        "description": "Send it as `If-None-Match`: 304 where nothing is new. A clock's age counts as nothing.",
        **_STRING,
    },
    "Cache-Control": {"description": f"`{_KEPT}`: kept by you alone, and asked for again.", **_STRING},
    "Vary": {"description": "`Accept`.", **_STRING},
}
_LINK = {"Link": {"description": 'The next page, `rel="next"`; none on the last one.', **_STRING}}


def read_responses(*, paged: bool = False) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that answers so."""
    headers = _HEADERS | (_LINK if paged else {})
    as_csv = {"schema": {"type": "string", "description": "A row an item, with a header; named as in JSON."}}
    return {
        200: {"headers": headers, "content": {csv_rows.MEDIA_TYPE: as_csv}},
        304: {"description": "You have it: what is asked for is as its `ETag` says.", "headers": headers},
    }


class Table(NamedTuple):
    """What an answer is as CSV, where it is not simply a row of its fields for each of its items."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def read_answer(request: Request, answer: Wire, as_table: Table | None = None) -> Response:
    """This answer as the request wants it. A page has ``items`` and ``next_cursor``."""
    headers = {"Cache-Control": _KEPT, "Vary": "Accept"}
    if cursor := getattr(answer, "next_cursor", None):
        headers["Link"] = (
            f'<{request.url.include_query_params(cursor=cursor).replace(scheme="", netloc="")}>; rel="next"'
        )
    accepted = ",".join(request.headers.getlist("accept"))
    wants_csv = weight(accepted, csv_rows.MEDIA_TYPE) > weight(accepted, JSON)
    media_type = f"{csv_rows.MEDIA_TYPE}; charset=utf-8; header=present" if wants_csv else JSON
    written = answer.model_dump_json(by_alias=True).encode()
    headers["ETag"] = _tag(media_type, answer, written)
    if has_already(headers["ETag"], ",".join(request.headers.getlist("if-none-match"))):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if wants_csv:
        written = csv_rows.table(*(as_table or _table(answer)))
    return Response(written, headers=headers, media_type=media_type)


def _tag(media_type: str, answer: Wire, written: bytes) -> str:
    """Weak: an answer that differs by what a clock says alone has the same."""
    row = _row_of(answer)
    if row.told_by_clock:
        left_out: Any = set(row.told_by_clock)
        excluded = {"items": {"__all__": left_out}} if _is_page(answer) else left_out
        written = answer.model_dump_json(by_alias=True, exclude=excluded).encode()
    return f'W/"{blake2b(media_type.encode() + written, digest_size=12).hexdigest()}"'


def _table(answer: Wire) -> Table:
    rows = getattr(answer, "items", [answer])
    return Table(csv_rows.columns_of(_row_of(answer)), [csv_rows.values_of(row) for row in rows])


def _is_page(answer: Wire) -> bool:
    return "items" in type(answer).model_fields


def _row_of(answer: Wire) -> type[Wire]:
    """Of what an answer is, or has on its page."""
    if not _is_page(answer):
        return type(answer)
    row: type[Wire] = get_args(type(answer).model_fields["items"].annotation)[0]
    return row
