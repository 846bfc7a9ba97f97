"""``GET /v1/quarantine``: what was refused, by why, with samples."""

from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ingest_api.database import Database, Row, fetch_all
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import Instant, Wire
from warehouse import sqlfiles

router = APIRouter(prefix="/v1/quarantine", tags=["data health"], route_class=PlainRequests)

SHOWN_BYTES = 400
"""Of a sample."""
_PACKAGE = "ingest_api.data_health"
Code = Annotated[str | None, Query(pattern="^[a-z0-9_]{1,64}$", description="Of this code alone.")]


class RefusedItem(Wire):
    """Something that was refused, once however often it came."""

    last_seen_at: Instant
    first_seen_at: Instant
    times_seen: int = Field(examples=[3])
    source: str = Field(description="How it came.", examples=["http"])
    request_id: str | None = Field(description="Of the request that it came in first.", examples=["7f3a"])
    pointer: str = Field(description="Where in it the fault is.", examples=["/soc"])
    detail: str = Field(description="What is wrong.", examples=["soc is 0 to 100"])
    size_bytes: int = Field(description="Of all of it.", examples=[112])
    content: str = Field(
        description=f"Its first {SHOWN_BYTES} bytes as UTF-8; what is none is replaced. It is whatever somebody sent.",
        examples=['{"vehicleId":"veh-1","soc":101}'],
    )


class RefusedCode(Wire):
    """All that was refused for one reason."""

    code: str = Field(examples=["out_of_range"])
    items: int = Field(description="How many, since the beginning.", examples=[1204])
    counted_only: int = Field(description="Of them those whose bytes were not kept.", examples=[1000])
    kept: int = Field(description="Different contents that are kept.", examples=[204])
    samples: list[RefusedItem] = Field(description="Of those the newest.")


class Refused(Wire):
    """A page of codes, in their order."""

    items: list[RefusedCode]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


@router.get(
    "",
    summary="What was refused, by reason",
    responses=read_responses(paged=True) | problems(422, 503),
    response_model=Refused,
)
async def get_quarantine(
    request: Request,
    code: Code = None,
    samples: Annotated[AskedInteger, Query(ge=0, le=20, description="Of each code, the newest first.")] = 3,
    limit: Annotated[AskedInteger, Query(ge=1, le=100, description="Codes a page.")] = 100,
    cursor: Annotated[str, Query(pattern="^[a-z0-9_]{0,64}$", description="`nextCursor` of the page before.")] = "",
) -> Response:
    """Counts since the beginning, and the newest of what is kept. Who sent it is told by the command line alone."""
    async with part_of(request, Database).connection() as connection:
        asked = {"code": code, "after": cursor, "limit": limit + 1}
        codes = await fetch_all(connection, sqlfiles.load(_PACKAGE, "list_codes"), asked)
        chosen = {"codes": [row["code"] for row in codes[:limit]], "samples": samples, "shown_bytes": SHOWN_BYTES}
        found = await fetch_all(connection, sqlfiles.load(_PACKAGE, "list_samples"), chosen) if samples else []
    of_codes = {each: [_item(row) for row in rows] for each, rows in groupby(found, key=lambda row: row["code"])}
    items = [_code(row, of_codes.get(row["code"], [])) for row in codes[:limit]]
    more = items[-1].code if len(codes) > limit else None
    return read_answer(request, Refused(items=items, next_cursor=more))


def _code(row: Row, samples: list[RefusedItem]) -> RefusedCode:
    return RefusedCode(
        code=row["code"],
        items=row["item_count"],
        counted_only=row["counted_only"],
        kept=row["kept_rows"],
        samples=samples,
    )


def _item(row: Row) -> RefusedItem:
    told = {name: row[name] for name in RefusedItem.model_fields if name != "content"}
    return RefusedItem(content=bytes(row["shown"]).decode(errors="replace"), **told)
