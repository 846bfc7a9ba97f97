"""``/v1/corrections``: what people say of false readings. What was received stays; what counts is another thing."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from ingest_api.auth.callers import called, caller_of
from ingest_api.commit.acting import Acting
from ingest_api.corrections.correction_schemas import Correction, Corrections, MadeCorrection, NewCorrection
from ingest_api.http.openapi import problems, success_headers
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.read_answers import read_answer, read_responses
from ingest_api.http.wire import checked_device_id
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.corrections.correction_store import correct_readings, list_corrections

router = APIRouter(prefix="/v1/corrections", tags=["corrections"], route_class=PlainRequests)


@router.post(
    "",
    status_code=201,
    summary="Correct readings of a device",
    responses={
        201: {"description": "Said.", "headers": success_headers()},
        200: {"description": "That is what was said last of these readings.", "model": MadeCorrection},
        **problems(400, 404, 422, 503),
    },
)
async def post_correction(request: Request, response: Response, asked: NewCorrection) -> MadeCorrection:
    """Leaves readings out, or says what they showed; `restore` takes that back. Nothing is rewritten.

    Answers tell how many of their readings were corrected (`flags.corrected`). Closed days are built again.
    """
    wanted = asked.wanted(called(caller_of(request.scope)))
    done = await part_of(request, Acting).do(correct_readings, wanted)
    response.status_code = 201 if done.is_new else 200
    return MadeCorrection.after(done)


@router.get(
    "",
    summary="Corrections of a device, or all",
    responses=read_responses(paged=True) | problems(404, 422, 503),
    response_model=Corrections,
)
async def list_page(
    request: Request,
    device: Annotated[str | None, Query(description="The id that it sends.")] = None,
    kind: Annotated[
        DeviceKind | None, Query(description="Needed where a meter and a vehicle send the same id.")
    ] = None,
    limit: Annotated[AskedInteger, Query(ge=1, le=1000, description="Corrections a page.")] = 100,
    cursor: Annotated[AskedInteger, Query(ge=0, le=2**63 - 1, description="`nextCursor` of the page before.")] = 0,
) -> Response:
    """In the order of their making. Those that were taken back are there too, and so is what took them back."""
    external_id = None if device is None else checked_device_id(device)
    found = await part_of(request, Acting).do(list_corrections, external_id, kind, cursor, limit + 1)
    more = str(found[limit - 1].correction_id) if len(found) > limit else None
    page = Corrections(items=[Correction.of(each) for each in found[:limit]], next_cursor=more)
    return read_answer(request, page)
