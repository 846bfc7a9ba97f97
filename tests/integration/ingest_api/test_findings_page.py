"""The findings as a page: what the API tells of them, in a frame that any proxy may serve, and errors in words."""

import re
from html import unescape

import pytest

from tests.integration.ingest_api.sign_in_site import HTML, SignedIn
from tests.integration.ingest_api.site import MakeSite, Site
from tests.integration.ingest_api.test_pages import Seen
from tests.integration.postgres.telling import tell
from tests.told_findings import lake_id, told
from warehouse.contract.users import Role

MARKUP = "<img/src=x>'\"&"
NOBODY = "3f2a9c01-52d4-5e0b-9a57-0d4c1f6f7a11"


@pytest.fixture(scope="module")
def found(make_site: MakeSite) -> Site:
    """Findings, one of a device whose name is markup and one of it with sessions named."""
    site = make_site()
    for number, vehicle in enumerate([MARKUP, "van-2", "van-3"], start=1):
        site.connection.execute("INSERT INTO vehicles (external_id) VALUES (%s)", [vehicle])
        site.connection.execute("INSERT INTO meters (external_id) VALUES (%s)", [f"dock-{number}"])
    rows = [
        told("dear", vehicle_id=1, meter_id=1, cost_per_month=20.0, detail="<script>alert(1)</script>"),
        told("cheap", vehicle_id=2, meter_id=2, cost_per_month=2.0, severity="critical"),
        told("other", vehicle_id=3, meter_id=3, rule="R6", name="frozen_meter", kind="data", cost_per_month=None),
    ]
    tell(site.connection, rows)
    return site


def finding_id(site: Site, name: str) -> str:
    ((found,),) = site.rows("SELECT finding_id FROM findings WHERE lake_id = %s", [lake_id(name)])
    return str(found)


def html(site: Site, path: str, status: int = 200) -> str:
    answer = site.client.get(path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), answer.text
    return answer.text


def shown(page: str) -> list[str]:
    """The findings of the list, by their ids."""
    return re.findall(r'<a class="row" href="[^"]*findings/([0-9a-f-]{36})', page)


def test_the_most_expensive_comes_first_as_in_the_api(found: Site) -> None:
    listed = [each["id"] for each in found.client.get("/v1/findings").json()["items"]]
    assert shown(html(found, "/findings")) == listed
    assert listed[:2] == [finding_id(found, "dear"), finding_id(found, "cheap")]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("severity=critical", ["cheap"]),
        ("rule=R6", ["other"]),
        ("subject=van-2&state=&rule=&severity=&sort=costPerMonth", ["cheap"]),
        ("state=all&sort=severity&minCostPerMonth=1", ["cheap", "dear"]),
        ("state=resolved", []),
        ("since=2030-01-01", []),
        ("utm_source=mail&rule=R6", ["other"]),
    ],
)
def test_the_address_is_the_filter(found: Site, query: str, names: list[str]) -> None:
    page = html(found, f"/findings?{query}")
    assert shown(page) == [finding_id(found, name) for name in names]
    kept = html(found, f"/findings/{finding_id(found, 'dear')}?{query}")
    assert shown(kept) == shown(page), "a finding is shown beside the list that it was chosen from"


@pytest.mark.parametrize(
    "query",
    [
        *("state=closed", "rule=R0", "severity=<b>", "sort=cost_per_month", "since=now", "subject=a b"),
        *("cursor=no-place", "minCostPerMonth=1e3", "minCostPerMonth=1_0", "since=2026-02-30"),
    ],
)
def test_an_address_that_asks_for_nothing_there_is_says_so_and_repeats_nothing(found: Site, query: str) -> None:
    page = html(found, f"/findings?{query}", 422)
    assert "data-failed" in page
    assert query.partition("=")[2] not in unescape(page.partition("data-failed")[2])


def test_a_finding_that_is_not_there_is_a_page_too(found: Site) -> None:
    assert "Unknown finding" in html(found, f"/findings/{NOBODY}", 404)
    html(found, "/findings/x", 422)


def test_names_and_sentences_are_text(found: Site) -> None:
    page = html(found, f"/findings/{finding_id(found, 'dear')}")
    assert MARKUP not in page
    assert MARKUP in unescape(page)
    assert "<script>alert(1)</script>" not in page
    assert Seen(page).inline == []


@pytest.mark.parametrize("path", ["/findings", "/findings/{id}"])
def test_links_are_relative_and_lead_somewhere(found: Site, path: str) -> None:
    path = path.replace("{id}", finding_id(found, "cheap"))
    links = {unescape(link).partition("?")[0].partition("#")[0] for link in Seen(html(found, path)).links}
    assert [link for link in links if re.match(r"[a-z]+:|/", link)] == []
    for link in filter(None, links):
        assert found.client.get(f"{path.rpartition('/')[0]}/{link}", headers=HTML).status_code == 200, link


def test_a_page_is_kept_by_its_reader_alone_and_asked_for_again(found: Site) -> None:
    first = found.client.get("/findings", headers=HTML)
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Cookie" in first.headers["vary"]
    again = found.client.get("/findings", headers={**HTML, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_it_is_small(found: Site) -> None:
    """Bytes over the network at the first look, scripts and styles too."""
    page = html(found, "/findings")
    sizes = {}
    for link in {link.removeprefix("./") for link in Seen(page).links if "assets/" in link}:
        with found.client.stream("GET", f"/{link}", headers={"Accept-Encoding": "gzip"}) as answer:
            sizes[link] = sum(map(len, answer.iter_raw()))
    assert sum(sizes.values()) < 40_000, sizes


def test_without_findings_it_says_that_nothing_is_to_do(site: Site) -> None:
    assert "Nothing to do" in html(site, "/findings")
    assert "Nothing is like that" in html(site, "/findings?rule=R1")


@pytest.mark.parametrize(("role", "may_act"), [(Role.VIEWER, False), (Role.OPERATOR, True)])
def test_who_may_not_act_is_told_so(closed: Site, signed_in: SignedIn, role: Role, may_act: bool) -> None:
    tell(closed.connection, [told("one", vehicle_id=_device(closed), meter_id=None, subject_kind="vehicle")])
    browser = signed_in(role)
    answer = browser.get(f"/findings/{finding_id(closed, 'one')}")
    assert answer.headers["cache-control"] == "no-store"
    assert ('data-act="acknowledge"' in answer.text) is may_act
    assert browser.csrf in answer.text


def _device(site: Site) -> int:
    query = (
        "INSERT INTO vehicles (external_id) VALUES ('v') ON CONFLICT (external_id) DO UPDATE SET external_id = 'v' "
        "RETURNING vehicle_id"
    )
    ((number,),) = site.rows(query)
    return int(number)


def test_who_is_not_signed_in_is_led_there_and_back(closed: Site) -> None:
    answer = closed.client.get(f"/findings/{NOBODY}?rule=R1", headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"../login?next=findings%2F{NOBODY}%3Frule%3DR1"


def test_a_note_alone_is_kept(found: Site) -> None:
    path = f"/v1/findings/{finding_id(found, 'other')}/note"
    assert found.client.post(path, json={"who": "ann"}).status_code == 422
    answer = found.client.post(path, json={"who": "ann", "note": "asked the <b>makers</b>"})
    assert (answer.status_code, answer.json()["state"]) == (200, "open")
    page = html(found, f"/findings/{finding_id(found, 'other')}")
    assert "<strong>ann</strong> wrote a note<q>asked the &lt;b&gt;makers&lt;/b&gt;</q>" in page
