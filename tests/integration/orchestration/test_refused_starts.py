"""What refuses to start, through the real commands: empty secrets, a UI for strangers. Nothing is begun before.

What becomes the API runs in a process of its own: were it not refused, it would take this one's place.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.integration.ingest_api.api_process import api_process
from tests.integration.ingest_api.site import until
from tests.integration.orchestration.conftest import Ended, Fleetwatt
from tests.ports import free_port
from warehouse.contract.tokens import Scope
from warehouse.postgres.access.token_store import TokenRequest, create_token
from warehouse.postgres.overview import look

OF_THE_API = {
    "python -m ingest_api": [sys.executable, "-m", "ingest_api"],
    "fleetwatt api": [sys.executable, "-m", "orchestration.cli.main", "api"],
}
STARTS = {"fleetwatt up": ["up"], "fleetwatt dagster": ["dagster"]}
OTHERS = {
    "fleetwatt status": ["status"],
    "fleetwatt run-day": ["run-day", "2026-02-08"],
    "fleetwatt query": ["query", "SELECT 1"],
    "fleetwatt migrate": ["migrate"],
}
ROOT = Path(__file__).parents[3]
Refused = Callable[..., tuple[int, str]]


def settings_of(**settings: str) -> dict[str, str]:
    """With a closed port as the database."""
    closed = f"postgresql://fleet@127.0.0.1:{free_port()}/fleetwatt"
    return {"FLEET_DATABASE_URL": closed, "FLEET_PORT": str(free_port()), **settings}


def ended(command: list[str], folder: Path, **settings: str) -> Ended:
    """How it ends in a process of its own, in an empty folder."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    environment = {**others, "PYTHONPATH": str(ROOT), **settings_of(**settings)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def refused(fleetwatt: Fleetwatt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Try a start with options and settings; returns its exit code and what it says. Nothing may be begun."""

    def run(start: str, *options: str, **settings: str) -> tuple[int, str]:
        if start in OF_THE_API:
            done = ended([*OF_THE_API[start], *options], tmp_path, **settings)
        else:
            for name, value in settings_of(**settings).items():
                monkeypatch.setenv(name, value)
            done = fleetwatt(*(STARTS | OTHERS)[start], *options)
        assert "Traceback" not in done.err
        assert list(tmp_path.iterdir()) == [], "nothing was begun"
        return done.code, done.err

    return run


@pytest.mark.parametrize("start", OF_THE_API | STARTS | OTHERS)
def test_an_empty_secret_is_a_sentence_that_names_it(refused: Refused, start: str) -> None:
    name = {"fleetwatt dagster": "FLEET_READ_DSN", "fleetwatt up": "FLEET_ALERT_WEBHOOK"}.get(
        start, "FLEET_ADMIN_TOKEN"
    )
    code, said = refused(start, **{name: " "})
    assert code == 2
    assert name in said
    assert "a secret may not be empty" in said


@pytest.mark.parametrize("start", STARTS)
def test_half_a_channel_of_alerts_is_a_sentence_that_names_what_is_missing(refused: Refused, start: str) -> None:
    code, said = refused(start, FLEET_ALERT_MAIL_TO="a@example.com")
    assert code == 1
    assert "FLEET_ALERT_MAIL_TO is set, and FLEET_ALERT_SMTP_HOST is not" in said


@pytest.mark.parametrize("auth", ["auto", "required"])
def test_beyond_loopback_dagsters_ui_starts_only_where_that_was_said(refused: Refused, auth: str) -> None:
    code, said = refused("fleetwatt dagster", "--host", "0.0.0.0", FLEET_AUTH=auth)  # noqa: S104
    assert code == 1
    assert "asks nobody who they are" in said
    assert "FLEET_AUTH=off" in said


def test_a_mode_that_is_none_is_a_sentence(refused: Refused) -> None:
    code, said = refused("python -m ingest_api", FLEET_AUTH="never")
    assert code == 2
    assert "FLEET_AUTH: " in said


def test_beyond_loopback_the_api_asks_everybody_and_says_how_the_first_token_is_made(
    database_url: str, connection: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    with api_process(database_url, host="0.0.0.0", allow_anonymous="true") as api:  # noqa: S104
        assert httpx.get(f"{api.url}/readyz").status_code == 200
        assert httpx.get(f"{api.url}/v1/meters").status_code == 401
        token = create_token(connection, TokenRequest("first", [Scope.ADMIN]))
        given = {"Authorization": f"Bearer {token}"}
        until(lambda: httpx.get(f"{api.url}/v1/meters", headers=given).status_code == 200)
        assert look(connection).open_servers == []
        assert api.stop() == 0
    said = capfd.readouterr().err
    assert "fleetwatt tokens create --name first --scope admin" in said
    assert "FLEET_ALLOW_ANONYMOUS has no effect any more" in said
    assert token.secret not in said


def test_an_api_that_may_answer_others_says_so_at_its_start_and_in_the_status(
    database_url: str, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    said = "WARNING: api listens beyond loopback and asks nobody who they are"
    assert said not in fleetwatt("status").out
    with api_process(database_url, host="0.0.0.0", auth="off") as api:  # noqa: S104
        assert httpx.get(f"{api.url}/readyz").status_code == 200
        assert said in fleetwatt("status").out
        assert '"openServers": ["api"]' in fleetwatt("status", "--json").out
        assert api.stop() == 0
