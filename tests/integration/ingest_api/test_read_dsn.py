"""Dashboards ask where they are told to, by connections of their own: they cannot starve what takes readings in."""

import threading

import httpx
import psycopg
import pytest

from ingest_api.bodies import deadline
from tests.conftest import MakeApi, fresh_database
from tests.factories import meter_payload, vehicle_payload
from warehouse.postgres.connection import connect

SOON_S = 0.2
"""How long a question to a database that does not answer is waited for."""


@pytest.fixture
def mapped(api: httpx.Client) -> httpx.Client:
    assert api.post("/v1/mappings", json={"vehicleId": "veh-1", "meterId": "meter-1"}).status_code == 201
    return api


def test_analytics_are_asked_of_the_database_that_is_named(make_api: MakeApi, server_url: str, template: str) -> None:
    with fresh_database(server_url, template) as elsewhere:
        api = make_api(read_dsn=elsewhere)
        assert api.post("/v1/mappings", json={"vehicleId": "veh-1", "meterId": "meter-1"}).status_code == 201
        assert api.get("/v1/vehicles/veh-1").status_code == 200
        assert api.get("/v1/analytics/performance/veh-1").status_code == 404
        with connect(elsewhere) as replica:
            for kind, external_id in (("meter", "meter-1"), ("vehicle", "veh-1")):
                replica.execute(f"INSERT INTO {kind}s (external_id) VALUES (%s)".encode(), [external_id])
            replica.execute(
                "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (1, 1, '1970-01-01Z')"
            )
        assert api.get("/v1/analytics/performance/veh-1").json()["status"] == "no_readings"


def test_a_replica_that_is_away_costs_dashboards_alone(make_api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api(read_dsn="postgresql://nobody@127.0.0.1:9/nowhere")
    with monkeypatch.context() as patch:
        patch.setattr(deadline, "ANSWER_WITHIN_S", SOON_S)
        assert api.get("/v1/analytics/performance/veh-1").status_code == 503
    assert api.post("/v1/telemetry", json=meter_payload()).status_code == 201
    assert api.post("/v1/mappings", json={"vehicleId": "veh-1", "meterId": "meter-1"}).status_code == 201
    assert api.get("/readyz").status_code == 200


def test_questions_that_hang_leave_telemetry_and_mappings_alone(
    mapped: httpx.Client, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(mapped.base_url)
    answered: list[int] = []

    def ask() -> None:
        answered.append(httpx.get(f"{url}/v1/analytics/performance/veh-1", timeout=20).status_code)

    with connection.transaction():
        connection.execute(
            "LOCK TABLE partition_ledger IN ACCESS EXCLUSIVE MODE"
        )  # every dashboard's first query waits
        dashboards = [threading.Thread(target=ask) for _ in range(20)]
        with monkeypatch.context() as patch:
            patch.setattr(deadline, "ANSWER_WITHIN_S", SOON_S)
            for dashboard in dashboards:
                dashboard.start()
            for dashboard in dashboards:
                dashboard.join()
        assert set(answered) == {503}
        assert mapped.get("/v1/vehicles/veh-1").status_code == 200
    assert mapped.post("/v1/telemetry", json=[meter_payload(), vehicle_payload()]).json()["accepted"] == 2
