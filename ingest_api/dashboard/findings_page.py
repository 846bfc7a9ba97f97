"""``/findings``: what loses energy and which data are wrong, beside one of them with its evidence."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from ingest_api.dashboard.dot_charts import efficiency_chart, standby_chart
from ingest_api.dashboard.finding_filter import FindingFilter
from ingest_api.dashboard.shell import PageRoute, looker_of, show
from ingest_api.database import Database
from ingest_api.findings.finding_routes import SORTS, FindingId
from ingest_api.findings.told_findings import find_details, find_page
from ingest_api.http.parts import part_of
from warehouse.contract.findings import Rule, Severity, State
from warehouse.postgres.findings.acts import acts_in

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/findings")
async def get_findings(request: Request) -> Response:
    """The list alone."""
    return await _show(request, None)


@router.get("/findings/{id}")
async def get_finding(request: Request, finding_id: FindingId) -> Response:
    """One of them beside the list that it was chosen from; on a narrow screen it stands alone."""
    return await _show(request, UUID(finding_id))


async def _show(request: Request, finding_id: UUID | None) -> Response:
    asked = FindingFilter.of(request.query_params)
    looker = await looker_of(request)
    async with part_of(request, Database).connection() as connection:
        page = await find_page(connection, asked.asked())
        chosen = await find_details(connection, finding_id) if finding_id else None
    costs = [each for each in page.items if each.cost_per_month is not None]
    currencies = {each.currency for each in costs}
    return await show(
        request,
        "findings.html",
        looker,
        filter=asked,
        page=page,
        cost=sum(each.cost_per_month or 0.0 for each in costs),
        currency=currencies.pop() if len(currencies) == 1 else None,
        chosen=chosen,
        acts=acts_in(chosen.state) if chosen else (),
        efficiency=efficiency_chart(chosen) if chosen else None,
        standby=standby_chart(chosen) if chosen else None,
        states=State,
        severities=tuple(reversed(Severity)),
        rules=sorted(Rule),
        sorts=tuple(SORTS),
    )
