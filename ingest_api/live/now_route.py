"""``GET /v1/fleet/now``: what the whole fleet does now."""

from fastapi import APIRouter, Request, Response

from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import PlainRequests
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.live.fleet_watch import FleetWatch
from ingest_api.live.now_schemas import FleetStateNow

router = APIRouter(prefix="/v1/fleet", tags=["fleet"], route_class=PlainRequests)


@router.get(
    "/now",
    summary="What the fleet does now",
    responses=read_responses() | problems(422, 503),
    response_model=FleetStateNow,
)
async def get_fleet_now(request: Request) -> Response:
    """Who reports, who charges, with which power. It is found once a second at most, however many ask."""
    return read_answer(request, FleetStateNow.of(await part_of(request, FleetWatch).now.find()))
