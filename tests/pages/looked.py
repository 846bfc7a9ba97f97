"""A page that is open, and what its browser remarked."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.markdown import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Error, Page, Request

PICTURES = ROOT / "build" / "pages"


@dataclass
class Looked:
    """One tab of one browser window."""

    page: "Page"
    complaints: list[str] = field(default_factory=list)
    """What the console shows in red or yellow, and errors of scripts."""
    requests: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note from now on what the browser remarks and asks for."""
        self.page.on("console", self._note)
        self.page.on("pageerror", self._note_error)
        self.page.on("request", self._note_request)

    def keep(self, name: str) -> None:
        """Keep a picture of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def _note(self, said: "ConsoleMessage") -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def _note_error(self, error: "Error") -> None:
        self.complaints.append(str(error))

    def _note_request(self, request: "Request") -> None:
        self.requests.append(request.url)


def assert_all_is_well(looked: Looked, address: str) -> None:
    """Nothing was remarked, nothing asked of another host, and nothing lies beside the screen."""
    assert looked.complaints == []
    assert [each for each in looked.requests if not each.startswith((address, "blob:", "data:"))] == []
    assert looked.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it has to be moved sideways"
