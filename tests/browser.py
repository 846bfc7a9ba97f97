"""A real browser without a screen, for tests of pages: what a page asks for, what it complains of, what it shows."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WITHOUT_CHROMIUM = "no chromium is installed: the pages are not looked at as a browser does"
PATIENCE_S = 120.0
_FLAGS = (
    "--headless",
    "--no-sandbox",  # root has none, and the pages are ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # as on a machine without the internet
)


class Tab:
    """One page that is open, spoken to by the DevTools protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._calls = 0
        self.requests: list[str] = []
        """Every URL that was asked for."""
        self.complaints: list[str] = []
        """What the console shows in red: violations of the policy, errors of scripts, files that are not there."""
        for domain in ("Page", "Network", "Log", "Runtime"):
            self._call(f"{domain}.enable")

    def open(self, url: str, width: int = 1280, *, is_dark: bool = False) -> None:
        """Go there, and forget what was before."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url="about:blank")
        self.until("location.href == 'about:blank'")
        self.requests.clear()
        self.complaints.clear()
        self._call("Page.navigate", url=url)

    def value(self, script: str) -> Any:
        """What a script comes to; ``None`` where it fails."""
        return self._call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until a script comes to something; returns that."""
        deadline = time.monotonic() + PATIENCE_S
        while not (value := self.value(script)):
            assert time.monotonic() < deadline, f"it never was: {script}; {self.complaints}"
            time.sleep(0.05)
        return value

    def shot(self) -> str:
        """The whole page as it looks, a PNG in base64."""
        return str(self._call("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._calls += 1
        self._connection.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._connection.recv(timeout=PATIENCE_S))
            if said.get("id") == self._calls:
                assert "error" not in said, said
                return dict(said["result"])
            self._note(said.get("method"), said.get("params", {}))

    def _note(self, event: str | None, said: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif event == "Log.entryAdded" and said["entry"]["level"] in ("warning", "error"):
            self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(said["exceptionDetails"]))


@contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """A browser with one tab, until the end of the block. ``profile``: an empty folder of its own."""
    assert CHROMIUM
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with (profile / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        port = _port(profile / "DevToolsActivePort", process)
        with connect(_tab_of(port), max_size=None, proxy=None) as connection:
            yield Tab(connection)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + PATIENCE_S
    while not (file.exists() and file.read_text().count("\n")):
        assert process.poll() is None, "the browser did not start"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(file.read_text().splitlines()[0])


def _tab_of(port: int) -> str:
    tabs = httpx.get(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE_S, trust_env=False).json()
    return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
