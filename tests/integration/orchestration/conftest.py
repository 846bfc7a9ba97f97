"""The command line through its entry point, in this process; and a Dagster without a database."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest

from orchestration.cli.main import main


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Fleetwatt = Callable[..., Ended]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """It remembers runs and events for as long as the test takes."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def fleetwatt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command as the entry point does, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["fleetwatt", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main(in_its_own_process=False)
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, *capsys.readouterr())

    return run


@dataclass
class Webhook:
    """A real HTTP server that takes what is posted to it, and answers with ``status``."""

    status: int = 200
    taken: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"http://127.0.0.1:{server.server_port}/secret-token"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield hook
        server.shutdown()
        thread.join()
