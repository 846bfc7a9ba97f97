"""Lists of devices that are filtered and sorted, whole over any number of pages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from ingest_api.registry.device_lists import Asked, list_question
from tests.conftest import fresh_database
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem
from tests.integration.ingest_api.test_charging import pages
from tests.integration.ingest_api.test_performance_plan import scans
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect

VEHICLES = {
    # id: how old its newest reading is, in minutes, the step before it in kWh, its charge, model, name
    "a-charging": (1, 0.2, 40.0, "Van", "Ann's van"),
    "B-standing": (2, 0.0, 80.0, "Van", "50%_off"),
    "c-ticking": (1, 0.01, None, None, None),
    "d-stale": (10, 0.2, 20.0, "Truck", "<b>bold</b>"),
    "e-offline": (60, 0.2, 20.0, "Truck", None),
    "f-unseen": (None, None, None, "Truck", "é"),
}


LABELS = {
    "a-charging": {"site": "North", "tags": ["van", "night"]},
    "B-standing": {"site": "South", "tags": ["van"]},
}


@pytest.fixture(scope="module")
def fleet(make_site: MakeSite) -> Site:
    site = make_site()
    for name, (minutes, growth, soc, model, display) in VEHICLES.items():
        ((vehicle_id,),) = site.rows(
            "INSERT INTO vehicles (external_id, model, display_name) VALUES (%s, %s, %s) RETURNING vehicle_id",
            [name, model, display],
        )
        if minutes is not None and growth is not None:
            ts = datetime.now(UTC) - timedelta(minutes=minutes)
            site.connection.execute(
                "INSERT INTO vehicle_latest (vehicle_id, ts, kwh, soc_percent, received_at, step_from, step_from_kwh) "
                "VALUES (%s, %s, %s, %s, %s, %s, 10)",
                [vehicle_id, ts, 10 + (growth or 0), soc, ts, ts - timedelta(minutes=1)],
            )
        site.client.patch(f"/v1/vehicles/{name}", json=LABELS.get(name, {}))
    return site


def found(fleet: Site, **asked: Any) -> str:
    """The first letters, in order."""
    items = [item for page in pages(fleet, "/v1/vehicles", **asked) for item in page]
    return "".join(item["vehicleId"][0] for item in items)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "Bacdef"),
        ({"status": "online"}, "Bac"),
        ({"status": "stale"}, "d"),
        ({"status": "offline,unseen"}, "ef"),
        ({"status": "charging"}, "a"),
        ({"status": "charging,offline"}, "ae"),
        ({"search": "STAND"}, "B"),
        ({"search": "ann's"}, "a"),
        ({"search": "%_"}, "B"),
        ({"search": "<b>"}, "d"),
        ({"search": "É"}, "f"),
        ({"search": "nothing"}, ""),
        ({"model": "Van"}, "Ba"),
        ({"model": "van"}, ""),
        ({"site": "North"}, "a"),
        ({"site": "north"}, ""),
        ({"tag": "van"}, "Ba"),
        ({"tag": "night", "site": "South"}, ""),
        ({"model": "Truck", "status": "stale,unseen"}, "df"),
    ],
)
def test_a_list_has_those_that_are_asked_for(fleet: Site, asked: dict[str, str], expected: str) -> None:
    assert found(fleet, **asked) == expected
    assert found(fleet, **asked, limit=1) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("id", "Bacdef"),
        ("-id", "fedcaB"),
        ("power", "BcadeF".lower().replace("b", "B")),
        ("-power", "acBdef"),
        ("soc", "deaBcf"),
        ("-soc", "Badecf"),
        ("lastSeen", "edBacf"),
        ("-lastSeen", "caBdef"),
        ("model", "defBac"),
        ("-model", "Badefc"),
        ("site", "aBcdef"),
        ("-site", "Bacdef"),
        ("name", "Bdafce"),
        ("-name", "fadBce"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_list_is_sorted_with_what_is_unknown_last_over_any_number_of_pages(
    fleet: Site, sort: str, expected: str, limit: int
) -> None:
    assert found(fleet, sort=sort, limit=limit) == expected


def test_what_it_does_now_stands_beside_each(fleet: Site) -> None:
    items = {item["vehicleId"][0]: item for item in fleet.client.get("/v1/vehicles").json()["items"]}
    assert {name: (item["status"], item["isCharging"]) for name, item in items.items()} == {
        "a": ("online", True),
        "B": ("online", False),
        "c": ("online", False),
        "d": ("stale", False),
        "e": ("offline", False),
        "f": ("unseen", False),
    }
    assert {name: item["powerKw"] for name, item in items.items()} == {
        **{"a": 12.0, "B": 0.0, "c": 0.6},
        **{"d": None, "e": None, "f": None},
    }


def test_what_cannot_be_asked_is_refused(fleet: Site) -> None:
    power = fleet.client.get("/v1/vehicles", params={"sort": "power", "limit": 1}).json()["nextCursor"]
    for asked in (
        {"sort": "age"},
        {"sort": "--id"},
        {"status": "on"},
        {"status": "online,"},
        {"search": ""},
        {"search": "a\0"},
        {"model": "a" * 201},
        {"sort": "power", "cursor": "a-charging"},
        {"sort": "-power", "cursor": power},
        {"sort": "name", "cursor": power},
        {"sort": "power", "cursor": "WyJwb3dlciIsICJhIiwgImEiXQ=="},
        {"sort": "power", "cursor": "WyJwb3dlciIsIHRydWUsICJhIl0="},
        {"sort": "power", "cursor": "bnVsbA=="},
    ):
        assert_problem(fleet.client.get("/v1/vehicles", params=asked), 422, "invalid_request")
    assert_problem(fleet.client.get("/v1/meters", params={"sort": "soc"}), 422, "invalid_request")


class TestTenThousand:
    """How PostgreSQL finds a page of a large fleet."""

    @pytest.fixture(scope="class")
    @staticmethod
    def large(server_url: str, template: str) -> Iterator[psycopg.Connection]:
        with fresh_database(server_url, template) as url, connect(url) as connection:
            connection.execute(
                "INSERT INTO vehicles (external_id, model, display_name) "
                "SELECT 'veh-' || n, 'model ' || n % 7, 'bay ' || n FROM generate_series(1, 10000) AS n"
            )
            connection.execute(
                "INSERT INTO vehicle_latest (vehicle_id, ts, kwh, received_at, step_from, step_from_kwh) SELECT "
                "vehicle_id, now(), 10, now(), now() - INTERVAL '1 minute', 9.9 FROM vehicles"
            )
            connection.execute("VACUUM ANALYZE")
            yield connection

    def explain(self, connection: psycopg.Connection, asked: Asked) -> dict[str, Any]:
        statement, parameters = list_question(DeviceKind.VEHICLE, asked, datetime.now(UTC))
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + statement, parameters)
            ((plan,),) = cursor.fetchall()
        top: dict[str, Any] = plan[0]["Plan"]
        return top

    def test_the_plain_list_reads_its_page_alone(self, large: psycopg.Connection) -> None:
        for asked in (Asked(), Asked(cursor="veh-5"), Asked(sort="-id")):
            plan = self.explain(large, asked)
            (devices,) = [node for node in scans(plan) if node["Relation Name"] == "vehicles"]
            assert devices["Index Name"] == "vehicles_external_id_key"
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 800

    def test_any_other_reads_each_device_once(self, large: psycopg.Connection) -> None:
        for asked in (
            Asked(sort="-power"),
            Asked(search="bay 777", sort="name"),
            Asked(statuses=["charging"], model="model 3", sort="lastSeen"),
            Asked(search="nobody"),
        ):
            plan = self.explain(large, asked)
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 3000, asked
