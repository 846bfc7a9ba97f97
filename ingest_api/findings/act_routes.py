"""``POST /v1/findings/{id}/...``: what people do about a finding."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from ingest_api.auth.callers import actor_of, caller_of
from ingest_api.commit.acting import Acting
from ingest_api.findings.act_schemas import FindingAct, FindingAssignment, FindingSnooze
from ingest_api.findings.finding_routes import FindingId
from ingest_api.findings.finding_schemas import Finding
from ingest_api.http.openapi import problem_with, problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import PlainRequests
from ingest_api.http.problems import error_response
from ingest_api.http.wire import written
from warehouse.contract.errors import FindingChangedError
from warehouse.postgres.findings.acts import Act, act_on_finding

router = APIRouter(prefix="/v1/findings/{id}", tags=["findings"], route_class=PlainRequests)

_SAYS = {
    Act.ACKNOWLEDGE: ("Somebody looks after it", "It is told again only when it gets worse."),
    Act.SNOOZE: ("Leave it until later", "Quiet until that instant; then it is open again."),
    Act.ACCEPT: ("Call it normal", "From now on the losses of the pair are compared with what they are now."),
    Act.RESOLVE: ("It is repaired", "What the rules find again comes back by itself."),
    Act.REOPEN: ("Open it again", "From any other state."),
    Act.NOTE: ("Write a note", "In any state; the state stays."),
    Act.ASSIGN: ("Say who is to look after it", "In any state; the state stays."),
}


def _add(act: Act, body: type[FindingAct]) -> None:
    async def handle(request: Request, finding_id: FindingId, asked: FindingAct) -> Response:
        try:
            wanted = asked.request(act, actor_of(caller_of(request.scope), asked.who))
            done = await part_of(request, Acting).do(act_on_finding, UUID(finding_id), wanted)
        except FindingChangedError as error:
            newer = Finding.of(error.finding).model_dump(mode="json", by_alias=True)
            return error_response(request.scope, error, finding=newer)
        return written(Finding.of(done))

    handle.__annotations__["asked"] = body
    summary, description = _SAYS[act]
    route: Callable[[Callable[..., Any]], Any] = router.post(
        f"/{act}",
        name=f"{act}_finding",
        summary=summary,
        description=f"{description} The same again changes nothing.",
        response_model=Finding,
        responses={**problems(400, 404, 422, 503), **problem_with(409, "finding", Finding.__name__)},
    )
    route(handle)


for _act in _SAYS:
    _add(_act, {Act.SNOOZE: FindingSnooze, Act.ASSIGN: FindingAssignment}.get(_act, FindingAct))
