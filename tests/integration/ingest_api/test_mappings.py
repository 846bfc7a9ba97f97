"""Which meter feeds which vehicle, and when: effective-dated, one meter at a time, all of a request or nothing."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.factories import iso, now_s, vehicle_payload
from tests.integration.ingest_api.site import Site, assert_problem, encode, new_id
from warehouse import sqlfiles
from warehouse.postgres.connection import connect

SINCE_ALWAYS = "1970-01-01T00:00:00.000Z"
HOUR = timedelta(hours=1)


def new_mapping(vehicle: str, meter: str, valid_from: datetime | None = None) -> dict[str, str]:
    body = {"vehicleId": vehicle, "meterId": meter}
    return body if valid_from is None else {**body, "validFrom": iso(valid_from)}


def post(site: Site, body: Any) -> httpx.Response:
    return site.client.post("/v1/mappings", json=body)


def made(site: Site, *of: Any) -> dict[str, Any]:
    """A mapping that must be new."""
    answer = post(site, new_mapping(*of))
    assert answer.status_code == 201, answer.text
    mapping: dict[str, Any] = answer.json()
    return mapping


def mappings(site: Site, **asked: Any) -> list[dict[str, Any]]:
    answer = site.client.get("/v1/mappings", params=asked)
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_recent(text: str) -> bool:
    return timedelta(0) <= datetime.now(UTC) - instant(text) < timedelta(minutes=1)


@pytest.fixture
def vehicle() -> str:
    return new_id("veh")


@pytest.fixture
def meter() -> str:
    return new_id("meter")


class TestDefaultBeginning:
    def test_since_always_where_neither_side_was_ever_mapped(self, site: Site, vehicle: str, meter: str) -> None:
        mapping = made(site, vehicle, meter)
        assert mapping.pop("id") > 0
        assert mapping == {"vehicleId": vehicle, "meterId": meter, "validFrom": SINCE_ALWAYS, "validTo": None}

    def test_now_where_the_vehicle_was_mapped(self, site: Site, vehicle: str, meter: str) -> None:
        made(site, vehicle, meter)
        assert is_recent(made(site, vehicle, new_id("meter"))["validFrom"])

    def test_now_where_the_meter_was_mapped(self, site: Site, vehicle: str, meter: str) -> None:
        made(site, new_id("veh"), meter)
        assert is_recent(made(site, vehicle, meter)["validFrom"])

    def test_now_where_both_were_mapped_and_even_where_all_that_has_ended(
        self, site: Site, vehicle: str, meter: str
    ) -> None:
        for ended in (made(site, vehicle, new_id("meter")), made(site, new_id("veh"), meter)):
            site.client.delete(f"/v1/mappings/{ended['id']}")
        assert is_recent(made(site, vehicle, meter)["validFrom"])

    def test_devices_that_exist_but_were_never_mapped_count_as_never_mapped(
        self, site: Site, vehicle: str, meter: str
    ) -> None:
        site.client.patch(f"/v1/vehicles/{vehicle}", json={})
        site.client.patch(f"/v1/meters/{meter}", json={})
        assert made(site, vehicle, meter)["validFrom"] == SINCE_ALWAYS


def test_both_devices_are_registered(site: Site, vehicle: str, meter: str) -> None:
    made(site, vehicle, meter)
    assert site.client.get(f"/v1/vehicles/{vehicle}").json()["timestamp"] is None
    assert site.client.get(f"/v1/meters/{meter}").json()["timestamp"] is None


def test_a_new_mapping_closes_the_open_one_where_it_begins(site: Site, vehicle: str, meter: str) -> None:
    first = made(site, vehicle, meter)
    second = made(site, vehicle, new_id("meter"), now_s() - HOUR)
    third = made(site, vehicle, meter, now_s() + HOUR)
    assert mappings(site, vehicleId=vehicle) == [
        {**first, "validTo": second["validFrom"]},
        {**second, "validTo": third["validFrom"]},
        third,
    ]


def test_the_same_mapping_again_is_no_new_one(site: Site, vehicle: str, meter: str) -> None:
    mapping = made(site, vehicle, meter, now_s() - HOUR)
    for again in (new_mapping(vehicle, meter), new_mapping(vehicle, meter, now_s()), {**mapping, "id": None}):
        answer = post(site, again)
        assert (answer.status_code, answer.json()) == (200, mapping)
    assert mappings(site, vehicleId=vehicle) == [mapping]


def test_a_mapping_that_was_made_by_default_can_be_sent_back_as_it_was_answered(
    site: Site, vehicle: str, meter: str
) -> None:
    made(site, vehicle, meter)
    for _ in range(5):
        mapping = made(site, vehicle, new_id("meter"))
        answer = post(site, new_mapping(vehicle, mapping["meterId"], instant(mapping["validFrom"])))
        assert (answer.status_code, answer.json()) == (200, mapping)


def test_a_mapping_may_begin_where_the_ended_one_was_said_to_end(site: Site, vehicle: str, meter: str) -> None:
    for _ in range(5):
        made(site, vehicle, meter)
        ended = site.client.delete(f"/v1/mappings/{mappings(site, vehicleId=vehicle)[-1]['id']}").json()
        following = made(site, vehicle, meter, instant(ended["validTo"]))
        assert following["validFrom"] == ended["validTo"]
        site.client.delete(f"/v1/mappings/{following['id']}")


OVERLAPS: dict[str, Callable[[datetime], tuple[datetime, datetime | None]]] = {
    "inside a closed one": lambda now: (now - 2 * HOUR, None),
    "at the beginning of a closed one": lambda now: (now - 3 * HOUR, None),
    "before a closed one": lambda now: (now - 9 * HOUR, None),
    "before one to come": lambda now: (now, None),
}


@pytest.mark.parametrize("name", OVERLAPS)
def test_what_would_overlap_a_closed_or_future_mapping_is_refused(
    site: Site, vehicle: str, meter: str, name: str
) -> None:
    now = now_s()
    closed = made(site, vehicle, meter, now - 3 * HOUR)
    future = made(site, vehicle, new_id("meter"), now + HOUR)
    before = mappings(site, vehicleId=vehicle)
    assert before == [{**closed, "validTo": future["validFrom"]}, future]
    valid_from, _ = OVERLAPS[name](now)
    other = new_id("meter")
    problem = assert_problem(post(site, new_mapping(vehicle, other, valid_from)), 409, "mapping_overlap")
    assert vehicle in problem["detail"]
    assert mappings(site, vehicleId=vehicle) == before
    assert not site.is_registered(other)


def test_without_a_beginning_a_future_mapping_is_in_the_way(site: Site, vehicle: str, meter: str) -> None:
    made(site, vehicle, meter, now_s() + HOUR)
    assert_problem(post(site, new_mapping(vehicle, meter)), 409, "mapping_overlap")


def test_two_vehicles_may_share_a_meter(site: Site, meter: str) -> None:
    made(site, new_id("veh"), meter)
    made(site, new_id("veh"), meter)
    assert [mapping["validTo"] for mapping in mappings(site, meterId=meter)] == [None, None]


class TestArrays:
    def test_a_fleet_is_provisioned_in_the_order_of_the_request(self, site: Site) -> None:
        pairs = [(new_id("veh"), new_id("meter")) for _ in range(300)]
        answer = post(site, [new_mapping(*pair) for pair in reversed(pairs)])
        assert answer.status_code == 201
        assert answer.json()["created"] == 300
        assert [(item["vehicleId"], item["meterId"]) for item in answer.json()["items"]] == pairs[::-1]
        assert {item["validFrom"] for item in answer.json()["items"]} == {SINCE_ALWAYS}
        again = post(site, [new_mapping(*pair) for pair in pairs])
        assert (again.status_code, again.json()["created"]) == (200, 0)
        assert again.json()["items"] == answer.json()["items"][::-1]

    def test_what_is_there_already_and_what_is_new_may_be_mixed(self, site: Site, vehicle: str, meter: str) -> None:
        current = made(site, vehicle, meter)
        answer = post(
            site,
            [new_mapping(vehicle, meter), new_mapping(new_id("veh"), new_id("meter")), new_mapping(vehicle, meter)],
        )
        assert (answer.status_code, answer.json()["created"]) == (201, 1)
        assert [item == current for item in answer.json()["items"]] == [True, False, True]

    def test_a_vehicles_whole_life_fits_in_one_array(self, site: Site, vehicle: str) -> None:
        meters = [new_id("meter") for _ in range(3)]
        begins = [now_s() + hours * HOUR for hours in (-5, -1, 3)]
        answer = post(site, [new_mapping(vehicle, *each) for each in zip(meters, begins, strict=True)])
        assert answer.status_code == 201
        items = mappings(site, vehicleId=vehicle)
        assert items == answer.json()["items"]
        assert [item["validTo"] for item in items] == [items[1]["validFrom"], items[2]["validFrom"], None]

    def test_one_that_overlaps_leaves_nothing_of_the_others(self, site: Site, vehicle: str, meter: str) -> None:
        current = made(site, vehicle, meter, now_s() + HOUR)
        innocent = new_id("veh")
        body = [
            new_mapping(innocent, new_id("meter")),
            new_mapping(vehicle, new_id("meter")),
            new_mapping(new_id("veh"), meter),
        ]
        assert_problem(post(site, body), 409, "mapping_overlap")
        assert mappings(site, vehicleId=innocent) == []
        assert not site.is_registered(innocent)
        assert mappings(site, vehicleId=vehicle) == [current]

    def test_one_that_is_invalid_leaves_nothing_of_the_others(self, site: Site, vehicle: str, meter: str) -> None:
        assert_problem(post(site, [new_mapping(vehicle, meter), {"vehicleId": vehicle}]), 422, "invalid_request")
        assert not site.is_registered(vehicle)

    def test_an_empty_array_is_nothing(self, site: Site) -> None:
        answer = post(site, [])
        assert (answer.status_code, answer.json()) == (200, {"created": 0, "items": []})

    def test_ten_thousand_is_the_most(self, site: Site, vehicle: str, meter: str) -> None:
        assert_problem(post(site, [new_mapping(vehicle, meter)] * 10_001), 422, "invalid_request")
        assert post(site, [new_mapping(vehicle, meter)] * 10_000).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"vehicleId": ...},
        {"meterId": ...},
        {"vehicleId": ""},
        {"vehicleId": "-v"},
        {"vehicleId": "v" * 65},
        {"vehicleId": "v\n"},
        {"meterId": "with space"},
        {"meterId": None},
        {"meterId": 5},
        {"validFrom": "2026-02-08T12:00:00"},
        {"validFrom": "2026-02-08 12:00:00Z"},
        {"validFrom": "2026-02-08"},
        {"validFrom": "yesterday"},
        {"validFrom": ""},
        {"validFrom": 5},
        {"validFrom": 1770000000000},
        {"validFrom": True},
        {"validFrom": "0001-01-01T00:00:00Z"},
        {"validFrom": "1969-12-31T23:59:59Z"},
        {"validFrom": "2200-01-01T00:00:01Z"},
        {"validFrom": "9999-12-31T23:59:59-12:00"},
    ],
    ids=str,
)
def test_an_invalid_wish_is_refused(site: Site, change: dict[str, Any]) -> None:
    body = {**new_mapping(new_id("veh"), new_id("meter")), **change}
    problem = assert_problem(
        post(site, {name: value for name, value in body.items() if value is not ...}), 422, "invalid_request"
    )
    assert [error["pointer"] for error in problem["errors"]] == [f"/body/{next(iter(change))}"]


def test_what_is_wrong_is_said_of_the_shape_that_was_sent(site: Site) -> None:
    good = new_mapping(new_id("veh"), new_id("meter"))
    for body, pointers in (
        ([good, {**good, "meterId": 5}, {}], ["/body/1/meterId", "/body/2/vehicleId", "/body/2/meterId"]),
        ([good, "x"], ["/body/1"]),
        ([[good]], ["/body/0"]),
        ({"items": [good]}, ["/body"]),
        ([good, {**good, "id": 1, "validTo": None, "meterId": ""}], ["/body/1/meterId"]),
        ({**good, "validTo": "2026-02-08T12:00:00Z"}, ["/body"]),
        ([{**good, "validform": None}], ["/body/0"]),
        ("x", ["/body"]),
        (5, ["/body"]),
        (True, ["/body"]),
    ):
        problem = assert_problem(post(site, body), 422, "invalid_request")
        assert [error["pointer"] for error in problem["errors"]] == pointers, body
        for inside in ("validform", "NewMapping", "list["):
            assert inside not in problem["detail"]


def test_a_field_that_stands_twice_is_refused(site: Site) -> None:
    text = json.dumps(new_mapping(new_id("veh"), new_id("meter")))
    for body in (text.replace("{", '{"vehicleId":"other",'), "[" + text.replace("{", '{"meterId":"other",') + "]"):
        answer = site.client.post("/v1/mappings", content=body, headers={"Content-Type": "application/json"})
        assert "a field twice" in assert_problem(answer, 422, "invalid_request")["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"vehicleId":' + b"1" * 5000 + b"}"], ids=len)
def test_a_body_that_is_no_json_is_a_problem(site: Site, body: bytes) -> None:
    answer = site.client.post("/v1/mappings", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422 if not body else 400, "invalid_request" if not body else "malformed_json")


class TestList:
    @pytest.fixture(scope="class")
    @staticmethod
    def shared(site: Site) -> tuple[str, list[dict[str, Any]]]:
        """Seven mappings of one meter; the fourth of a vehicle that has another one besides."""
        meter = new_id("meter")
        items = [made(site, new_id("veh"), meter) for _ in range(7)]
        made(site, items[3]["vehicleId"], new_id("meter"), now_s() + HOUR)
        return meter, mappings(site, meterId=meter)

    def test_by_meter_by_vehicle_and_by_both(self, site: Site, shared: tuple[str, list[dict[str, Any]]]) -> None:
        meter, items = shared
        assert len(items) == 7
        of_vehicle = mappings(site, vehicleId=items[3]["vehicleId"])
        assert len(of_vehicle) == 2
        assert of_vehicle[0] == items[3]
        assert mappings(site, vehicleId=items[3]["vehicleId"], meterId=meter) == [items[3]]
        assert mappings(site, vehicleId=items[2]["vehicleId"], meterId=of_vehicle[1]["meterId"]) == []
        assert mappings(site, vehicleId="nobody") == []

    def test_three_pages(self, site: Site, shared: tuple[str, list[dict[str, Any]]]) -> None:
        meter, items = shared
        pages: list[list[dict[str, Any]]] = []
        cursor: str | None = None
        while not pages or cursor is not None:
            asked = {"meterId": meter, "limit": "3", **({"cursor": cursor} if cursor else {})}
            page = site.client.get("/v1/mappings", params=asked).json()
            pages.append(page["items"])
            cursor = page["nextCursor"]
        assert pages == [items[:3], items[3:6], items[6:]]
        exact = site.client.get("/v1/mappings", params={"meterId": meter, "limit": 7}).json()
        assert exact == {"items": items, "nextCursor": None}

    @pytest.mark.parametrize(
        "asked",
        ["limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=-1", f"cursor={2**63}", "vehicleId=", "meterId=a%20b"],
    )
    def test_a_question_that_makes_no_sense(self, site: Site, asked: str) -> None:
        assert_problem(site.client.get(f"/v1/mappings?{asked}"), 422, "invalid_request")


class TestDelete:
    def test_ends_it_now(self, site: Site, vehicle: str, meter: str) -> None:
        mapping = made(site, vehicle, meter)
        ended = site.client.delete(f"/v1/mappings/{mapping['id']}")
        assert ended.status_code == 200
        assert is_recent(ended.json()["validTo"])
        assert {**ended.json(), "validTo": None} == mapping
        assert mappings(site, vehicleId=vehicle) == [ended.json()]

    def test_again_leaves_it_as_it_is(self, site: Site, vehicle: str, meter: str) -> None:
        mapping = made(site, vehicle, meter)
        first = site.client.delete(f"/v1/mappings/{mapping['id']}").json()
        second = site.client.delete(f"/v1/mappings/{mapping['id']}")
        assert (second.status_code, second.json()) == (200, first)

    def test_an_end_to_come_is_brought_forward(self, site: Site, vehicle: str, meter: str) -> None:
        mapping = made(site, vehicle, meter)
        made(site, vehicle, new_id("meter"), now_s() + HOUR)
        assert is_recent(site.client.delete(f"/v1/mappings/{mapping['id']}").json()["validTo"])

    def test_one_that_has_not_begun_is_removed(self, site: Site, vehicle: str, meter: str) -> None:
        current = made(site, vehicle, meter)
        future = made(site, vehicle, new_id("meter"), now_s() + HOUR)
        answer = site.client.delete(f"/v1/mappings/{future['id']}")
        assert answer.status_code == 200
        assert answer.json()["validTo"] == answer.json()["validFrom"] == future["validFrom"]
        assert mappings(site, vehicleId=vehicle) == [{**current, "validTo": future["validFrom"]}]
        assert_problem(site.client.delete(f"/v1/mappings/{future['id']}"), 404, "mapping_not_found")

    def test_an_unknown_one(self, site: Site) -> None:
        assert_problem(site.client.delete("/v1/mappings/987654321"), 404, "mapping_not_found")
        assert_problem(site.client.delete(f"/v1/mappings/{2**63 - 1}"), 404, "mapping_not_found")

    @pytest.mark.parametrize("name", ["0", "-1", "x", "1.5", str(2**63), "9" * 5000], ids=lambda name: name[:20])
    def test_an_id_that_is_none(self, site: Site, name: str) -> None:
        assert_problem(site.client.delete(f"/v1/mappings/{name}"), 422, "invalid_request")


def test_vehicles_mapped_by_everyone_at_once_have_one_meter_at_a_time(site: Site) -> None:
    vehicles = [new_id("veh") for _ in range(5)]

    def provision(number: int) -> int:
        order = vehicles if number % 2 else vehicles[::-1]
        return post(site, [new_mapping(vehicle, f"contested-{number}") for vehicle in order]).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(provision, range(24)))
    assert statuses <= {201, 409}  # 409: two in one millisecond
    for vehicle in vehicles:
        items = mappings(site, vehicleId=vehicle)
        assert [item["validTo"] for item in items] == [item["validFrom"] for item in items[1:]] + [None]


def test_a_first_reading_does_not_wait_for_whoever_maps_its_vehicle(site: Site) -> None:
    vehicle, meter = new_id("veh"), new_id("meter")
    made(site, vehicle, meter)
    with connect(site.database_url, autocommit=False) as mapper:
        mapper.execute(sqlfiles.load("ingest_api.registry", "lock_vehicles"), {"vehicle_ids": [vehicle]})
        answer = site.client.post("/v1/telemetry", json=vehicle_payload(vehicleId=vehicle), timeout=10)
    assert answer.status_code == 201


def test_a_beginning_with_nanoseconds_is_cut(site: Site, vehicle: str, meter: str) -> None:
    answer = post(site, {**new_mapping(vehicle, meter), "validFrom": "2026-02-08T04:00:00.123999999Z"})
    assert (answer.status_code, answer.json()["validFrom"]) == (201, "2026-02-08T04:00:00.123Z")


def test_a_body_may_begin_with_a_byte_order_mark(site: Site, vehicle: str, meter: str) -> None:
    content = b"\xef\xbb\xbf" + encode(new_mapping(vehicle, meter))
    answer = site.client.post("/v1/mappings", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
