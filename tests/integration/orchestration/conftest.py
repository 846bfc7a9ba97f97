"""The command line through its entry point, in this process; days of readings; and a Dagster without a database."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import dagster as dg
import pytest

from orchestration.cli.main import main
from tests.conftest import Server, fresh_database
from tests.integration.orchestration.dagster_days import Days
from tests.integration.orchestration.supervised import House
from warehouse.contract.database_roles import Role


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Fleetwatt = Callable[..., Ended]
SOON_S = 0.01
"""How often a server of a test looks whether it is to stop."""

FilledTemplate = Callable[..., str]
FilledDays = Callable[..., Days]


@pytest.fixture(scope="session")
def filled_template(
    server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FilledTemplate]:
    """The name of a database to be cloned that holds the fleet's readings of the given days, imported once."""
    made: dict[tuple[date, ...], str] = {}
    with ExitStack() as stack:

        def name_of(*days: date) -> str:
            if days not in made:
                url = stack.enter_context(fresh_database(server_url, template))
                Days(url, tmp_path_factory.mktemp("readings")).fill(*days)
                made[days] = urlsplit(url).path.removeprefix("/")
            return made[days]

        yield name_of


@pytest.fixture
def filled_days(postgres_server: Server, filled_template: FilledTemplate, tmp_path: Path) -> Iterator[FilledDays]:
    """Make a database of this test's own that holds the fleet's readings of the given days."""
    with ExitStack() as stack:

        def of(*days: date) -> Days:
            url = stack.enter_context(fresh_database(postgres_server.url, filled_template(*days)))
            return Days(url, tmp_path, pipeline_url=postgres_server.address(Role.PIPELINE, url))

        yield of


@pytest.fixture
def pipelines_url(as_role: Callable[[Role], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """This test's database as the role that jobs and commands work as: the one of the settings."""
    url = as_role(Role.PIPELINE)
    monkeypatch.setenv("FLEET_DATABASE_URL", url)
    return url


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
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            hook.headers.append(self.headers)
            hook.taken.append(json.loads(hook.bodies[-1]))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"http://127.0.0.1:{server.server_port}/secret-token"
        thread = threading.Thread(target=server.serve_forever, args=[SOON_S])
        thread.start()
        yield hook
        server.shutdown()
        thread.join()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A supervisor in this process, which leaves neither children nor signal handlers behind."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    built = House(tmp_path)
    with built.supervisor:
        yield built
    assert built.pids() == []
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers
