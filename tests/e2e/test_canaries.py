"""Every secret is a canary, everything that can go wrong does, and then every place is searched where text comes out.

The places: the terminal of ``fleetwatt up`` (with its ALERT lines), the output of commands, what the webhook is sent,
the API's answers, what Dagster's UI answers (runs with their events and tracebacks, ticks, the instance, the resources,
the code's state) and its dump of a run, Dagster's own database, and each file below HOME (logs, steps' output, the
lake, Dagster's folder) and below the folder for temporary files. The secrets are in the environment alone here, so no
file is left out.
"""

import compileall
import gzip
import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

import warehouse
from tests.conftest import fresh_database
from tests.dropped_database import drop_database
from tests.e2e.conftest import PATIENCE_S, Platform, eventually, run
from tests.factories import vehicle_payload
from tests.ports import free_port
from warehouse.postgres.connection import connect

PASSWORD = "canary-password-Zq7/x@y:z"  # noqa: S105 - made for this test
ROLE_SQL = "CREATE ROLE {} LOGIN CREATEDB CREATEROLE SUPERUSER PASSWORD {}"
TOKEN = "canary-admin-token-0123456789-0123456789"  # noqa: S105 - made for this test
SIGNING_SECRET = "whsec_canarySigningSecretOf0123456789AbcdefghijklmnopQ"  # noqa: S105 - made for this test
CANARIES = {
    "database password": "canary-password-Zq7",
    "the same in a URL": "canary-password-Zq7%2F",
    "rest of the password": "x@y:z",
    "admin token": "canary-admin-token",
    "read DSN": "canary-read-dsn",
    "webhook": "canary-webhook",
    "signing secret": "canarySigningSecret",
    "another webhook": "canary-slack",
    "mail password": "canary-smtp-password",
}

LEAK = """

def _leak(*_arguments, **_named):
    import logging, os, sys
    told = " | ".join(f"{name}={value}" for name, value in sorted(os.environ.items()) if "canary" in value)
    print("leaked on stdout:", told)
    print("leaked on stderr:", told, file=sys.stderr)
    logging.getLogger("leak").error("leaked to a logger: %s", told)
    raise RuntimeError(f"leaked in an error: {told}")

"""
LEAKS = {
    "lifecycle/retention.py": "Retention.drop_old = _leak\n",  # a step of the maintenance
    "postgres/overview.py": "look = _leak\n",  # fleetwatt status
    "lifecycle/daily_pipeline.py": "DailyPipeline.run = _leak\n",  # fleetwatt run-day
    "decoding/telemetry.py": "decode_body = _leak\n",  # POST /v1/telemetry
}
PLANTED = "leaked in an error: "
LAUNCH = """mutation { launchRun(executionParams: {mode: "default", selector: {
  pipelineName: "maintenance", repositoryName: "__repository__", repositoryLocationName: "fleetwatt"}})
  { ... on LaunchRunSuccess { run { runId } } } }"""
ASKED = [
    "{runsOrError { ... on Runs { results { runId status tags { key value } runConfigYaml "
    "stats { __typename ... on PythonError { message stack } } } } } }",
    "{instance { info runLauncher { name } "
    "daemonHealth { allDaemonStatuses { lastHeartbeatErrors { message stack } } } } }",
    "{workspaceOrError { ... on Workspace { locationEntries { displayMetadata { key value } locationOrLoadError "
    "{ ... on PythonError { message stack errorChain { error { message stack } } } "
    "... on RepositoryLocation { repositories { allTopLevelResourceDetails { configuredValues { key value } "
    "configFields { name defaultValueAsJson } } sensors { name sensorState { ticks(limit: 20) { skipReason "
    "error { message stack } } } } } } } } } } }",
]
RUN_EVENTS = """query ($run: ID!) { logsForRun(runId: $run, limit: 1000) { ... on EventConnection { events {
  __typename ... on MessageEvent { message }
  ... on ErrorEvent { error { message stack errorChain { error { message stack } } } }
  ... on ExecutionStepFailureEvent { failureMetadata { description } errorSource } } } } }"""


