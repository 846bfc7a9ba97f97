"""What changes is told as it changes: to a bounded number of listeners, from one look for all, and to its end."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from ingest_api.live import fleet_watch, listeners, live_route
from ingest_api.live.fleet_now import FleetNow, FleetNows
from tests.conftest import serving
from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.sign_in_site import SignedIn
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem, encode, new_id, until
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, MakeToken, headers
from tests.no_tls import NO_TLS
from warehouse.contract.tokens import Scope
from warehouse.contract.users import Role


class Event(NamedTuple):
    """One of a stream; ``kind`` is empty of a comment."""

    kind: str
    data: dict[str, Any]
    event_id: str


def events(answer: httpx.Response) -> Iterator[Event]:
    """As they come."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif fields:
            yield Event(fields.get("event", ""), json.loads(fields.get("data", "{}")), fields.get("id", ""))
            fields = {}


@contextmanager
def stream(client: httpx.Client, given: dict[str, str] | None = None, **asked: str) -> Iterator[Iterator[Event]]:
    with client.stream("GET", "/v1/live", params=asked, headers=given, timeout=120) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-cache"
        yield events(answer)


def next_of(found: Iterator[Event], kind: str) -> Event:
    return next(event for event in found if event.kind == kind)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """More looks than people need."""
    monkeypatch.setattr(fleet_watch, "LOOK_EVERY_S", 0.05)


def test_the_first_events_are_the_state_of_all_that_is_asked_for(site: Site) -> None:
    vehicle, meter, unknown = new_id("veh"), new_id("meter"), new_id()
    site.send(encode(vehicle_payload(vehicleId=vehicle, soc=12.5)))
    site.client.patch(f"/v1/meters/{meter}", json={})
    with stream(site.client, vehicles=f"{vehicle},{unknown}", meters=meter) as found:
        first = [next(found) for _ in range(3)]
    states = {event.kind: event.data for event in first}
    assert [event.kind for event in first][2] == "fleet"
    assert states["vehicle"].keys() == site.client.get(f"/v1/vehicles/{vehicle}").json().keys()
    assert (states["vehicle"]["vehicleId"], states["vehicle"]["soc"]) == (vehicle, 12.5)
    assert (states["meter"]["meterId"], states["meter"]["status"]) == (meter, "unseen")
    assert states["fleet"].keys() == site.client.get("/v1/fleet/now").json().keys()
    assert first[2].event_id


@pytest.mark.usefixtures("quick")
def test_a_reading_is_told_to_whoever_asked_for_its_device_and_once(site: Site) -> None:
    mine, others = new_id("meter"), new_id("meter")
    with stream(site.client, meters=mine) as found:
        next_of(found, "fleet")
        for device in (others, mine):
            site.send(encode(meter_payload(meterId=device)))
        assert next_of(found, "meter").data["meterId"] == mine
        told = [next(found).kind for _ in range(5)]
    assert told == ["fleet"] * 5


@pytest.mark.usefixtures("quick")
def test_who_comes_back_is_told_what_came_in_since(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_route, "NOT_SEEN_FOR", timedelta(0))
    old, new = new_id("meter"), new_id("meter")
    ts = now_s()
    for device in (old, new):
        site.send(encode(meter_payload(meterId=device, timestamp=iso(ts - timedelta(minutes=1)))))
    asked = f"{old},{new}"
    with stream(site.client, meters=asked) as found:
        last = next_of(found, "fleet").event_id
    site.send(encode(meter_payload(meterId=new, timestamp=iso(ts))))
    with stream(site.client, {"Last-Event-ID": last}, meters=asked) as found:
        first = [next(found), next(found)]
    assert [(event.kind, event.data.get("meterId")) for event in first] == [("meter", new), ("fleet", None)]
    for unknown in ("", "5", "0001-01-01T00:00:00Z", "x" * 100):
        with stream(site.client, {"Last-Event-ID": unknown}, meters=asked) as found:
            assert [next(found).kind for _ in range(3)] == ["meter", "meter", "fleet"]


