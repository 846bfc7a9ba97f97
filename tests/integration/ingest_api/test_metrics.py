"""Seen from outside: what the API counts, and that it counts neither devices nor paths."""

import asyncio
import math
import re
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest_api.database import AnalyticsDatabase, Database
from ingest_api.observability import ledger_figures
from ingest_api.observability.ledger_figures import LedgerFigures
from tests.conftest import MakeApi, serving
from tests.factories import meter_payload, vehicle_payload
from tests.integration.ingest_api.site import Site
from warehouse.contract.partitions import midnight
from warehouse.postgres.ledger.lake_files import publish_file
from warehouse.postgres.pipeline_status import set_pipeline_status


@pytest.fixture
def api(site: Site) -> httpx.Client:
    """One for all: each test counts what it adds."""
    return site.client


def counted(api: httpx.Client) -> dict[tuple[str, ...], float]:
    answer = api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def grown(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float], *key: str) -> float:
    return after.get(key, 0) - before.get(key, 0)


def test_items_are_counted_by_what_became_of_them(api: httpx.Client) -> None:
    before = counted(api)
    reading = meter_payload()
    assert api.post("/v1/telemetry", json=reading).status_code == 201
    assert api.post("/v1/telemetry", json=reading).status_code == 200
    items = [{**reading, "kwhConsumedAc": 7.0}, vehicle_payload(), vehicle_payload(soc=101), {"soc": 1}]
    assert api.post("/v1/telemetry", json=items).status_code == 200
    assert api.post("/v1/telemetry", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    after = counted(api)
    outcomes = ("accepted", "duplicate", "conflict", "rejected")
    became = {name: grown(before, after, "fleet_telemetry_items_total", name) for name in outcomes}
    assert became == {"accepted": 2, "duplicate": 1, "conflict": 1, "rejected": 3}
    assert grown(before, after, "fleet_telemetry_rejected_total", "malformed_json") == 1
    assert grown(before, after, "fleet_requests_total", "/v1/telemetry", "201") == 1
    assert grown(before, after, "fleet_requests_total", "/v1/telemetry", "400") == 1
    assert grown(before, after, "fleet_commit_seconds_count") == 4
    assert grown(before, after, "fleet_commit_readings_sum") == 2
    assert after[("fleet_waiting_items",)] == 0


def test_routes_are_counted_by_pattern_and_never_by_path(api: httpx.Client) -> None:
    before = counted(api)
    assert api.get("/v1/vehicles/a-secret-vehicle").status_code == 404
    assert api.get("/v1/analytics/performance/a-secret-vehicle").status_code == 404
    assert api.get("/nowhere/a-secret-vehicle").status_code == 404
    after = counted(api)
    for route in ("/v1/vehicles/{vehicleId}", "/v1/analytics/performance/{vehicleId}", "other"):
        assert grown(before, after, "fleet_requests_total", route, "404") == 1
    assert "a-secret-vehicle" not in api.get("/metrics").text


def test_failed_transactions_are_counted() -> None:
    with serving(database_url="postgresql://nobody@127.0.0.1:9/nowhere") as api:
        before = counted(api)
        assert api.post("/v1/telemetry", json=meter_payload()).status_code == 503
        after = counted(api)
    assert grown(before, after, "fleet_failed_commits_total", "database_unavailable") >= 1
    assert grown(before, after, "fleet_requests_total", "/v1/telemetry", "503") == 1


@pytest.mark.parametrize(
    "name", ["fleet_requests", "fleet_telemetry_items", "fleet_commit_seconds", "fleet_waiting_items"]
)
def test_each_says_what_it_is(api: httpx.Client, name: str) -> None:
    assert re.search(rf"^# HELP {name}(_total)? \w.*\.$", api.get("/metrics").text, re.MULTILINE)


def test_how_full_the_disk_is_stands_there(api: httpx.Client) -> None:
    assert 0 < counted(api)[("fleet_disk_used_ratio",)] < 1


DAY = datetime.now(UTC).date() - timedelta(days=4)


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the figures may take longer than a scrape may."""
    monkeypatch.setattr(ledger_figures, "READ_WITHIN_S", 60.0)


@pytest.mark.usefixtures("_patient")
def test_what_the_ledger_says_comes_along(make_api: MakeApi, connection: psycopg.Connection) -> None:
    for number, age in enumerate(("0 minutes", "1 hour", "2 days"), start=1):
        connection.execute("INSERT INTO meters (external_id) VALUES (%s)", [f"m{number}"])
        connection.execute("INSERT INTO meter_latest VALUES (%s, now() - %s::interval, 1, NULL, now())", [number, age])
    connection.execute("INSERT INTO meter_readings VALUES (%s, 1, 1, NULL)", [midnight(DAY)])
    connection.execute(
        "INSERT INTO quarantined_readings (code, pointer, detail, source, raw, raw_sha256, size_bytes) "
        "VALUES ('x', '', '', 'http', '', '', 0)"
    )
    for version, size_bytes in ((1, 300), (2, 500)):
        publish_file(connection, "meters", DAY, version=version, sha256=b"", size_bytes=size_bytes, row_count=1)
    set_pipeline_status(connection, ["closed_days"])
    found = counted(make_api())
    assert found[("fleet_devices", "meter")] == 3
    assert found[("fleet_stale_devices", "meter")] == 2
    assert found[("fleet_offline_devices", "meter")] == 1
    assert found[("fleet_devices", "vehicle")] == 0
    assert found[("fleet_days_to_build",)] == 1
    assert found[("fleet_dirty_days",)] == 0
    assert found[("fleet_oldest_day_to_build_timestamp_seconds",)] == midnight(DAY).timestamp()
    assert found[("fleet_quarantined_readings",)] == 1
    assert (found[("fleet_lake_bytes", "current")], found[("fleet_lake_bytes", "replaced")]) == (500, 300)
    assert found[("fleet_stopped_automations",)] == 1
    assert found[("fleet_disk_free_bytes",)] > 0
    assert ("fleet_replication_lag_seconds",) not in found, "this is no replica"
    assert {key[1]: value for key, value in found.items() if key[0] == "fleet_ledger_unread"} == dict.fromkeys(
        ("days", "devices", "lake", "pipeline", "replica"), 0
    )


@pytest.mark.usefixtures("_patient")
def test_a_part_that_cannot_be_read_is_named_and_the_others_are_told(
    make_api: MakeApi, connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    connection.execute("ALTER TABLE pipeline_status RENAME TO elsewhere")
    found = counted(make_api())
    assert found[("fleet_ledger_unread", "pipeline")] == 1
    assert sum(value for key, value in found.items() if key[0] == "fleet_ledger_unread") == 1
    assert ("fleet_stopped_automations",) not in found
    assert found[("fleet_dirty_days",)] == 0
    assert "/metrics lacks pipeline" in caplog.text


@pytest.mark.usefixtures("_patient")
def test_they_are_read_again_when_they_are_old(
    database_url: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look() -> None:
        database, reads = Database(database_url), AnalyticsDatabase(database_url)
        await database.open()
        await reads.open()
        try:
            figures = LedgerFigures(database, reads)
            monkeypatch.setattr(ledger_figures, "KEPT_S", math.inf)
            await figures.refresh()
            connection.execute("INSERT INTO meters (external_id) VALUES ('m')")
            await figures.refresh()
            assert meters(figures) == 0
            monkeypatch.setattr(ledger_figures, "KEPT_S", 0.0)
            await figures.refresh()
            assert meters(figures) == 1
        finally:
            await database.close()
            await reads.close()

    asyncio.run(look())


def meters(figures: LedgerFigures) -> float:
    (family,) = [family for family in figures.collect() if family.name == "fleet_devices"]
    return next(sample.value for sample in family.samples if sample.labels == {"kind": "meter"})


def test_without_a_database_what_is_counted_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with serving(database_url="postgresql://nobody@127.0.0.1:9/nowhere") as api:
        found = counted(api)
    assert sum(value for key, value in found.items() if key[0] == "fleet_ledger_unread") == 5
    assert ("fleet_waiting_items",) in found
    assert "/metrics lacks days, devices, lake, pipeline, replica" in caplog.text
