"""What Dagster's health check reads out of an answer, shaped as its web server gives it."""

import time
from typing import Any

import pytest

from orchestration.dagster_runtime.health import HEARTBEAT_WITHIN_S, faults_in

NOW = time.time()
"""When the cases below were made: a long suite may come to them much later."""


def answer(
    status: str = "LOADED", code: dict[str, str] | None = None, heartbeat: float | None = 0.0, required: bool = True
) -> dict[str, Any]:
    """Of a Dagster with one code location and one daemon, whose last heartbeat came ``heartbeat`` seconds ago."""
    at = None if heartbeat is None else NOW - heartbeat
    daemon = {"daemonType": "SENSOR", "required": required, "lastHeartbeatTime": at}
    return {
        "instance": {"daemonHealth": {"allDaemonStatuses": [daemon]}},
        "workspaceOrError": {"locationEntries": [{"loadStatus": status, "locationOrLoadError": code}]},
    }


SILENT = ["the daemon gives no sign of life: SENSOR"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(code={}), []),
        (answer(status="LOADING"), ["the code is being loaded"]),
        (answer(code={"message": "ImportError: x\n"}), ["the code server: ImportError: x"]),
        (answer(code={}, heartbeat=None), SILENT),
        (answer(code={}, heartbeat=HEARTBEAT_WITHIN_S + 60), SILENT),
        (answer(code={}, heartbeat=None, required=False), []),
        ({**answer(), "workspaceOrError": {}}, ["no code is loaded"]),
    ],
)
def test_every_fault_is_named(given: dict[str, Any], expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)
    assert faults_in(given) == expected
