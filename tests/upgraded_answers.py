"""What the API answers of the fleet of ``tests.earlier_data``: the same whichever schema its rows were stored by."""

from typing import Any

import httpx
import psycopg

from tests.earlier_data import DAY, DEVICES
from warehouse.postgres.hours.device_hours import write_closed_hours

_VARIES = {
    "asOf",
    "receivedAt",
    "fromTs",
    "toTs",
    "hoursCovered",
    "missingHours",
    "registeredAt",
    "createdAt",
    "at",
    "ageSeconds",
}
"""With the instant of the question, or of the upgrade."""
_PAGES = ("vehicles", "meters", "mappings", "findings")


def write_hours(connection: psycopg.Connection) -> None:
    """For the fleet's answer."""
    write_closed_hours(connection, lambda _line: None)


def answers(client: httpx.Client) -> dict[str, Any]:
    """Of each question."""
    asked = [f"/v1/{page}" for page in _PAGES]
    asked.append("/v1/analytics/fleet?hours=168&worst=10")
    for number in range(1, DEVICES + 1):
        asked += [f"/v1/analytics/performance/vehicle-{number}?at={DAY}T{clock}:00Z" for clock in ("09:00", "23:59")]
    return {path: _without_what_varies(_answer(client, path)) for path in asked}


def _answer(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


def _without_what_varies(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {name: _without_what_varies(value) for name, value in answer.items() if name not in _VARIES}
    if isinstance(answer, list):
        return sorted((_without_what_varies(each) for each in answer), key=str)  # of equals either may come first
    return answer
