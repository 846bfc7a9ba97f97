"""What refuses to start, through the real commands: empty secrets, and to answer strangers. Nothing is begun before."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.integration.ingest_api.api_process import api_process
from tests.integration.orchestration.conftest import Fleetwatt
from tests.ports import free_port

FLEETWATT = [sys.executable, "-m", "orchestration.cli.main"]
API = [sys.executable, "-m", "ingest_api"]
STARTS = {
    "python -m ingest_api": API,
    "fleetwatt up": [*FLEETWATT, "up"],
    "fleetwatt api": [*FLEETWATT, "api"],
    "fleetwatt dagster": [*FLEETWATT, "dagster"],
}
OTHERS = {
    "fleetwatt status": [*FLEETWATT, "status"],
    "fleetwatt run-day": [*FLEETWATT, "run-day", "2026-02-08"],
    "fleetwatt query": [*FLEETWATT, "query", "SELECT 1"],
    "fleetwatt migrate": [*FLEETWATT, "migrate"],
}
ROOT = Path(__file__).parents[3]


def ended(command: list[str], folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """How it ends, in an empty folder and with a closed port as its database."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    closed = f"postgresql://fleet@127.0.0.1:{free_port()}/fleetwatt"
    own = {"FLEET_DATABASE_URL": closed, "FLEET_PORT": str(free_port()), "PYTHONPATH": str(ROOT), **settings}
    return subprocess.run(
        command, cwd=folder, env={**others, **own}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("start", STARTS | OTHERS)
def test_an_empty_secret_is_a_sentence_that_names_it(tmp_path: Path, start: str) -> None:
    name = {"fleetwatt dagster": "FLEET_READ_DSN", "fleetwatt up": "FLEET_ALERT_WEBHOOK"}.get(
        start, "FLEET_ADMIN_TOKEN"
    )
    done = ended((STARTS | OTHERS)[start], tmp_path, **{name: " "})
    assert done.returncode == 2
    assert name in done.stderr
    assert "a secret may not be empty" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


@pytest.mark.parametrize("start", STARTS)
def test_beyond_loopback_it_starts_only_where_that_was_said(tmp_path: Path, start: str) -> None:
    command = [*STARTS[start], *(["--host", "0.0.0.0"] if start == "fleetwatt dagster" else [])]  # noqa: S104
    done = ended(command, tmp_path, FLEET_HOST="0.0.0.0", FLEET_WORKERS="2")  # noqa: S104
    assert done.returncode in (1, 2)
    assert "asks nobody who they are" in done.stderr
    assert "FLEET_ALLOW_ANONYMOUS=true" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


def test_a_worker_does_not_listen_either(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from ingest_api.worker import create_worker_app; create_worker_app()"]
    done = ended(command, tmp_path, FLEET_HOST="192.0.2.7")
    assert done.returncode == 1
    assert "ListeningError: the API asks nobody who they are" in done.stderr


def test_an_api_that_may_answer_others_says_so_at_its_start_and_in_the_status(
    database_url: str, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    said = "WARNING: api listens beyond loopback and asks nobody who they are"
    assert said not in fleetwatt("status").out
    with api_process(database_url, host="0.0.0.0", allow_anonymous=True) as api:  # noqa: S104
        assert httpx.get(f"{api.url}/readyz").status_code == 200
        assert said in fleetwatt("status").out
        assert '"open_servers": ["api"]' in fleetwatt("status", "--json").out
        assert api.stop() == 0