@pytest.mark.usefixtures("quick")
def test_however_many_listen_the_fleet_is_looked_at_once(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_site()
    monkeypatch.setattr(listeners, "MOST_LISTENERS", 5)
    looks: list[int] = []
    look = fleet_watch.FleetWatch._look

    async def counted(watch: fleet_watch.FleetWatch, *, is_anew: bool) -> listeners.Look:
        looks.append(len(watch.listeners))
        return await look(watch, is_anew=is_anew)

    monkeypatch.setattr(fleet_watch.FleetWatch, "_look", counted)
    with ExitStack() as stack:
        streams = [stack.enter_context(stream(site.client)) for _ in range(5)]
        for found in streams:
            next_of(found, "fleet")
        until(lambda: looks[-1] == 5)
        problem = assert_problem(site.client.get("/v1/live"), 503, "overloaded")
        assert "5 streams are open" in problem["detail"]
        before = len(looks)
        for found in streams:
            for _ in range(10):
                next_of(found, "fleet")
        assert len(looks) - before < 5 * 10
    until(lambda: has_room(site))


def has_room(site: Site) -> bool:
    with site.client.stream("GET", "/v1/live") as answer:
        return answer.status_code == 200


def test_it_ends_when_the_server_stops(database_url: str) -> None:
    begun, ended = threading.Event(), threading.Event()

    def listen(base_url: httpx.URL) -> None:
        with httpx.Client(base_url=base_url, verify=NO_TLS) as client, stream(client) as found:
            next_of(found, "fleet")
            begun.set()
            for _ in found:
                pass
        ended.set()

    with serving(database_url=database_url) as api:
        thread = threading.Thread(target=listen, args=[api.base_url])
        thread.start()
        assert begun.wait(120)
    thread.join(120)
    assert ended.is_set()


@pytest.mark.usefixtures("quick")
def test_a_stream_ends_with_its_token(closed: Site, make_token: MakeToken) -> None:
    token = make_token(Scope.READ)
    with stream(closed.client, headers(token)) as found:
        next_of(found, "fleet")
        revoked = closed.client.post(f"/v1/tokens/{token.token_id}/revoke", headers=headers(ADMIN_TOKEN))
        assert revoked.status_code == 200
        for _ in found:
            pass
    assert_problem(closed.client.get("/v1/live", headers=headers(token)), 401, "token_invalid")


@pytest.mark.usefixtures("quick")
def test_and_with_the_session_of_a_person(closed: Site, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_route, "PEOPLE_ASKED_EVERY_S", 0.1)
    browser = signed_in(Role.VIEWER)
    with browser.client.stream("GET", "/v1/live", timeout=120) as answer:
        found = events(answer)
        next_of(found, "fleet")
        closed.connection.execute("DELETE FROM user_sessions")
        for _ in found:
            pass


def test_who_may_not_read_may_not_listen(closed: Site, make_token: MakeToken) -> None:
    assert_problem(closed.client.get("/v1/live"), 401, "token_missing")
    token = make_token(Scope.INGEST)
    assert_problem(closed.client.get("/v1/live", headers=headers(token)), 403, "scope_missing")


@pytest.mark.usefixtures("quick")
def test_while_the_database_is_away_the_stream_goes_on_and_says_so(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site()
    with stream(site.client) as found:
        next_of(found, "fleet")
        broken = threading.Event()
        look = FleetNows.find

        async def find(now: FleetNows) -> FleetNow:
            if broken.is_set():
                raise ZeroDivisionError
            return await look(now)

        monkeypatch.setattr(FleetNows, "find", find)
        broken.set()
        next_of(found, "")
        broken.clear()
        next_of(found, "fleet")


@pytest.mark.parametrize(
    "asked", [{"vehicles": ""}, {"vehicles": "a,"}, {"meters": "-a"}, {"vehicles": ",".join("a" * 101)}, {"x": "1"}]
)
def test_what_cannot_be_asked_is_refused(site: Site, asked: dict[str, str]) -> None:
    assert_problem(site.client.get("/v1/live", params=asked), 422, "invalid_request")


def test_head_is_answered_and_not_kept(site: Site) -> None:
    answer = site.client.head("/v1/live")
    assert (answer.status_code, answer.content) == (200, b"")
