"""``GET /v1/live``: what changes, told as it changes (server-sent events)."""

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from ingest_api.auth.callers import SignedIn, caller_of
from ingest_api.auth.gate import Gate
from ingest_api.http.ending import Ending
from ingest_api.http.head_requests import is_head
from ingest_api.http.openapi import problems, success_headers
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import PlainRequests, any_of
from ingest_api.http.wire import read_rfc3339
from ingest_api.live.fleet_watch import FleetWatch
from ingest_api.live.listeners import NOT_SEEN_FOR, Key, Listener
from warehouse.contract.errors import FleetwattError, InvalidRequestError
from warehouse.contract.readings import DEVICE_ID_PATTERN
from warehouse.contract.tables import DeviceKind

router = APIRouter(prefix="/v1", tags=["fleet"], route_class=PlainRequests)

MOST_DEVICES = 100
"""Of each kind that one stream tells of."""
COME_BACK_AFTER_MS = 2000
PEOPLE_ASKED_EVERY_S = 4.0
"""Whether a person is still signed in is asked of the database; of a token each process knows it."""
_EXAMPLE = """event: vehicle
data: {"vehicleId":"veh-1","kwhDeliveredDc":8123.456,"soc":63.5,"status":"online","powerKw":6.524,...}

event: fleet
data: {"at":"2026-02-08T12:00:00.000Z","vehicles":{"online":9874,...},"acKw":16211.5,...}
id: 2026-02-08T12:00:00.123456Z
retry: 2000
"""
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events without end: `vehicle` and `meter` with a device's state, `fleet` with what all of it "
        "does, and a comment where there is nothing to tell.",
        "headers": success_headers(),
        "content": {EventSourceResponse.media_type: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}

Devices = Annotated[
    str | None,
    Query(pattern=any_of([DEVICE_ID_PATTERN]), description=f"Ids with commas between them, {MOST_DEVICES} at most."),
]


def _require_room(request: Request) -> None:
    """Before the answer begins: a stream that has begun can only be ended."""
    for listed in request.query_params.values():
        if listed.count(",") >= MOST_DEVICES:
            raise InvalidRequestError(f"at most {MOST_DEVICES} devices of each kind can be asked for")
    part_of(request, FleetWatch).listeners.require_room()


@router.get(
    "/live",
    summary="What changes, as it changes",
    response_class=EventSourceResponse,
    responses=_STREAM | problems(422, 503),
    dependencies=[Depends(_require_room)],
)
async def get_live(
    request: Request,
    vehicles: Devices = None,
    meters: Devices = None,
    last_event_id: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="As the browser sends it: go on from there."),
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Every two seconds what the fleet does (`/v1/fleet/now`), and the state of each of these devices as it changes.

    The first events are the state of all of them; with `Last-Event-ID` of those of which something came in since. The
    stream ends with its token or session, within five seconds, and when the server stops: come back then.
    """
    asked: list[Key] = [
        (kind, external_id)
        for kind, listed in ((DeviceKind.VEHICLE, vehicles), (DeviceKind.METER, meters))
        for external_id in (listed.split(",") if listed else [])
    ]
    if is_head(request.scope):
        return
    async with part_of(request, FleetWatch).listening(Listener(asked, _since(last_event_id))) as listener:
        ending = part_of(request, Ending)
        asks = _StillAsks(request)
        while await asks.may_go_on():
            news = await ending.unless(listener.news())
            if news is None:
                return
            look, changed = news
            for (kind, _), state in changed.items():
                yield ServerSentEvent(raw_data=state, event=kind.value)
            if look.fleet is None:
                yield ServerSentEvent(comment="nothing is known at the moment")
            else:
                yield ServerSentEvent(
                    raw_data=look.fleet,
                    event="fleet",
                    id=None if look.known_until is None else f"{look.known_until:%Y-%m-%dT%H:%M:%S.%fZ}",
                    retry=COME_BACK_AFTER_MS,
                )


def _since(last_event_id: str | None) -> datetime | None:
    """What was stored up to then is known; a little of it is told again. What is no id of ours is none."""
    with suppress(ValueError, OverflowError):
        return read_rfc3339(last_event_id).astimezone(UTC) - NOT_SEEN_FOR
    return None


class _StillAsks:
    """Whether who asked for a stream may still read it."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._asked_at_s = time.monotonic()

    async def may_go_on(self) -> bool:
        """Nobody can say, too, is no."""
        is_person = isinstance(caller_of(self._request.scope), SignedIn)
        if is_person and time.monotonic() - self._asked_at_s < PEOPLE_ASKED_EVERY_S:
            return True
        self._asked_at_s = time.monotonic()
        try:
            await part_of(self._request, Gate).require_still(self._request.scope)
        except FleetwattError:
            return False
        return True
