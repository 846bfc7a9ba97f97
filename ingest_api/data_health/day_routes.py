"""``GET /v1/days``: the ledger, as data."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ingest_api.data_health.day_schemas import LedgerDays
from ingest_api.data_health.days import AskedDays, find_days
from ingest_api.database import AnalyticsDatabase
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import AskedDay, read_day
from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.partitions import EARLIEST_DAY

router = APIRouter(prefix="/v1/days", tags=["data health"], route_class=PlainRequests)


@router.get(
    "",
    summary="What became of each day, newest first",
    responses=read_responses(paged=True) | problems(422, 503),
    response_model=LedgerDays,
)
async def get_days(
    request: Request,
    since: Annotated[AskedDay | None, Query(alias="from", description="This day or later.")] = None,
    until: Annotated[AskedDay | None, Query(alias="to", description="Before this day. Default: tomorrow, UTC.")] = None,
    limit: Annotated[AskedInteger, Query(ge=1, le=1000, description="Days a page.")] = 100,
    cursor: Annotated[str, Query(max_length=64, description="`nextCursor` of the page before.")] = "",
) -> Response:
    """Whether it is open, sealed, exported, dirty or dropped, how many readings it has, which release readers see."""
    asked = AskedDays(
        since=since or EARLIEST_DAY,
        until=until or datetime.now(UTC).date() + timedelta(days=1),
        limit=limit + 1,
        before=_place(cursor) if cursor else None,
    )
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        days = await find_days(connection, asked)
    more = days[limit - 1].day.isoformat() if len(days) > limit else None
    return read_answer(request, LedgerDays(items=days[:limit], next_cursor=more))


def _place(cursor: str) -> date:
    try:
        return read_day(cursor)
    except ValueError as error:
        raise InvalidRequestError("the cursor is none that an answer gave; begin again without one") from error
