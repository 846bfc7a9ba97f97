"""People who sign in to an API that asks everybody, as browsers do it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.integration.ingest_api.site import Site
from tests.no_tls import NO_TLS
from warehouse.contract.users import Role

PASSWORD = "correct horse battery"  # noqa: S105 - a test's own
WRONG = "staple of another battery"
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
COOKIE = "fleetwatt"


@dataclass
class Browser:
    """One with cookies of its own, which follows nothing by itself. ``through``: headers that a proxy adds."""

    base_url: str
    through: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.base_url, timeout=60, verify=NO_TLS, headers=self.through)
        self.origin = self.base_url.rstrip("/")

    def get(self, path: str, **more: str) -> httpx.Response:
        return self.client.get(path, headers={**HTML, **more})

    def post(self, path: str, form: dict[str, str], **more: str) -> httpx.Response:
        """As a form of our own pages; ``more``: headers in place of a browser's."""
        return self.client.post(path, data=form, headers={**HTML, "Origin": self.origin, **more})

    def sign_in(self, name: str, password: str = PASSWORD, wanted: str = "", **more: str) -> httpx.Response:
        return self.post("/login", {"name": name, "password": password, "next": wanted}, **more)

    def sign_out(self) -> httpx.Response:
        return self.post("/logout", {"csrf": self.csrf})

    @property
    def csrf(self) -> str:
        """The token of the page's form."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get("/").text)
        assert found
        return found[1]

    @property
    def session(self) -> str | None:
        """The session's id in the browser's cookie."""
        return self.client.cookies.get(COOKIE)

    @property
    def changing(self) -> dict[str, str]:
        """The headers of a change by a page of ours."""
        return {"Origin": self.origin, "X-CSRF-Token": self.csrf}

    def change(self, **headers: str) -> httpx.Response:
        """Map something, with these headers alone."""
        return self.client.post("/v1/mappings", json={"vehicleId": "v", "meterId": "m"}, headers=headers)


MakeUser = Callable[..., str]
MakeBrowser = Callable[..., Browser]
SignedIn = Callable[[Role], Browser]


def who(browser: Browser) -> tuple[int, str | None]:
    """Whom the API takes the browser for."""
    answer = browser.client.get("/v1/me")
    return answer.status_code, answer.json().get("user")


def failures(site: Site) -> dict[str, list[int]]:
    """How many are counted, by kind."""
    rows = site.rows("SELECT kind, array_agg(failures ORDER BY failures) FROM failed_sign_ins GROUP BY kind")
    return dict(rows)
