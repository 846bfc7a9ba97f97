"""A vehicle's sessions and a meter's standby, as the API answers them from what was released."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

import pytest

from tests.copied_charging import DAY, charging_day, session, standby
from tests.integration.ingest_api.site import Site, assert_problem, new_id
from warehouse.postgres.charging.charging_store import replace_day
from warehouse.postgres.charging.copied_rows import lock_charging

_days = count()


class Pair(NamedTuple):
    """A vehicle at a meter: how they are called, and their ids in the database."""

    vehicle: str
    meter: str
    vehicle_id: int
    meter_id: int


@pytest.fixture
def pair(site: Site) -> Pair:
    vehicle, meter = new_id("veh"), new_id("meter")
    site.client.post("/v1/mappings", json={"vehicleId": vehicle, "meterId": meter})
    ((vehicle_id, meter_id),) = site.rows(
        "SELECT vehicle_id, meter_id FROM vehicle_meter_map JOIN vehicles USING (vehicle_id) WHERE external_id = %s",
        [vehicle],
    )
    return Pair(vehicle, meter, vehicle_id, meter_id)


def release(site: Site, sessions: Sequence[dict[str, Any]], of_meters: Sequence[dict[str, Any]] = ()) -> str:
    """A day of its own has these; returns it."""
    day = DAY + timedelta(days=next(_days))
    with site.connection.transaction():
        lock_charging(site.connection)
        replace_day(site.connection, charging_day(day, sessions, of_meters))
    return day.isoformat()


def charges(pair: Pair, number: int) -> list[dict[str, Any]]:
    """One an hour, the first two end at once."""
    first = session()["ended_at"]
    return [
        session(
            session_id=f"{pair.meter}-{each}",
            vehicle_id=pair.vehicle_id,
            meter_id=pair.meter_id,
            ended_at=first + timedelta(hours=max(1, each), microseconds=7),
        )
        for each in range(number)
    ]


def pages(site: Site, path: str, /, **asked: Any) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = site.client.get(path, params={**asked, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["nextCursor"]
    return found


def test_a_session_is_written_with_both_sides(site: Site, pair: Pair) -> None:
    (charge,) = charges(pair, 1)
    day = release(site, [charge | {"ac_flags": "jump,rebase", "soc_start_percent": None, "ac_kwh": 10.00049}])
    (found,) = site.client.get(f"/v1/vehicles/{pair.vehicle}/sessions").json()["items"]
    assert found == {
        "sessionId": f"{pair.meter}-0",
        "kind": "charge",
        "vehicleId": pair.vehicle,
        "meterId": pair.meter,
        "day": day,
        "startedAt": "2026-02-08T10:00:00.000Z",
        "endedAt": "2026-02-08T12:00:00.000Z",
        "acKwh": 10.0,
        "dcKwh": 9.0,
        "efficiencyRatio": 0.9,
        "acHours": 1.0,
        "dcHours": 1.0,
        "acMeanKw": 10.0,
        "dcMeanKw": 9.0,
        "acPlateauKw": 10.5,
        "dcPlateauKw": 9.5,
        "meanVoltage": 230.0,
        "socStart": None,
        "socEnd": 60.0,
        "meanBatteryTemp": 21.0,
        "acCoverage": 1.0,
        "dcCoverage": 0.95,
        "acFlags": ["jump", "rebase"],
        "dcFlags": [],
        "isQualified": True,
    }


def test_sessions_come_newest_first_each_on_one_page(site: Site, pair: Pair) -> None:
    release(site, charges(pair, 7))
    path = f"/v1/vehicles/{pair.vehicle}/sessions"
    expected = [f"{pair.meter}-{each}" for each in reversed(range(7))]
    for limit in (1, 2, 6, 7, 100):
        found = pages(site, path, limit=limit)
        assert [each["sessionId"] for page in found for each in page] == expected
        assert {len(page) for page in found[:-1]} <= {limit}
    assert pages(site, f"/v1/vehicles/{pair.vehicle}/sessions", limit=2, to="2026-02-08T13:00:00Z") == [
        [each for page in pages(site, path) for each in page][-2:]
    ]


def test_sessions_are_asked_for_by_when_they_ended(site: Site, pair: Pair) -> None:
    release(site, [each | {"ended_at": each["ended_at"].replace(microsecond=0)} for each in charges(pair, 5)])
    path = f"/v1/vehicles/{pair.vehicle}/sessions"
    asked = {"from": "2026-02-08T13:00:00Z", "to": "2026-02-08T15:00:00Z"}
    found = site.client.get(path, params=asked).json()["items"]
    assert [each["endedAt"][11:16] for each in found] == ["14:00", "13:00"]
    assert site.client.get(path, params={"from": asked["to"], "to": asked["from"]}).json()["items"] == []


def test_standby_comes_by_day_newest_first(site: Site, pair: Pair) -> None:
    days = [release(site, [], [standby(meter_id=pair.meter_id, idle_watts=watts)]) for watts in (None, 1.234, 2.0, 3.0)]
    path = f"/v1/meters/{pair.meter}/standby"
    for limit in (1, 3, 4, 100):
        assert [each["day"] for page in pages(site, path, limit=limit) for each in page] == days[::-1]
    found = site.client.get(path, params={"from": days[0], "to": days[2]}).json()
    assert found["nextCursor"] is None
    assert found["items"] == [
        {
            "day": day,
            "idleWatts": watts,
            "idleHours": 20.0,
            "idleKwh": 0.24,
            "betweenKwh": 0.01,
            "sessionKwh": 10.0,
        }
        for day, watts in ((days[1], 1.23), (days[0], None))
    ]


def test_a_device_without_any_has_an_empty_page_and_an_unknown_one_none(site: Site, pair: Pair) -> None:
    for path in (f"/v1/vehicles/{pair.vehicle}/sessions", f"/v1/meters/{pair.meter}/standby"):
        assert site.client.get(path).json() == {"items": [], "nextCursor": None}
    assert_problem(site.client.get("/v1/vehicles/nobody/sessions"), 404, "vehicle_not_found")
    assert_problem(site.client.get("/v1/meters/nobody/standby"), 404, "meter_not_found")
    assert_problem(site.client.get("/v1/meters/-/standby"), 422, "invalid_request")


@pytest.mark.parametrize(
    "asked",
    [
        {"cursor": "x"},
        {"cursor": "~"},
        {"cursor": "2026-02-30T00:00:00Z~a"},
        {"cursor": "2026-02-30"},
        {"from": "5"},
        {"to": "2026-02-08 10:00"},
        {"from": "2026-2-8"},
        {"to": "1969-12-31"},
        {"limit": "0"},
    ],
)
def test_what_cannot_be_asked_is_refused(site: Site, pair: Pair, asked: dict[str, str]) -> None:
    for path in (f"/v1/vehicles/{pair.vehicle}/sessions", f"/v1/meters/{pair.meter}/standby"):
        assert_problem(site.client.get(path, params=asked), 422, "invalid_request")


def test_a_cursor_with_a_nul_is_no_defect(site: Site, pair: Pair) -> None:
    asked = {"cursor": "2026-02-08T10:00:00Z~a\0"}
    assert site.client.get(f"/v1/vehicles/{pair.vehicle}/sessions", params=asked).status_code == 200
