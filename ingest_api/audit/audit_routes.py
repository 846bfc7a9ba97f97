"""``GET /v1/audit``: who did what, the newest first, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ingest_api.audit.audit_schemas import Actor, Entries, Entry
from ingest_api.database import Database, fetch_all
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import AskedInstant
from warehouse.contract.audit import Action
from warehouse.postgres.audit.reads import Asked, EntryRow, list_question, page_of

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=PlainRequests)

_ACTIONS = "|".join(each.replace(".", r"\.") for each in Action)


@router.get(
    "",
    summary="Who did what, the newest first",
    responses=read_responses(paged=True) | problems(422, 503),
    response_model=Entries,
)
async def list_audit(
    request: Request,
    since: Annotated[AskedInstant | None, Query(description="Done at this instant or later.")] = None,
    until: Annotated[AskedInstant | None, Query(description="Done before this instant.")] = None,
    actor: Annotated[
        str | None,
        Query(max_length=500, description="The name of a user, an account or a token, the id of a token, or a kind."),
    ] = None,
    action: Annotated[
        str | None,
        Query(pattern=f"^({_ACTIONS})(,({_ACTIONS}))*$", max_length=1000, description="One or several, with commas."),
    ] = None,
    subject: Annotated[
        str | None,
        Query(max_length=500, description="The id or name of what it was done to, as of a device or a token."),
    ] = None,
    limit: Annotated[AskedInteger, Query(ge=1, le=1000, description="Entries a page.")] = 100,
    cursor: Annotated[
        AskedInteger | None, Query(ge=1, le=2**63 - 1, description="`nextCursor` of the page before.")
    ] = None,
) -> Response:
    """Every change by the API, the pages and the command line, but readings.

    An entry is written in the transaction of the change, and stays as it is.
    """
    asked = Asked(
        since=since,
        until=until,
        actor=_without_nul(actor),
        actions=[Action(each) for each in action.split(",")] if action else (),
        subject=_without_nul(subject),
        limit=limit,
        before=cursor,
    )
    async with part_of(request, Database).connection() as connection:
        page = page_of(await fetch_all(connection, *list_question(asked)), asked)
    more = None if page.next_before is None else str(page.next_before)
    return read_answer(request, Entries(items=[_entry_of(row) for row in page.entries], next_cursor=more))


def _without_nul(asked: str | None) -> str | None:
    """PostgreSQL takes none in a text, and the log has none."""
    return asked and asked.replace("\0", "")


def _entry_of(row: EntryRow) -> Entry:
    actor = Actor(kind=row["actor_kind"], name=row["actor_name"], token_id=row["token_id"])
    return Entry(actor=actor, **{name: row[name] for name in Entry.model_fields if name != "actor"})
