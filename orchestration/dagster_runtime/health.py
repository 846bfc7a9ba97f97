"""Whether Dagster does its work: a container's health check, ``python -m orchestration.dagster_runtime.health PORT``.

One question to the web server tells of all three processes: it answers itself, it keeps watch over the code server, and
the daemon's heartbeats are in the storage. Ends with 0, or with 1 and what is wrong. Only the standard library is
imported: it is run twice a minute for as long as Dagster is.
"""

import json
import os
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from warehouse.behind_sign_in import PATH, SECRET_VARIABLE, headers_of_the_api

ANSWERS_WITHIN_S = 5.0
HEARTBEAT_WITHIN_S = 180.0
"""A daemon's loops leave one each half minute, or when they wake up: the scheduler does so each minute."""

QUESTION = """{
  instance { daemonHealth { allDaemonStatuses { daemonType required lastHeartbeatTime } } }
  workspaceOrError {
    ... on Workspace { locationEntries { loadStatus locationOrLoadError { ... on PythonError { message } } } }
  }
}"""


def main() -> None:
    """Ask the Dagster whose UI is at the port of the first argument."""
    if found := faults(int(sys.argv[1]), _secret()):
        sys.exit("\n".join(found))


def _secret() -> str | None:
    """What the UI answers to, where people have to sign in."""
    if os.environ.get("FLEET_AUTH") == "off":
        return None
    file = Path("/run/secrets", SECRET_VARIABLE.lower())
    return os.environ.get(SECRET_VARIABLE) or (file.read_text(encoding="utf-8").strip() if file.exists() else None)


def faults(port: int, secret: str | None = None) -> list[str]:
    """What is wrong with the Dagster whose UI is at this port of this machine; nothing where it does its work."""
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWERS_WITHIN_S)
    try:
        question = json.dumps({"query": QUESTION})
        headers = {"Content-Type": "application/json", **(headers_of_the_api(secret) if secret else {})}
        connection.request("POST", f"{PATH if secret else ''}/graphql", question, headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as error:
        return [f"the web server does not answer: {error}"]
    finally:
        connection.close()
    if response.status != HTTPStatus.OK:
        return [f"the web server answers {response.status}: {body.decode(errors='replace')}"]
    return faults_in(json.loads(body)["data"])


def faults_in(data: dict[str, Any]) -> list[str]:
    """What is wrong by the answer to ``QUESTION``."""
    return [*_faults_of_code(data["workspaceOrError"]), *_faults_of_daemon(data["instance"]["daemonHealth"])]


def _faults_of_code(workspace: dict[str, Any]) -> list[str]:
    entries = workspace.get("locationEntries")
    if not entries:
        return ["no code is loaded"]
    if any(entry["loadStatus"] == "LOADING" for entry in entries):
        return ["the code is being loaded"]
    errors = [(entry["locationOrLoadError"] or {}).get("message") for entry in entries]
    return [f"the code server: {message.strip()}" for message in errors if message]


def _faults_of_daemon(health: dict[str, Any]) -> list[str]:
    oldest = time.time() - HEARTBEAT_WITHIN_S
    silent = [
        each["daemonType"]
        for each in health["allDaemonStatuses"]
        if each["required"] and (each["lastHeartbeatTime"] or 0) < oldest
    ]
    return [f"the daemon gives no sign of life: {', '.join(silent)}"] if silent else []


if __name__ == "__main__":
    main()
