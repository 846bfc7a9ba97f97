"""The ledger of days and what was refused, as data."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from ingest_api.data_health.quarantine_routes import SHOWN_BYTES
from tests.conftest import fresh_database
from tests.factories import meter_payload, vehicle_payload
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem, encode
from tests.integration.ingest_api.test_charging import pages
from tests.integration.ingest_api.test_performance_plan import scans
from warehouse import sqlfiles
from warehouse.postgres.connection import connect

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def own(make_site: MakeSite) -> Site:
    """Three days are there: one open, one exported and dirty since, one dropped."""
    site = make_site()
    for days_ago, state in ((1, "exported"), (2, "dropped")):
        site.connection.execute(
            "UPDATE partition_ledger SET state = %s, version = 1, row_count = 10, device_count = 2, energy_mwh = 1, "
            "late_row_count = 0, first_ts = day::timestamptz, last_ts = day::timestamptz WHERE day = %s",
            [state, day(days_ago)],
        )
    site.connection.execute(
        "INSERT INTO late_rows (stream, day, row_count) VALUES ('meter_readings', %s, 3), ('meter_readings', %s, 4)",
        [day(1), day(1)],
    )
    site.connection.execute("INSERT INTO day_builds (day, requested, built) VALUES (%s, 2, 1)", [day(1)])
    for release in (1, 2):
        site.connection.execute("INSERT INTO lake_releases VALUES (%s, %s, now())", [day(1), release])
    return site


def day(days_ago: int) -> date:
    return TODAY - timedelta(days=days_ago)


def test_each_day_says_where_it_stands(own: Site) -> None:
    today, dirty, dropped = own.client.get("/v1/days", params={"limit": 3}).json()["items"]
    assert [each["day"] for each in (today, dirty, dropped)] == [str(day(ago)) for ago in range(3)]
    assert [each["state"] for each in (today, dirty, dropped)] == ["open", "dirty", "dropped"]
    assert (today["release"], today["isWaiting"], today["meterReadings"]["readings"]) == (None, False, None)
    assert (dirty["release"], dirty["isWaiting"]) == (2, True)
    assert dirty["meterReadings"] == {
        "state": "dirty",
        "version": 1,
        "readings": 10,
        "devices": 2,
        "lateReadings": 7,
        "firstAt": f"{day(1)}T00:00:00.000Z",
        "lastAt": f"{day(1)}T00:00:00.000Z",
    }
    assert dirty["vehicleReadings"]["state"] == "exported"


def test_days_come_newest_first_up_to_today_unless_asked(own: Site) -> None:
    every = [each["day"] for page in pages(own, "/v1/days", limit=4) for each in page]
    assert every == sorted(every, reverse=True)
    assert every[0] == str(TODAY)
    assert every == [each["day"] for page in pages(own, "/v1/days") for each in page]
    span = {"from": str(day(2)), "to": str(day(0))}
    assert [each["day"] for each in own.client.get("/v1/days", params=span).json()["items"]] == [
        str(day(1)),
        str(day(2)),
    ]
    ahead = own.client.get("/v1/days", params={"to": str(TODAY + timedelta(days=3))}).json()["items"]
    assert ahead[0]["day"] == str(TODAY + timedelta(days=2))
    as_csv = own.client.get("/v1/days", headers={"Accept": "text/csv"}).text.splitlines()
    assert "meterReadings.lateReadings" in as_csv[0].split(",")
    assert all(line.count(",") == as_csv[0].count(",") for line in as_csv)


def test_what_cannot_be_asked_is_refused(own: Site) -> None:
    for path, asked in (
        ("/v1/days", {"from": "yesterday"}),
        ("/v1/days", {"cursor": "x"}),
        ("/v1/quarantine", {"code": "A"}),
        ("/v1/quarantine", {"samples": "21"}),
        ("/v1/quarantine", {"cursor": "<"}),
    ):
        assert_problem(own.client.get(path, params=asked), 422, "invalid_request")


def test_what_was_refused_is_told_by_code_with_the_newest_samples(own: Site) -> None:
    markup = "<script>alert('é')</script>" + "x" * SHOWN_BYTES
    for number in range(5):
        own.send(encode(vehicle_payload(soc=101 + number)))
    own.send(encode(meter_payload(meterId=markup)))
    own.send(b'[{"meterId":"\xff"}]')
    own.send(encode([meter_payload(kwhConsumedAc="\0")]))
    found = {each["code"]: each for each in own.client.get("/v1/quarantine").json()["items"]}
    assert list(found) == sorted(found)
    out_of_range = found["out_of_range"]
    assert (out_of_range["items"], out_of_range["kept"], out_of_range["countedOnly"]) == (5, 5, 0)
    assert [json.loads(each["content"])["soc"] for each in out_of_range["samples"]] == [105, 104, 103]
    assert out_of_range["samples"][0].keys() == {
        *("lastSeenAt", "firstSeenAt", "timesSeen", "source", "requestId", "pointer", "detail", "sizeBytes", "content"),
    }
    (sample,) = found["invalid_id"]["samples"]
    assert sample["content"].startswith('{"meterId": "<script>alert(')
    assert len(sample["content"]) <= SHOWN_BYTES < sample["sizeBytes"]


def test_codes_are_asked_for_one_by_one_or_without_samples(own: Site) -> None:
    own.send(encode(vehicle_payload(soc=99.5, batteryTemp=500)))
    own.send(encode(meter_payload(meterId="-")))
    every = [each["code"] for page in pages(own, "/v1/quarantine", limit=1) for each in page]
    assert every == [each["code"] for page in pages(own, "/v1/quarantine") for each in page]
    (one,) = own.client.get("/v1/quarantine", params={"code": "out_of_range", "samples": 0}).json()["items"]
    assert (one["code"], one["samples"]) == ("out_of_range", [])


class TestPlans:
    @pytest.fixture(scope="class")
    @staticmethod
    def filled(server_url: str, template: str) -> Iterator[psycopg.Connection]:
        """Four years of days, and a quarantine."""
        with fresh_database(server_url, template) as url, connect(url) as connection:
            for stream in ("meter_readings", "vehicle_readings"):
                connection.execute(
                    "INSERT INTO partition_ledger (stream, day, late_after, seal_after) "
                    "SELECT %s, date '2020-01-01' + n, now(), now() FROM generate_series(0, 1460) AS n",
                    [stream],
                )
                connection.execute(
                    "INSERT INTO late_rows (stream, day, row_count) "
                    "SELECT %s, date '2020-01-01' + n %% 1460, 1 FROM generate_series(0, 30000) AS n",
                    [stream],
                )
            connection.execute(
                "INSERT INTO lake_releases SELECT date '2020-01-01' + n, release, now() "
                "FROM generate_series(0, 1460) AS n, generate_series(1, 5) AS release"
            )
            connection.execute("VACUUM ANALYZE")
            yield connection

    def explain(self, connection: psycopg.Connection, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        with psycopg.ClientCursor(connection) as cursor:
            explain = SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ")
            cursor.execute(explain + sqlfiles.load("ingest_api.data_health", name), asked)
            ((plan,),) = cursor.fetchall()
        top: dict[str, Any] = plan[0]["Plan"]
        return top

    def test_a_page_of_days_counts_what_is_its_own(self, filled: psycopg.Connection) -> None:
        asked = {"since": "1970-01-01", "until": "2024-01-01", "before": "infinity", "limit": 101}
        plan = self.explain(filled, "list_days", asked)
        late = [node for node in scans(plan) if node["Relation Name"] == "late_rows"]
        assert {node["Index Name"] for node in late} == {"late_rows_by_day"}
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 3000
