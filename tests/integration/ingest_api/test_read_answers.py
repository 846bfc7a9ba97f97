"""Lists and figures as JSON and as CSV, page by page, and not again where they are known."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.site import MakeSite, Site, encode, new_id

CSV = {"Accept": "text/csv"}
PATHS = ["/v1/meters", "/v1/vehicles", "/v1/mappings", "/v1/findings", "/v1/corrections", "/v1/audit"]


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.fixture(scope="module")
def own(make_site: MakeSite) -> Iterator[Site]:
    """With three meters; nothing else is stored there but by the tests here."""
    site = make_site()
    for device in ("a", "b", "c"):
        site.client.patch(f"/v1/meters/{device}", json={"displayName": "=1+1", "maxPowerKw": 22.5})
    yield site


@pytest.mark.parametrize("path", PATHS)
def test_a_list_is_kept_by_its_asker_alone_and_asked_for_again(own: Site, path: str) -> None:
    answer = own.client.get(path)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Accept"
    known = own.client.get(path, headers={"If-None-Match": f'"x", {answer.headers["etag"]}'})
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["etag"] == answer.headers["etag"]
    assert "x-request-id" in known.headers
    assert own.client.get(path, headers={"If-None-Match": 'W/"x"'}).status_code == 200
    as_csv = own.client.get(path, headers=CSV)
    assert as_csv.headers["etag"] != answer.headers["etag"]
    assert own.client.get(path, headers={**CSV, "If-None-Match": as_csv.headers["etag"]}).status_code == 304


def test_a_tag_is_another_one_once_something_has_changed_and_not_by_the_clock(site: Site) -> None:
    device = new_id("meter")
    path = f"/v1/meters?limit=1&cursor={device[:-1]}"
    site.send(encode(meter_payload(meterId=device, timestamp=iso(now_s() - timedelta(minutes=5)))))
    first = site.client.get(path)
    again = site.client.get(path)
    assert first.json()["items"][0]["ageSeconds"] < again.json()["items"][0]["ageSeconds"]
    assert first.headers["etag"] == again.headers["etag"]
    site.send(encode(meter_payload(meterId=device)))
    assert site.client.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_csv_has_a_column_for_each_field_and_no_formula(own: Site) -> None:
    found = rows(own.client.get("/v1/meters", headers=CSV))
    assert [row["meterId"] for row in found] == ["a", "b", "c"]
    assert {row["settings.displayName"] for row in found} == {"'=1+1"}
    assert {row["settings.maxPowerKw"] for row in found} == {"22.5"}
    assert {row["timestamp"] for row in found} == {""}
    settings = ("energyKind", "maxPowerKw", "resolutionKwh", "rolloverKwh", "maxResetKwh", "expectedIntervalSeconds")
    assert [name for name in found[0] if "." in name][: len(settings)] == [f"settings.{name}" for name in settings]
    assert {"meterId", "timestamp", "ageSeconds", "kwhConsumedAc", "voltage"} < found[0].keys()


def test_an_empty_list_has_a_header(own: Site) -> None:
    answer = own.client.get("/v1/findings", headers=CSV)
    assert rows(answer) == []
    assert answer.text.startswith("id,rule,severity,state,")


@pytest.mark.parametrize("headers", [{}, CSV])
def test_the_next_page_is_a_link(own: Site, headers: dict[str, str]) -> None:
    answer = own.client.get("/v1/meters?limit=2", headers=headers)
    assert answer.headers["link"] == '</v1/meters?limit=2&cursor=b>; rel="next"'
    last = own.client.get(answer.links["next"]["url"], headers=headers)
    assert "link" not in last.headers
    assert ("c" in {row["meterId"] for row in rows(last)}) if headers else (last.json()["items"][0]["meterId"] == "c")


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("text/csv", True),
        ("text/csv, */*;q=0.1", True),
        ("text/csv;q=0.5, application/json;q=0.4", True),
        ("application/json, text/csv;q=0.9", False),
        ("*/*", False),
        ("text/csv;q=0", False),
        ("text/html", False),
    ],
)
def test_csv_comes_to_whoever_would_rather_have_it(own: Site, accept: str, is_csv: bool) -> None:
    answer = own.client.get("/v1/meters", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("text/csv" if is_csv else "application/json")