class Webhook:
    """Takes what is posted to it, and answers that it did not."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.url = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taken.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(500)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keeps quiet."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}/services/canary-webhook-0123456789"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


@pytest.fixture
def code(home: Path) -> Path:
    """A folder with our code, which tells all it knows."""
    folder = home.parent / "code"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(warehouse.__file__).parent, folder / "warehouse", ignore=ignored)
    for name, planted in LEAKS.items():
        module = folder / "warehouse" / name
        module.write_text(module.read_text() + LEAK + planted)
    compileall.compile_dir(folder, quiet=1)  # or each process does that again: the account cannot write here
    return folder


@pytest.fixture
def database(server_url: str, admin_url: str, template: str) -> Iterator[str]:
    """A database of a role whose password is a canary; the role goes with it."""
    role = f"canary_role_{os.getpid()}"
    with fresh_database(server_url, template) as url, connect(admin_url) as admin:
        admin.execute(SQL(ROLE_SQL).format(Identifier(role), PASSWORD))
        where = urlsplit(url)
        host = where.netloc.rpartition("@")[2]
        yield urlunsplit(where._replace(netloc=f"{role}:canary-password-Zq7%2Fx%40y%3Az@{host}"))
        admin.execute(SQL("DROP OWNED BY {}").format(Identifier(role)))
        drop_database(admin, f"{role}_dagster")
        admin.execute(SQL("DROP ROLE {}").format(Identifier(role)))


def ask(platform: Platform, question: str, **variables: Any) -> str:
    ui = platform.told("Dagster")
    asked = {"query": question, "variables": variables}
    answer = httpx.post(f"{ui}/graphql", json=asked, headers={"Origin": ui}, timeout=PATIENCE_S, trust_env=False)
    assert '"errors"' not in answer.text or "leak" in answer.text, answer.text
    return answer.text


def files_below(*folders: Path) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes().decode(errors="replace")


@pytest.mark.long
def test_no_canary_comes_out(home: Path, code: Path, database: str, admin_url: str) -> None:
    temporary, role = home.parent / "tmp", urlsplit(database).username or ""
    temporary.mkdir()
    hook = Webhook()
    places: dict[str, str] = {}
    with hook.listening():
        settings = {
            "FLEET_DATABASE_URL": database,
            "FLEET_DAGSTER_DATABASE": f"{role}_dagster",
            "FLEET_ADMIN_TOKEN": TOKEN,
            "FLEET_READ_DSN": f"postgresql://reader:canary-read-dsn-01@127.0.0.1:{free_port()}/fleetwatt",
            "FLEET_ALERT_WEBHOOK": hook.url,
            "FLEET_ALERT_WEBHOOK_SECRET": SIGNING_SECRET,
            "FLEET_ALERT_SLACK_WEBHOOK": hook.url.replace("canary-webhook", "canary-slack"),
            "FLEET_ALERT_MAIL_TO": "a@example.com",
            "FLEET_ALERT_MAIL_FROM": "alerts@example.com",
            "FLEET_ALERT_SMTP_HOST": "127.0.0.1",
            "FLEET_ALERT_SMTP_PORT": str(free_port()),
            "FLEET_ALERT_SMTP_SECURITY": "none",
            "FLEET_ALERT_SMTP_USER": "fleet",
            "FLEET_ALERT_SMTP_PASSWORD": "canary-smtp-password-0123456789",
            "TMPDIR": str(temporary),
            "PYTHONPATH": str(code),
        }
        with Platform(home, "--no-demo", environment=settings) as platform:
            platform.wait_until_up()
            assert eventually(lambda: platform.error_of_dagsters_code() is None)
            places |= answers_of_the_api(platform)
            places |= answers_of_dagster(platform)
            with another_password(admin_url, role):
                places["API, wrong password"] = platform.get("/v1/vehicles/veh-1").text + platform.get("/health").text
                for command in (["status"], ["run-day", "2026-02-08"]):
                    places[f"{command[0]}, wrong password"] = said_by(*command, home=home, settings=settings)
            assert eventually(platform.answers)
            for command in (["status"], ["run-day", "2026-02-08"]):
                places[f"{command[0]}, leaking"] = said_by(*command, home=home, settings=settings)
                assert PLANTED in places[f"{command[0]}, leaking"]
            nobody = database.replace(f":{urlsplit(database).port}/", f":{free_port()}/")
            gone = {**settings, "FLEET_DATABASE_URL": nobody}
            places["up, no database"] = said_by("up", home=home / "other", settings=gone)
            assert platform.stop() == 0
        places["terminal"] = platform.said
    assert hook.taken
    places["webhook's body"] = b"\n".join(hook.taken).decode()
    places |= rows_of_dagster(urlunsplit(urlsplit(admin_url)._replace(path=f"/{role}_dagster")))
    places |= dict(files_below(home, temporary))
    logs = "\n".join(text for name, text in places.items() if name.startswith(f"{home}/logs"))
    for way in ("leaked on stdout: ", "leaked on stderr: ", "leaked to a logger: ", PLANTED):
        assert way in logs, "what was planted has reached the logs"
    found = [f"{what} in {place}" for place, text in places.items() for what, it in CANARIES.items() if it in text]
    assert found == []


def answers_of_the_api(platform: Platform) -> dict[str, str]:
    posted = httpx.post(f"{platform.url}/v1/telemetry", json=[vehicle_payload()], trust_env=False)
    asked = ("/v1/analytics/fleet", "/v1/vehicles/veh-1", "/health", "/readyz", "/metrics")
    return {"API, leaking": posted.text} | {f"API {path}": platform.get(path).text for path in asked}


def answers_of_dagster(platform: Platform) -> dict[str, str]:
    launched = json.loads(ask(platform, LAUNCH))["data"]["launchRun"]["run"]["runId"]
    platform.wait_for("ALERT: the webhook of FLEET_ALERT_WEBHOOK did not take this")
    assert PLANTED in platform.wait_for("ALERT: maintenance failed: "), "it has come this far"
    events = ask(platform, RUN_EVENTS, run=launched)
    assert PLANTED in events
    dump = httpx.get(f"{platform.told('Dagster')}/download_debug/{launched}", trust_env=False, timeout=PATIENCE_S)
    return {
        "Dagster's UI: events": events,
        "Dagster's UI: dump": gzip.decompress(dump.content).decode(),
        **{f"Dagster's UI: {question[:30]}": ask(platform, question) for question in ASKED},
    }


def rows_of_dagster(url: str) -> dict[str, str]:
    places = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            rows = connection.execute(SQL("SELECT t::text FROM {} t").format(Identifier(table))).fetchall()
            places[f"Dagster's database: {table}"] = "\n".join(row[0] for row in rows)
    assert PLANTED in places["Dagster's database: event_logs"]
    return places


@contextmanager
def another_password(admin_url: str, role: str) -> Iterator[None]:
    """The role has another one, and its connections are cut."""
    change = SQL("ALTER ROLE {} PASSWORD {}")
    with connect(admin_url) as admin:
        admin.execute(change.format(Identifier(role), "another"))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])
        yield
        admin.execute(change.format(Identifier(role), PASSWORD))


def said_by(*command: str, home: Path, settings: Mapping[str, str]) -> str:
    done = run(*command, "--home", str(home), home=home, cwd=None, **settings)
    assert done.returncode != 0
    return done.stdout + done.stderr
