"""The pages as a client gets them: nothing of another host, nothing inline, kept by browsers as long as they may."""

import gzip
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from ingest_api.pages.served_file import CONTENT_SECURITY_POLICY
from tests.integration.ingest_api.raw_connection import raw_connection, request_headers
from tests.integration.ingest_api.site import JSON, Site, assert_problem
from tests.markdown import ROOT, Page

ASKED_AGAIN = {"/": "private, no-cache", "/docs": "no-cache"}
PAGES = list(ASKED_AGAIN)
HTML = {"Accept": "text/html"}
every_page = pytest.mark.parametrize("path", PAGES)


class Seen(HTMLParser):
    """What a page leads to and loads, and what of it the policy would forbid."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self.inline += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.inline += [tag] if tag == "style" or (tag == "script" and not dict(attrs).get("src")) else []


def assets(site: Site, path: str) -> list[str]:
    links = [link.removeprefix("./") for link in Seen(site.client.get(path, headers=HTML).text).links]
    assert any(link.startswith("assets/") for link in links)
    return [f"/{link}" for link in links if link.startswith("assets/")]


@every_page
def test_a_page_names_no_other_host_and_has_nothing_inline(site: Site, path: str) -> None:
    answer = site.client.get(path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    seen = Seen(answer.text)
    assert [link for link in seen.links if re.match(r"[a-z]+:|//", link)] == []
    assert seen.inline == []
    assert set(re.findall(r"https?://[^\s/<\"]*", answer.text)) <= {"http://127.0.0.1:3000"}  # of a command to type


def test_the_policy_lets_a_page_have_its_own_origin_alone() -> None:
    directives = dict(each.strip().split(" ", 1) for each in CONTENT_SECURITY_POLICY.split(";"))
    assert directives.pop("img-src") == "'self' data:"
    assert set(directives.values()) == {"'none'", "'self'"}
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"


@every_page
def test_everything_of_a_page_has_the_headers(site: Site, path: str) -> None:
    for each in [path, *assets(site, path)]:
        answer = site.client.get(each, headers=HTML)
        assert answer.status_code == 200, each
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "Accept-Encoding" in answer.headers["vary"]


@every_page
def test_a_browser_keeps_the_assets_and_asks_for_the_page_again(site: Site, path: str) -> None:
    for each in [path, *assets(site, path)]:
        first = site.client.get(each, headers=HTML)
        kept = ASKED_AGAIN.get(each, "public, max-age=31536000, immutable")
        assert first.headers["cache-control"] == kept
        for had in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
            again = site.client.get(each, headers={**HTML, "If-None-Match": had})
            assert (again.status_code, again.content) == (304, b""), each
            assert again.headers["etag"] == first.headers["etag"]
            assert again.headers["cache-control"] == kept
        other = site.client.get(each, headers={**HTML, "If-None-Match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)


@every_page
def test_it_is_gzipped_for_who_takes_that(site: Site, path: str) -> None:
    for each in [path, *assets(site, path)]:
        plain = site.client.get(each, headers={**HTML, "Accept-Encoding": "br, gzip;q=0"})
        assert "content-encoding" not in plain.headers
        with site.client.stream("GET", each, headers={**HTML, "Accept-Encoding": "br, gzip"}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["etag"] != plain.headers["etag"]
        assert gzip.decompress(raw) == plain.content


@every_page
def test_head_is_answered_like_get(site: Site, path: str) -> None:
    with raw_connection(site.client.base_url.port or 0) as connection:
        for each in [path, *assets(site, path)]:
            connection.send(request_headers("GET", each, "Accept: text/html"))
            get = connection.answer()
            connection.send(request_headers("HEAD", each, "Accept: text/html"))
            answer = connection.answer(is_head=True)
            assert answer.status == get.status == 200
            for name in get.headers.keys() - {"date", "x-request-id"}:
                assert answer.headers[name] == get.headers[name], (each, name)


def test_an_asset_of_another_content_is_not_there(site: Site) -> None:
    known = assets(site, "/docs")[0]
    stem, _, suffix = known.rsplit(".", 2)
    for path in (f"{stem}.{'0' * 16}.{suffix}", "/assets/", "/assets/docs.html", "/assets/..%2fassets.py"):
        assert_problem(site.client.get(path), 404, "not_found")
    assert_problem(site.client.post(known), 405, "method_not_allowed")


def test_the_frameworks_pages_with_scripts_of_other_hosts_are_gone(site: Site) -> None:
    for path in ("/redoc", "/docs/oauth2-redirect"):
        assert_problem(site.client.get(path), 404, "not_found")


def test_requests_are_counted_by_route(site: Site) -> None:
    known = assets(site, "/docs")[0]
    assert site.client.get(known).status_code == 200
    counted = site.client.get("/metrics").text
    assert 'fleet_requests_total{route="/assets/{name}",status="200"}' in counted
    assert known not in counted


def test_pages_are_no_part_of_the_contract(site: Site) -> None:
    paths = site.client.get("/openapi.json").json()["paths"]
    assert not paths.keys() & {"/", "/docs", "/assets/{name}"}


@pytest.mark.parametrize(
    ("accepted", "media_type"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),  # browsers
        ("text/html, application/json", "text/html; charset=utf-8"),
        ("TEXT/HTML; q=0.5", "text/html; charset=utf-8"),
        ("text/html;q=0.5, application/json", JSON),
        ("text/html;q=0", JSON),
        ("text/html;q=many", JSON),
        ("application/json", JSON),
        ("*/*", JSON),  # curl
        ("image/png", JSON),
        ("", JSON),
    ],
)
def test_the_bare_address_shows_a_person_a_page_and_a_program_the_same_links(
    site: Site, accepted: str, media_type: str
) -> None:
    answer = site.client.get("/", headers={"Accept": accepted})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.headers["vary"] == "Accept, Cookie, Accept-Encoding"
    if media_type == JSON:
        assert answer.json()["name"] == "Fleetwatt"
        links = answer.json()["links"].values()
    else:
        links = [link.removeprefix(".") for link in Seen(answer.text).links if not link.startswith(("./assets/", "#"))]
    if media_type == JSON:
        assert set(links) == {"/docs", "/openapi.json", "/v1/findings", "/health", "/metrics"}
    assert [link for link in links if site.client.get(link).status_code != 200] == []


def test_the_commands_of_the_page_are_the_readmes(site: Site) -> None:
    shown = re.findall(r"<pre.*?>(.*?)</pre>", site.client.get("/", headers=HTML).text, re.S)
    to_type = "\n".join(unescape(re.sub(r"<[^>]+>", "", each)).strip() for each in shown)
    (block, *_) = (each for each in Page(ROOT / "README.md").blocks("console") if "curl" in each)
    commands = re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.M)
    assert to_type == "\n".join(commands)
