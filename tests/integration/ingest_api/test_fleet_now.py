"""What the fleet does now, from the current state of each device."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from ingest_api.live import fleet_now
from ingest_api.live.fleet_now import summary_question
from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import MakeSite, Site, encode, until
from tests.integration.ingest_api.test_performance_plan import scans
from warehouse.contract.tables import DeviceKind


@pytest.fixture
def now() -> datetime:
    """Of the test: by the age of their newest reading devices are told apart, and a whole run takes minutes."""
    return now_s()


@pytest.fixture
def quiet(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> Site:
    """An API of its own, which looks anew each time."""
    monkeypatch.setattr(fleet_now, "KEPT_FOR_S", 0.0)
    return make_site()


def meter(device: str, registers: Sequence[float], newest: datetime, **fields: Any) -> list[dict[str, Any]]:
    """A reading a minute, the newest at this instant."""
    first = newest - timedelta(minutes=len(registers) - 1)
    return [
        meter_payload(meterId=device, kwhConsumedAc=kwh, timestamp=iso(first + timedelta(minutes=place)), **fields)
        for place, kwh in enumerate(registers)
    ]


def send(site: Site, readings: Sequence[dict[str, Any]]) -> None:
    """One by one, as devices do."""
    for reading in readings:
        assert site.send(encode(reading)).status_code == 201


def test_an_empty_fleet_does_nothing(quiet: Site) -> None:
    nothing = {"online": 0, "stale": 0, "offline": 0, "unseen": 0, "charging": 0}
    found = quiet.client.get("/v1/fleet/now").json()
    assert found.pop("at")
    assert found == {
        **{"vehicles": nothing, "meters": nothing},
        **{"acKw": None, "dcKw": None, "readingsPerSecond": None, "newestReadingAt": None},
    }


def test_devices_are_counted_by_when_they_reported_and_their_power_by_their_last_step(
    quiet: Site, now: datetime
) -> None:
    quiet.client.patch("/v1/meters/unseen", json={})
    send(quiet, meter("charging", [100.0, 100.1, 100.22], now))
    send(quiet, meter("ticking", [100.0, 100.01], now))
    send(quiet, meter("first", [100.0], now))
    send(quiet, meter("replaced", [100.0, 900.0], now))
    send(quiet, meter("stale", [100.0, 100.2], now - timedelta(minutes=10)))
    send(quiet, meter("offline", [100.0, 100.2], now - timedelta(minutes=16)))
    gap = [*meter("gap", [100.0], now - timedelta(minutes=16)), *meter("gap", [101.0], now)]
    send(quiet, gap)
    car = [
        vehicle_payload(vehicleId="car", kwhDeliveredDc=kwh, timestamp=iso(now - timedelta(minutes=back)))
        for kwh, back in ((50.0, 2), (50.2, 0))
    ]
    send(quiet, car)
    found = quiet.client.get("/v1/fleet/now").json()
    assert found["meters"] == {"online": 5, "stale": 1, "offline": 1, "unseen": 1, "charging": 1}
    assert found["vehicles"] == {"online": 1, "stale": 0, "offline": 0, "unseen": 0, "charging": 1}
    assert found["acKw"] == pytest.approx(7.2 + 0.6)
    assert found["dcKw"] == pytest.approx(6.0)
    assert found["newestReadingAt"] == now.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_a_device_of_intervals_says_its_power_itself(quiet: Site, now: datetime) -> None:
    quiet.client.patch("/v1/meters/interval", json={"energyKind": "interval"})
    send(quiet, meter("interval", [0.1, 0.1], now))
    assert quiet.client.get("/v1/fleet/now").json()["acKw"] == pytest.approx(6.0)


@pytest.mark.long  # PostgreSQL tells its counts some 10 s later
def test_what_is_stored_a_second_is_known_from_the_second_look_on(quiet: Site, now: datetime) -> None:
    def rate() -> float | None:
        found: float | None = quiet.client.get("/v1/fleet/now").json()["readingsPerSecond"]
        return found

    assert rate() is None
    send(quiet, meter("a", [1.0, 1.1, 1.2], now))
    until(lambda: bool(rate()))


def test_it_is_found_once_a_second_however_many_ask(site: Site) -> None:
    first, second = (site.client.get("/v1/fleet/now") for _ in range(2))
    known = site.client.get("/v1/fleet/now", headers={"If-None-Match": first.headers["etag"]})
    assert (second.json()["at"] == first.json()["at"]) or known.status_code == 200
    as_csv = site.client.get("/v1/fleet/now", headers={"Accept": "text/csv"}).text
    assert as_csv.startswith("at,vehicles.online,vehicles.stale,")


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_it_reads_devices_and_their_current_state_once(
    connection: psycopg.Connection, kind: DeviceKind, now: datetime
) -> None:
    devices = 10_000
    connection.execute(
        f"INSERT INTO {kind}s (external_id) SELECT n::text FROM generate_series(1, %s) AS n".encode(), [devices]
    )
    connection.execute(
        f"INSERT INTO {kind}_latest ({kind}_id, ts, kwh, received_at, step_from, step_from_kwh) "
        f"SELECT {kind}_id, %(now)s, 10, %(now)s, %(now)s - INTERVAL '1 minute', 9.9 FROM {kind}s".encode(),
        {"now": now},
    )
    connection.execute("ANALYZE")
    with psycopg.ClientCursor(connection) as cursor:
        asked = {"seen_at": now}
        cursor.execute(SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + summary_question(kind), asked)
        ((plan,),) = cursor.fetchall()
        row = cursor.execute(summary_question(kind), asked).fetchone()
    read = scans(plan[0]["Plan"])
    assert {(node["Relation Name"], node["Actual Loops"]) for node in read} == {(f"{kind}s", 1), (f"{kind}_latest", 1)}
    assert "Function Scan" not in str(plan)
    assert plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"] < 600
    assert row is not None
    assert row[:5] == (devices, 0, 0, 0, devices)
    assert row[5] == pytest.approx(6.0 * devices)
