"""``/v1/findings``: what loses energy and which data are wrong, the most expensive first."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BeforeValidator

from ingest_api.database import Database
from ingest_api.findings.finding_schemas import FindingDetails, Findings
from ingest_api.findings.told_findings import find_details, find_page
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests, any_of, read_number
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import AskedDay, checked_device_id, written
from warehouse.contract.findings import ACTIVE, Severity, State
from warehouse.postgres.findings.finding_reads import Asked, Sort

router = APIRouter(prefix="/v1/findings", tags=["findings"], route_class=PlainRequests)

_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
FindingId = Annotated[str, Path(alias="id", pattern=f"^{_UUID}$")]
"""As an answer has it."""
SORTS = {"costPerMonth": Sort.COST_PER_MONTH, "cost": Sort.COST, "kwhPerMonth": Sort.KWH_PER_MONTH} | {
    "points": Sort.POINTS,
    "severity": Sort.SEVERITY,
    "openedOn": Sort.OPENED_ON,
}


@router.get(
    "",
    summary="Findings, the most expensive first",
    responses=read_responses(paged=True) | problems(422, 503),
    response_model=Findings,
)
async def list_findings(  # noqa: PLR0913, PLR0917 - each is a parameter of the query
    request: Request,
    state: Annotated[
        str, Query(pattern=any_of(State), max_length=200, description="One or several, with commas.")
    ] = ",".join(ACTIVE),
    rule: Annotated[
        str | None, Query(pattern=any_of(["R[1-9]"]), max_length=100, description="One or several, with commas.")
    ] = None,
    severity: Annotated[
        str | None,
        Query(pattern=any_of(Severity), max_length=100, description="One or several, with commas."),
    ] = None,
    subject: Annotated[str | None, Query(description="The id of a vehicle or of a meter.")] = None,
    minCostPerMonth: Annotated[  # noqa: N803 - the parameter's public name
        float | None, BeforeValidator(read_number), Query(ge=0, le=1e12, description="It costs this in 30 days.")
    ] = None,
    since: Annotated[AskedDay | None, Query(description="Opened on this day or later.")] = None,
    sort: Annotated[
        str, Query(pattern=f"^({'|'.join(SORTS)})$", description="The most of it comes first, what is unknown last.")
    ] = "costPerMonth",
    limit: Annotated[AskedInteger, Query(ge=1, le=1000, description="Findings a page.")] = 100,
    cursor: Annotated[str, Query(max_length=256, description="`nextCursor` of the page before.")] = "",
) -> Response:
    """Those that nobody has settled, unless asked otherwise. What costs the same is sorted by kWh a month."""
    asked = Asked(
        states=state.split(","),
        rules=rule.split(",") if rule else (),
        severities=severity.split(",") if severity else (),
        subject=None if subject is None else checked_device_id(subject),
        min_cost_per_month=minCostPerMonth,
        since=since,
        sort=SORTS[sort],
        limit=limit,
        cursor=cursor or None,
    )
    async with part_of(request, Database).connection() as connection:
        page = await find_page(connection, asked)
    return read_answer(request, page)


@router.get(
    "/{id}",
    summary="One finding with its evidence and its events",
    responses=problems(404, 422, 503),
    response_model=FindingDetails,
)
async def get_finding(request: Request, finding_id: FindingId) -> Response:
    """All figures, the sessions behind it beside what was expected, and what became of it."""
    async with part_of(request, Database).connection() as connection:
        return written(await find_details(connection, UUID(finding_id)))
