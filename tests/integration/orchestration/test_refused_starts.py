"""What refuses to start, through the real commands: empty secrets, and to answer strangers. Nothing is begun before.

What becomes the API runs in a process of its own: were it not refused, it would take this one's place.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.integration.ingest_api.api_process import api_process
from tests.integration.orchestration.conftest import Ended, Fleetwatt
from tests.ports import free_port

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


@pytest.mark.parametrize("start", OF_THE_API | STARTS)
def test_beyond_loopback_it_starts_only_where_that_was_said(refused: Refused, start: str) -> None:
    options = ["--host", "0.0.0.0"] if start == "fleetwatt dagster" else []  # noqa: S104
    code, said = refused(start, *options, FLEET_HOST="0.0.0.0", FLEET_WORKERS="2")  # noqa: S104
    assert code in (1, 2)
    assert "asks nobody who they are" in said
    assert "FLEET_ALLOW_ANONYMOUS=true" in said


def test_a_worker_does_not_listen_either(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from ingest_api.worker import create_worker_app; create_worker_app()"]
    done = ended(command, tmp_path, FLEET_HOST="192.0.2.7")
    assert done.code == 1
    assert "ListeningError: the API asks nobody who they are" in done.err


def test_an_api_that_may_answer_others_says_so_at_its_start_and_in_the_status(
    database_url: str, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    said = "WARNING: api listens beyond loopback and asks nobody who they are"
    assert said not in fleetwatt("status").out
    with api_process(database_url, host="0.0.0.0", allow_anonymous=True) as api:  # noqa: S104
        assert httpx.get(f"{api.url}/readyz").status_code == 200
        assert said in fleetwatt("status").out
        assert '"openServers": ["api"]' in fleetwatt("status", "--json").out
        assert api.stop() == 0
