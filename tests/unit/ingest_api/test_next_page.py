"""Where somebody is led to sign in, and back: nowhere but to this service, whatever was asked for."""

from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_api.auth.next_page import FRONT, after_sign_in, is_navigation, is_safe, sign_in_page

HERE = "https://fleet.example/login"
ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "docs\r\nSet-Cookie: a=b",
    "docs\x00",
    "../../admin",
    "docs/../../x",
    "https:/\\evil.example",
    "@evil.example:443",
    ".//evil.example:1",
    "x" * 501,
    "ünicode",
    "",
]


def as_browsers_read(location: str) -> str:
    """Tabs and line ends are nothing to them, and a backslash is a slash."""
    plain = location.translate({ord(each): None for each in "\t\r\n"}).replace("\\", "/")
    return urljoin(HERE, plain)


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_what_leads_elsewhere_leads_to_the_front_page(wanted: str) -> None:
    assert after_sign_in(wanted) == FRONT


@given(st.text(alphabet=st.characters(max_codepoint=0x17F)) | st.from_regex(r"[/\\.:a@?#%\t]{0,8}evil.example"))
def test_whatever_is_wanted_is_of_this_service(wanted: str) -> None:
    location = after_sign_in(wanted)
    assert location.isascii()
    assert location.isprintable()
    found = urlsplit(as_browsers_read(location))
    assert (found.scheme, found.netloc) == ("https", "fleet.example")


@pytest.mark.parametrize("wanted", ["docs", "v1/meters?limit=3&cursor=a%20b", "v1/findings/3f2a", "metrics?a=b+c,d"])
def test_a_page_of_ours_is_come_back_to(wanted: str) -> None:
    assert is_safe(wanted)
    assert urljoin(HERE, after_sign_in(wanted)) == f"https://fleet.example/{wanted}"


@pytest.mark.parametrize(
    ("path", "query", "led", "wanted"),
    [
        ("/", "", "/login", []),
        ("/docs", "", "/login", ["docs"]),
        ("/v1/meters", "limit=3", "/login", ["v1/meters?limit=3"]),
        ("/v1/meters/a%2fb", "", "/login", ["v1/meters/a%2fb"]),
        ("//evil.example/x", "", "/login", ["evil.example/x"]),
        ("/v1/meters/\\evil", "", "/login", []),
        ("/v1/meters/a:b", "", "/login", []),
        ("/docs", "x" * 600, "/login", []),
    ],
)
def test_a_browser_is_led_to_the_page_of_this_service(path: str, query: str, led: str, wanted: list[str]) -> None:
    scope = {"path": path, "raw_path": path.encode(), "query_string": query.encode()}
    found = urlsplit(urljoin(f"https://fleet.example{path}", sign_in_page(scope)))
    assert (found.scheme, found.netloc, found.path) == ("https", "fleet.example", led)
    assert parse_qs(found.query).get("next", []) == wanted
    if "//" not in path:  # which Python joins in another way than browsers
        under_a_prefix = urljoin(f"https://fleet.example/prefix{path}", sign_in_page(scope))
        assert urlsplit(under_a_prefix).path == "/prefix/login"


@pytest.mark.parametrize(
    ("method", "accepted", "is_one"),
    [
        ("GET", b"text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("GET", b"text/html;q=0.5, application/json", False),
        ("GET", b"*/*", False),
        ("GET", b"application/json", False),
        ("POST", b"text/html", False),
        ("GET", b"\xff\xfe", False),
    ],
)
def test_programs_are_no_browsers(method: str, accepted: bytes, is_one: bool) -> None:
    assert is_navigation({"method": method, "headers": [(b"accept", accepted)]}) == is_one
    assert not is_navigation({"method": "GET", "headers": []})
