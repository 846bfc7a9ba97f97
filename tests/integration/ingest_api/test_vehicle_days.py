"""A vehicle's efficiency by day, as the API answers it from what was released."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from tests.integration.ingest_api.site import Site, assert_problem, new_id
from tests.integration.ingest_api.test_charging import pages
from tests.integration.ingest_api.test_performance_plan import scans
from warehouse import sqlfiles
from warehouse.postgres.charging.copied_rows import NULL
from warehouse.postgres.charging.efficiency_store import EFFICIENCY_COLUMNS, replace_efficiency

TODAY = datetime.now(UTC).date()


def row(vehicle_id: int, day: date, **values: Any) -> bytes:
    full = {
        "day": day,
        "vehicle_id": vehicle_id,
        "ac_kwh": 12.12049,
        "dc_kwh": 10.33,
        "efficiency_ratio": 0.852276,
        "status": "ok",
        "mapped_hours": 24.0,
        "lost_against_threshold_kwh": 0.0,
        "lost_against_target_kwh": 0.6427,
        "standby_kwh": NULL,
        "ac_coverage_ratio": 0.9984,
        "dc_coverage_ratio": 1.0,
        "mean_battery_temp_celsius": 18.214,
        "coarse_edge": "false",
        "partly_mapped": "false",
        "flags": NULL,
        **values,
    }
    return (",".join(str(full[name]) for name in EFFICIENCY_COLUMNS) + "\n").encode()


@pytest.fixture
def vehicle(site: Site) -> tuple[str, int]:
    name = new_id("veh")
    site.client.patch(f"/v1/vehicles/{name}", json={})
    ((vehicle_id,),) = site.rows("SELECT vehicle_id FROM vehicles WHERE external_id = %s", [name])
    return name, vehicle_id


def test_days_come_newest_first_and_say_what_is_doubtful(site: Site, vehicle: tuple[str, int]) -> None:
    name, vehicle_id = vehicle
    days = [TODAY - timedelta(days=back) for back in range(1, 5)]
    flags = '"{""glitch"":0,""gap"":2}"'
    doubtful = {"flags": flags, "ac_coverage_ratio": 0.5, "coarse_edge": "true", "partly_mapped": "true"}
    nothing = {"ac_kwh": NULL, "efficiency_ratio": NULL, "status": "no_readings", "ac_coverage_ratio": NULL}
    of_days: list[dict[str, Any]] = [{}, doubtful, nothing, {}]
    for day, values in zip(days, of_days, strict=True):
        replace_efficiency(site.connection, day, row(vehicle_id, day, **values))
    path = f"/v1/vehicles/{name}/days"
    for limit in (1, 3, 4, 100):
        assert [each["day"] for page in pages(site, path, limit=limit) for each in page] == [*map(str, days)]
    plain, second, third, _ = site.client.get(path).json()["items"]
    assert plain == {
        "day": str(days[0]),
        "acKwh": 12.12,
        "dcKwh": 10.33,
        "efficiencyRatio": 0.8523,
        "status": "ok",
        "lostAgainstThresholdKwh": 0.0,
        "lostAgainstTargetKwh": 0.643,
        "standbyKwh": None,
        "mappedHours": 24.0,
        "acCoverage": 0.998,
        "dcCoverage": 1.0,
        "meanBatteryTemp": 18.21,
        "flags": {},
    }
    assert second["flags"] == {"gap": 2, "low_coverage": 1, "partly_mapped": 1, "coarse_edge": 1}
    assert (third["acKwh"], third["efficiencyRatio"], third["status"]) == (None, None, "no_readings")
    assert [each["day"] for each in site.client.get(path, params={"days": 2}).json()["items"]] == [*map(str, days[:2])]
    as_csv = site.client.get(path, headers={"Accept": "text/csv"}).text.splitlines()
    assert as_csv[0].startswith("day,acKwh,dcKwh,efficiencyRatio,status,")
    assert as_csv[2].endswith(",gap=2;low_coverage=1;partly_mapped=1;coarse_edge=1")


def test_what_cannot_be_asked_is_refused(site: Site, vehicle: tuple[str, int]) -> None:
    path = f"/v1/vehicles/{vehicle[0]}/days"
    assert site.client.get(path).json() == {"items": [], "nextCursor": None}
    for asked in ({"days": "0"}, {"days": "401"}, {"cursor": "x"}, {"limit": "1001"}, {"from": "2026-02-08"}):
        assert_problem(site.client.get(path, params=asked), 422, "invalid_request")
    assert_problem(site.client.get("/v1/vehicles/nobody/days"), 404, "vehicle_not_found")


def test_it_is_read_by_the_key(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO daily_vehicle_efficiency (vehicle_id, day, mapped_hours, coarse_edge, partly_mapped, status) "
        "SELECT vehicle, date '2025-01-01' + day, 24, false, false, 'ok' "
        "FROM generate_series(1, 200) AS vehicle, generate_series(0, 399) AS day"
    )
    connection.execute("VACUUM ANALYZE daily_vehicle_efficiency")
    asked = {"vehicle_id": 7, "since": "2025-01-01", "before": "infinity", "limit": 91}
    with psycopg.ClientCursor(connection) as cursor:
        explain = SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ")
        cursor.execute(explain + sqlfiles.load("ingest_api.charging", "list_vehicle_days"), asked)
        ((plan,),) = cursor.fetchall()
    (read,) = scans(plan[0]["Plan"])
    assert read["Index Name"] == "daily_vehicle_efficiency_pkey"
    assert "Sort" not in json.dumps(plan)
    assert read["Shared Hit Blocks"] + read["Shared Read Blocks"] < 100
