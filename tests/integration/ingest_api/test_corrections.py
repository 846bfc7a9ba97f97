"""Corrections over HTTP: what is said, what is refused, and what the 24 h answer says afterwards."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.factories import iso
from tests.integration.ingest_api.charging import DAY, Charging, even
from tests.integration.ingest_api.site import Site, assert_problem, new_id

STEP = timedelta(hours=1)


@pytest.fixture
def charging(site: Site) -> Iterator[Charging]:
    """A day of which the meter's third reading is nonsense that no rule can tell: it counts on from there."""
    charging = Charging(site)
    charging.map()
    registers = even(12.0)
    charging.ac(registers)
    charging.dc(even(10.0))
    yield charging


def reading(site: Site, device: str, place: int) -> tuple[str, float]:
    """The timestamp and the register of one of a device's readings."""
    ts, kwh, *_ = site.stored(device)[place]
    return iso(ts), kwh


def say(site: Site, device: str, **said: Any) -> httpx.Response:
    body = {"device": device, "action": "void", "why": "a test", **said}
    return site.client.post("/v1/corrections", json=body)


def corrections(site: Site, **asked: Any) -> list[dict[str, Any]]:
    answer = site.client.get("/v1/corrections", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_reading_that_is_left_out_is_not_in_the_answer(site: Site, charging: Charging) -> None:
    before = charging.answer()
    ts, _ = reading(site, charging.meter, -1)
    said = say(site, charging.meter, **{"from": ts})
    assert said.status_code == 201, said.text
    made = said.json()
    assert made.pop("id") > 0
    assert made.pop("madeAt")
    assert made == {
        "device": charging.meter,
        "kind": "meter",
        "from": ts.replace("Z", ".000Z"),
        "to": None,
        "action": "void",
        "kwh": None,
        "why": "a test",
        "who": "unknown",
        "readingCount": 1,
        "days": made["days"],
    }
    after = charging.answer()
    last_but_one = reading(site, charging.meter, -2)[1] - reading(site, charging.meter, 0)[1]
    assert after["acKwh"] == pytest.approx(last_but_one, abs=1e-3) != before["acKwh"]
    assert after["flags"]["corrected"] == 1
    assert "corrected" not in before["flags"]


def test_a_replaced_register_shows_the_other_value_and_can_be_restored(site: Site, charging: Charging) -> None:
    before = charging.answer()
    ts, kwh = reading(site, charging.meter, -1)
    assert say(site, charging.meter, **{"from": ts}, action="replace", kwh=kwh + 2).status_code == 201
    assert charging.answer()["acKwh"] == pytest.approx(before["acKwh"] + 2, abs=1e-3)
    assert say(site, charging.meter, **{"from": ts}, action="restore").status_code == 201
    assert charging.answer() == before
    listed = corrections(site, device=charging.meter)
    assert [each["action"] for each in listed] == ["replace", "restore"]
    assert listed[0]["kwh"] == kwh + 2


def test_a_range_of_a_vehicle(site: Site, charging: Charging) -> None:
    first, last = reading(site, charging.vehicle, 0)[0], reading(site, charging.vehicle, -1)[0]
    said = say(site, charging.vehicle, **{"from": first, "to": last})
    assert said.json()["readingCount"] == len(site.stored(charging.vehicle)) - 1
    answer = charging.answer()
    assert (answer["dcKwh"], answer["flags"]["corrected"]) == (0.0, len(site.stored(charging.vehicle)) - 1)


def test_the_same_again_is_answered_by_200(site: Site, charging: Charging) -> None:
    ts, _ = reading(site, charging.meter, 1)
    first, second = (say(site, charging.meter, **{"from": ts}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert len(corrections(site, device=charging.meter)) == 1


def test_a_page_of_corrections_leads_to_the_next_one(site: Site, charging: Charging) -> None:
    for place in range(3):
        say(site, charging.meter, **{"from": reading(site, charging.meter, place)[0]})
    whole = corrections(site, device=charging.meter)
    page = site.client.get("/v1/corrections", params={"device": charging.meter, "limit": 2}).json()
    assert page["items"] == whole[:2]
    rest = site.client.get("/v1/corrections", params={"device": charging.meter, "cursor": page["nextCursor"]}).json()
    assert rest == {"items": whole[2:], "nextCursor": None}


def test_they_are_a_table_too_and_not_sent_again_to_who_has_them(site: Site, charging: Charging) -> None:
    ts, kwh = reading(site, charging.meter, 1)
    say(site, charging.meter, **{"from": ts}, action="replace", kwh=kwh + 2, why="=1+1")
    asked = f"/v1/corrections?device={charging.meter}"
    answer = site.client.get(asked, headers={"Accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["device"], row["from"], row["to"]) == (charging.meter, ts.replace("Z", ".000Z"), "")
    assert (row["action"], float(row["kwh"]), row["why"], row["who"]) == ("replace", kwh + 2, "'=1+1", "unknown")
    known = {"Accept": "text/csv", "If-None-Match": answer.headers["etag"]}
    assert site.client.get(asked, headers=known).status_code == 304
    say(site, charging.meter, **{"from": ts}, action="restore")
    assert site.client.get(asked, headers=known).status_code == 200


def test_a_timestamp_with_microseconds_comes_back_as_it_was_sent(site: Site) -> None:
    meter, ts = new_id("meter"), DAY + timedelta(hours=3, microseconds=123_456)
    site.client.post(
        "/v1/telemetry", json={"meterId": meter, "kwhConsumedAc": 1.0, "voltage": None, "timestamp": iso(ts)}
    )
    said = say(site, meter, **{"from": iso(ts)})
    assert (said.status_code, said.json()["from"]) == (201, iso(ts))


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"device": "nobody-at-all"}, 404, "device_not_known"),
    ({"from": iso(DAY + timedelta(seconds=1))}, 404, "nothing_to_correct"),
    ({"action": "restore"}, 404, "nothing_to_correct"),
    ({"to": iso(DAY - STEP)}, 422, "invalid_request"),
    ({"to": iso(DAY + timedelta(days=32))}, 422, "invalid_request"),
    ({"action": "replace"}, 422, "invalid_request"),
    ({"action": "replace", "kwh": 1e10}, 422, "invalid_request"),
    ({"action": "replace", "kwh": "5"}, 422, "invalid_request"),
    ({"action": "delete"}, 422, "invalid_request"),
    ({"why": ""}, 422, "invalid_request"),
    ({"why": "  "}, 422, "invalid_request"),
    ({"kind": "vehicle"}, 404, "device_not_known"),
    ({"who": "the pope"}, 422, "invalid_request"),
]


@pytest.mark.parametrize(("said", "status", "code"), REFUSED, ids=[f"{number}" for number in range(len(REFUSED))])
def test_what_cannot_be_is_refused(
    site: Site, charging: Charging, said: dict[str, Any], status: int, code: str
) -> None:
    ts, _ = reading(site, charging.meter, 0)
    assert_problem(say(site, said.pop("device", charging.meter), **{"from": ts, **said}), status, code)
    assert corrections(site, device=charging.meter) == []


def test_corrections_of_nobody_are_not_listed_as_none(site: Site) -> None:
    assert_problem(site.client.get("/v1/corrections", params={"device": "nobody-at-all"}), 404, "device_not_known")
