"""What a telemetry request is answered with: the account of its items, and how it is written."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from starlette.types import Scope

from ingest_api.http.problems import MEDIA_TYPE as PROBLEM
from ingest_api.http.problems import defect_body, problem_body, status_and_headers
from ingest_api.http.request_id import HEADER, request_id
from warehouse.contract.errors import FleetwattError, RateLimitedError
from warehouse.decoding.telemetry import Rejection
from warehouse.postgres.readings.reading_store import Outcome

logger = logging.getLogger(__name__)

MAX_LISTED_ERRORS = 100

_JSON = "application/json"


class Answer(NamedTuple):
    """A status, a body and its media type."""

    status: int
    body: bytes
    media_type: str = _JSON
    headers: tuple[tuple[str, str], ...] = ()

    def headers_under(self, identity: bytes) -> list[tuple[bytes, bytes]]:
        """All its headers, in answer to the request with this id."""
        headers = [
            (b"content-type", self.media_type.encode()),
            (b"content-length", b"%d" % len(self.body)),
            (HEADER, identity),
        ]
        if self.headers:
            headers += [(name.lower().encode(), value.encode()) for name, value in self.headers]
        return headers


STORED = Answer(201, b'{"status":"stored"}')
DUPLICATE = Answer(200, b'{"status":"duplicate"}')


@dataclass
class Totals:
    """What became of the items of one request, over all its transactions."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    errors: list[Rejection] = field(default_factory=list)
    next_index: int | None = None
    """Of a stream that ends early: the index of the first line that nothing is known of."""

    def add(self, outcome: Outcome, first_index: int = 0) -> None:
        """Count the outcome of items of which the first has this index in the request."""
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        self.conflicts += len(outcome.conflicts)
        self.rejected += len(outcome.rejections)
        room = MAX_LISTED_ERRORS - len(self.errors)
        refused = sorted([*outcome.rejections, *outcome.conflicts])[:room]
        self.errors += [msgspec.structs.replace(each, index=first_index + each.index) for each in refused]

    def as_dict(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "rejected": self.rejected,
            "errors": self.errors,
        }

    def answer(self, scope: Scope) -> Answer:
        """The account of an array or a stream: a success unless all of its items are invalid."""
        if self.rejected > 0 and self.accepted + self.duplicates + self.conflicts == 0:
            return problem(scope, 422, "all_invalid", "no item is a valid reading; see errors", **self.as_dict())
        return Answer(200, msgspec.json.encode({**self.as_dict(), "requestId": request_id(scope)}))


def of_one(scope: Scope, outcome: Outcome) -> Answer:
    """The answer to a single reading."""
    if outcome.accepted:
        return STORED
    if outcome.duplicates:
        return DUPLICATE
    for status, refusals in ((409, outcome.conflicts), (422, outcome.rejections)):
        for refusal in refusals:
            return problem(scope, status, refusal.code, refusal.detail, pointer=refusal.pointer)
    raise AssertionError("an item is accepted, a duplicate, a conflict or rejected")


def of_error(scope: Scope, error: FleetwattError, totals: Totals) -> Answer:
    """The answer where one of the product's errors ended the request, with the account of what came before."""
    status, headers = status_and_headers(error)
    detail, account = error.detail, totals.as_dict()
    if totals.next_index is not None:
        account["nextIndex"] = totals.next_index
        if isinstance(error, RateLimitedError):  # all of it again would cost as much, and end at the same line
            detail += f"; then send the rest, from line {totals.next_index} on (nextIndex, the first line is 0)"
    return problem(scope, status, error.code, detail, headers=headers, title=error.title, **account)


def of_failure(scope: Scope, error: Exception) -> Answer:
    """The answer where any error ended the request before anything was done; one that nobody foresaw is logged."""
    if isinstance(error, FleetwattError):
        return of_error(scope, error, Totals())
    logger.error("the request failed", exc_info=error, extra={"request_id": request_id(scope)})
    return Answer(500, defect_body(scope), PROBLEM)


def problem(
    scope: Scope, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any
) -> Answer:
    """A problem (RFC 9457)."""
    body = problem_body(scope, status, code, detail, **extensions)
    return Answer(status, body, PROBLEM, tuple((headers or {}).items()))
