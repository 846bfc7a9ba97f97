"""Lists of vehicles and meters as pages, and one of either."""

import re

import pytest

from tests.factories import meter_payload, vehicle_payload
from tests.integration.ingest_api.sign_in_site import HTML
from tests.integration.ingest_api.site import MakeSite, Site
from tests.integration.ingest_api.test_pages import Seen

MARKUP = "<img/src=x>'\"&"


@pytest.fixture(scope="module")
def seen(make_site: MakeSite) -> Site:
    """Three vehicles with a meter each; the name of one is markup."""
    site = make_site()
    for number in (1, 2, 3):
        names = {"vehicleId": f"van-{number}", "meterId": f"dock-{number}"}
        assert site.client.post("/v1/mappings", json=names).status_code == 201
    readings = [vehicle_payload(vehicleId="van-1", soc=40), vehicle_payload(vehicleId="van-2", soc=90)]
    answer = site.client.post("/v1/telemetry", json=[*readings, meter_payload(meterId="dock-1")])
    assert answer.json()["rejected"] == 0
    site.connection.execute("UPDATE vehicles SET display_name = %s WHERE external_id = 'van-1'", [MARKUP])
    return site


def html(site: Site, path: str, status: int = 200) -> str:
    answer = site.client.get(path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), answer.text
    return answer.text


def listed(page: str, kind: str) -> list[str]:
    return re.findall(rf'<td><a href="\./{kind}/([^"]+)">', page)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["van-1", "van-2", "van-3"]),
        ("?sort=-id", ["van-3", "van-2", "van-1"]),
        ("?sort=-soc", ["van-2", "van-1", "van-3"]),
        ("?search=AN-2&status=&cursor=", ["van-2"]),
        ("?status=unseen", ["van-3"]),
        ("?search=img", ["van-1"]),
        ("?search=nobody", []),
    ],
)
def test_vehicles_are_listed_as_the_address_says(seen: Site, query: str, expected: list[str]) -> None:
    assert listed(html(seen, f"/vehicles{query}"), "vehicles") == expected


def test_meters_are_listed(seen: Site) -> None:
    assert listed(html(seen, "/meters"), "meters") == ["dock-1", "dock-2", "dock-3"]


@pytest.mark.parametrize(
    "path",
    [
        *("/vehicles?status=x", "/vehicles?sort=voltage", "/vehicles?sort=soc&cursor=x", "/meters?sort=soc"),
        *("/vehicles/van-1?range=x", "/vehicles/a%20b"),
    ],
)
def test_an_address_that_asks_for_nothing_there_is_is_a_page_that_says_so(seen: Site, path: str) -> None:
    assert "data-failed" in html(seen, path, 422)


def test_a_device_that_is_not_there_is_a_page_too(seen: Site) -> None:
    assert "data-failed" in html(seen, "/vehicles/nobody", 404)
    assert "data-failed" in html(seen, "/meters/van-1", 404)


@pytest.mark.parametrize("asked", ["day", "week", "month"])
@pytest.mark.parametrize("path", ["/vehicles/van-1", "/vehicles/van-3", "/meters/dock-1"])
def test_one_device_names_where_its_series_is(seen: Site, path: str, asked: str) -> None:
    page = html(seen, f"{path}?range={asked}")
    found = re.search(r'data-series="\.\.(/[^"]+)"', page)
    assert found
    assert seen.client.get(found[1]).status_code == 200
    assert Seen(page).inline == []
    assert MARKUP not in page


@pytest.mark.parametrize("path", ["/vehicles", "/meters", "/vehicles/van-1", "/meters/dock-1"])
def test_links_lead_somewhere(seen: Site, path: str) -> None:
    base = path.rpartition("/")[0]
    links = {link.partition("#")[0].replace("&amp;", "&") for link in Seen(html(seen, path)).links}
    for link in filter(None, links):
        to = f"{path}{link}" if link.startswith("?") else f"{base}/{link}"
        assert seen.client.get(to, headers=HTML).status_code == 200, link
