"""The performance answer names what is known to be wrong with a vehicle and its meters."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.integration.ingest_api.charging import DAY, Charging
from tests.integration.ingest_api.site import Site
from tests.integration.postgres.telling import tell
from tests.told_findings import lake_id, told
from warehouse import sqlfiles


@pytest.fixture
def charging(api_site: Site) -> Charging:
    charging = Charging(api_site)
    charging.map(valid_from=DAY - timedelta(days=30))
    return charging


@pytest.fixture
def api_site(make_site: Any) -> Site:
    """An API of the test's own: what a day tells, it tells of all findings."""
    site: Site = make_site()
    return site


def ids(site: Site, *names: str) -> list[int]:
    both = "SELECT vehicle_id, external_id FROM vehicles UNION SELECT meter_id, external_id FROM meters"
    query = f"SELECT vehicle_id FROM ({both}) AS device WHERE external_id = %s"
    return [number for name in names for (number,) in site.rows(query, [name])]


def test_it_has_those_of_the_vehicle_and_its_meters_that_nobody_settled(api_site: Site, charging: Charging) -> None:
    other = Charging(api_site)
    charging.map(other.meter, valid_from=DAY + timedelta(hours=12))
    charging.map(f"{other.meter}-far", vehicle=other.vehicle)
    vehicle, meter, second, stranger = ids(api_site, charging.vehicle, charging.meter, other.meter, other.vehicle)
    of_meter: dict[str, Any] = {"subject_kind": "meter", "vehicle_id": None}
    tell(
        api_site.connection,
        [
            told("pair", vehicle_id=vehicle, meter_id=meter, cost_per_month=1.0),
            told("second", vehicle_id=stranger, meter_id=second, cost_per_month=9.0, severity="critical"),
            told("leak", **of_meter, meter_id=second, rule="R4", cost_per_month=None),
            told("snoozed", vehicle_id=vehicle, meter_id=meter, rule="R2", cost_per_month=0.0),
            told("clock", subject_kind="vehicle", vehicle_id=vehicle, meter_id=None, rule="R8", cost_per_month=None),
            told("others", subject_kind="vehicle", vehicle_id=stranger, meter_id=meter, rule="R8"),
            told("resolved", vehicle_id=vehicle, meter_id=meter, rule="R3", state="closed", closed_on=DAY.date()),
            told("accepted", vehicle_id=vehicle, meter_id=meter, rule="R5", state="accepted", closed_on=DAY.date()),
        ],
    )
    api_site.connection.execute(
        "UPDATE findings SET state = 'snoozed', snoozed_until = now() + '1 day' WHERE lake_id = %s",
        [lake_id("snoozed")],
    )
    found = charging.answer()["findings"]
    named = {lake_id(name): name for name in ("pair", "second", "leak", "snoozed", "clock")}
    assert [named[each["id"]] for each in found][:3] == ["second", "pair", "snoozed"]
    assert {named[each["id"]] for each in found[3:]} == {"leak", "clock"}
    assert len(found) == 5
    assert found[1] == {
        "id": lake_id("pair"),
        "rule": "R1",
        "severity": "warning",
        "state": "open",
        "subject": f"vehicle {charging.vehicle} at meter {charging.meter}",
        "costPerMonth": 1.0,
    }
    assert found[2]["state"] == "snoozed"
    api_site.connection.execute("UPDATE findings SET snoozed_until = now() - '1 day'::interval WHERE state = 'snoozed'")
    assert charging.answer()["findings"][2]["state"] == "open"


def test_findings_are_found_by_indexes_of_those_that_are_not_resolved(api_site: Site, charging: Charging) -> None:
    api_site.connection.execute(
        """
        INSERT INTO findings (finding_id, rule, kind, severity, subject, vehicle_id, meter_id, opened_on, day)
        SELECT gen_random_uuid(), 'R1', 'loss', 'warning', 's', n, n, '2026-02-08', '2026-02-08'
        FROM generate_series(1, 5000) AS n
        """
    )
    api_site.connection.execute("ANALYZE findings")
    bounds = {"window_from": DAY, "window_to": DAY + timedelta(days=1)}
    days = {"first_day": DAY.date(), "last_day": DAY.date(), "vehicle_id": charging.vehicle}
    query = sqlfiles.load("ingest_api.analytics", "find_vehicle_mappings").as_string(None)
    with psycopg.ClientCursor(api_site.connection) as cursor:
        cursor.execute(f"EXPLAIN {query}".encode(), {**bounds, **days})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Bitmap Index Scan on findings_of_vehicles" in plan
    assert "Bitmap Index Scan on findings_of_meters" in plan
    assert "Seq Scan on findings" not in plan
