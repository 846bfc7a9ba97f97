"""The bare address: how to begin, and the fleet as soon as there is one, with what the API says of it."""

import re
from datetime import timedelta
from html import unescape

import pytest

from ingest_api.analytics.fleet_answers import Bin
from ingest_api.dashboard.bars import histogram, shares
from tests.factories import meter_payload, now_s, ramp, vehicle_payload
from tests.integration.ingest_api.sign_in_site import HTML
from tests.integration.ingest_api.site import MakeSite, Site, until
from tests.integration.ingest_api.test_pages import Seen
from tests.integration.postgres.telling import tell
from tests.told_findings import told
from warehouse.postgres.hours.device_hours import write_closed_hours


def html(site: Site) -> str:
    answer = site.client.get("/", headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), answer.text
    return answer.text


def values(page: str) -> list[str]:
    """The numbers of the page, as the server sends them."""
    return [unescape(each) for each in re.findall(r'<data value="([^"]+)"', page)]


def test_an_empty_fleet_says_how_to_begin_and_what_has_come(site: Site) -> None:
    assert html(site).count("None has come yet") == 2
    assert site.client.post("/v1/telemetry", json=meter_payload(meterId="m")).status_code == 201
    until(lambda: html(site).count("None has come yet") == 1)  # what a fleet does now is looked up each second
    assert site.client.post("/v1/telemetry", json=vehicle_payload(vehicleId="v")).status_code == 201
    until(lambda: "None has come yet" not in html(site))
    assert site.client.post("/v1/mappings", json={"vehicleId": "v", "meterId": "m"}).status_code == 201
    assert "What to repair first" in html(site), "at once, though no hour is there yet"


def test_a_fleet_is_told_in_the_apis_figures(make_site: MakeSite) -> None:
    site = make_site()
    start = now_s().replace(minute=0, second=0) - timedelta(hours=3)
    devices = {"vehicleId": "van-1", "meterId": "dock-1"}
    ac = ramp(lambda **more: meter_payload(meterId="dock-1", **more), "kwhConsumedAc", start, 150, 10, 0.1)
    dc = ramp(lambda **more: vehicle_payload(vehicleId="van-1", **more), "kwhDeliveredDc", start, 150, 10, 0.08)
    assert site.client.post("/v1/telemetry", json=[*ac, *dc]).json()["rejected"] == 0
    assert site.client.post("/v1/mappings", json=devices).status_code == 201
    write_closed_hours(site.connection, lambda _: None)
    tell(site.connection, [told("loss", vehicle_id=1, meter_id=1, subject="vehicle van-1 at meter dock-1")])
    page, said = html(site), site.client.get("/v1/analytics/fleet").json()
    assert said["efficiencyRatio"] == pytest.approx(0.8, abs=1e-3)
    shown = [float(each) for each in values(page)]
    for name in ("efficiencyRatio", "meteredAcKwh", "deliveredDcKwh"):
        assert any(each == pytest.approx(said[name], abs=1e-3) for each in shown), name
    assert "Below the threshold" in page
    assert "vehicle van-1 at meter dock-1" in page
    assert Seen(page).inline == []


def test_the_days_are_told_by_what_became_of_them(make_site: MakeSite) -> None:
    site = make_site()
    assert site.client.post("/v1/telemetry", json=[meter_payload(), vehicle_payload()]).status_code == 200
    assert site.client.post("/v1/mappings", json={"vehicleId": "veh-1", "meterId": "meter-1"}).status_code == 201
    (first, *others), today = site.rows("SELECT DISTINCT day FROM partition_ledger ORDER BY day"), now_s().date()
    site.connection.execute("UPDATE partition_ledger SET state = 'sealed' WHERE day = %s", first)
    told_days = re.findall(r'<li title="([0-9-]+): ([^"]+)">', html(site))
    assert told_days == [
        (str(first[0]), "Closed, not in the lake yet"),
        *((str(day), "Open") for (day,) in others if day <= today),
    ]


def test_shares_lie_beside_each_other() -> None:
    drawn = shares({"online": 3, "stale": 0, "offline": 1})
    assert [(each.name, each.x, each.width) for each in drawn] == [
        ("online", 0.0, 750.0),
        ("stale", 750.0, 0.0),
        ("offline", 750.0, 250.0),
    ]
    assert shares({"online": 0}) == []


def bins(**vehicles: int) -> list[Bin]:
    """Bins of 0.05 from below 0 to above 1; ``b17`` is that from 0.85 on."""
    edges = [None, *(number / 20 for number in range(21)), None]
    counts = [vehicles.get(f"b{number - 1}", 0) for number in range(22)]
    return [Bin(low, high, count, 0.0) for low, high, count in zip(edges, edges[1:], counts, strict=False)]


def test_a_histogram_shows_the_bins_between_the_first_and_the_last_and_the_threshold() -> None:
    drawn = histogram(bins(b15=1, b18=4), 0.85)
    assert drawn
    assert [(each.from_ratio, each.vehicles, each.is_low) for each in drawn.bars] == [
        (0.75, 1, True),
        (0.8, 0, True),
        (0.85, 0, False),
        (0.9, 4, False),
    ]
    assert (drawn.low, drawn.most, drawn.threshold_x) == (0.75, 4, 500.0)
    assert drawn.high == pytest.approx(0.95)
    assert [each.height for each in drawn.bars] == [25.0, 0.0, 0.0, 100.0]


@pytest.mark.parametrize("counted", ["b-1", "b20"])
def test_a_bin_that_is_open_is_as_wide_as_the_others(counted: str) -> None:
    drawn = histogram(bins(**{counted: 2}), 0.85)
    assert drawn
    assert len({each.width for each in drawn.bars}) == 1
    assert 0 <= drawn.threshold_x <= 1000


def test_of_nobody_there_is_no_histogram() -> None:
    assert histogram(bins(), 0.85) is None
