"""Additive first: an API process of the version before a migration goes on taking readings on the migrated schema.

So a database of one's own can be migrated while the API of before still runs. The code of before is what git has from
before the migration came. What this shows is that the API's statements work; commands and the pipeline of before refuse
a newer schema in words, by design.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.api_process import ROOT, environment
from tests.no_tls import NO_TLS
from tests.ports import free_port
from warehouse.postgres.connection import connect
from warehouse.postgres.schema_version import MIGRATIONS

NEWEST = sorted(path for path in (MIGRATIONS / "versions").glob("[0-9]*_*.sql"))[-3:]
STARTS_WITHIN_S = 120


def git(*words: str) -> str:
    return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, encoding="utf-8", check=True).stdout.strip()


def commit_before(migration: Path) -> str | None:
    """The commit before this migration came; ``None``: nobody knows, as in a copy without its history."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return None
    came = git("log", "--diff-filter=A", "--format=%H", "--", str(migration.relative_to(ROOT))).splitlines()
    parents = git("rev-list", "--parents", "-n", "1", came[-1]).split()[1:] if came else []
    return parents[0] if parents else None


@contextmanager
def api_of(commit: str, folder: Path, database_url: str) -> Iterator[httpx.Client]:
    """The API as it was then."""
    archive = folder / "before.tar"
    git("archive", "--format=tar", f"--output={archive}", commit, "ingest_api", "warehouse")
    shutil.unpack_archive(archive, folder / "before", filter="data")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest_api"],
        cwd=folder / "before",
        env=environment(database_url, port) | {"PYTHONPATH": str(folder / "before"), "PATH": os.environ["PATH"]},
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, verify=NO_TLS) as client:
            give_up = time.monotonic() + STARTS_WITHIN_S
            while not answers(client):
                assert process.poll() is None, "it did not start"
                assert time.monotonic() < give_up
                time.sleep(0.05)
            yield client
    finally:
        process.kill()
        process.wait()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    "migration",
    [pytest.param(each, marks=() if each == NEWEST[-1] else pytest.mark.long, id=each.stem) for each in NEWEST],
)
def test_it_takes_readings_and_answers_on_the_newest_schema(database_url: str, tmp_path: Path, migration: Path) -> None:
    commit = commit_before(migration)
    if commit is None:
        pytest.skip("the history is not here")
    at = now_s() - timedelta(minutes=1)
    meter, vehicle = meter_payload(timestamp=iso(at)), vehicle_payload(timestamp=iso(at))
    with api_of(commit, tmp_path, database_url) as client:
        ready = client.get("/readyz")  # numbers do not come in order: it may know the newest, and not this one
        assert ready.is_success or "was migrated by a newer Fleetwatt" in ready.json()["detail"]
        sent = [client.post("/v1/telemetry", json=each).status_code for each in (meter, vehicle, meter)]
        assert sent == [201, 201, 200]
        wrong = client.post("/v1/telemetry", json=[meter, {"meterId": "m", "kwhConsumedAc": -1}]).json()
        assert (wrong["duplicates"], wrong["rejected"]) == (1, 1)
        pair = {"vehicleId": vehicle["vehicleId"], "meterId": meter["meterId"]}
        assert client.post("/v1/mappings", json=pair).status_code == 201
        answer = client.get(f"/v1/analytics/performance/{vehicle['vehicleId']}")
        assert answer.status_code == 200
    with connect(database_url) as connection:
        stored = "SELECT (SELECT count(*) FROM meter_readings), (SELECT count(*) FROM quarantined_readings)"
        assert connection.execute(stored.encode()).fetchone() == (1, 1)
