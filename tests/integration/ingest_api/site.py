"""One API and its database as many tests see them: what was sent, what was answered, and what became of it."""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import psycopg

JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"

_numbers = count(1)


@dataclass(frozen=True)
class Site:
    """An API that serves a whole module. Tests keep out of each other's way by device ids of their own."""

    client: httpx.Client
    connection: psycopg.Connection
    database_url: str

    def send(self, body: bytes, media_type: str = JSON) -> httpx.Response:
        """Post these very bytes as telemetry."""
        return self.client.post("/v1/telemetry", content=body, headers={"Content-Type": media_type})

    def send_lines(self, lines: Sequence[bytes]) -> httpx.Response:
        """Post NDJSON."""
        return self.send(b"\n".join(lines), NDJSON)

    def quarantined(self, raw: bytes) -> list[tuple[Any, ...]]:
        """Code, pointer, source and number of sightings of these very bytes in quarantine, by their hash."""
        query = "SELECT code, pointer, source, times_seen FROM quarantined_readings WHERE raw_sha256 = sha256(%s)"
        return self.rows(query, [raw])

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(query.encode(), parameters).fetchall()

    def stored(self, device_id: str) -> list[tuple[Any, ...]]:
        """The history of a device: (ts, kwh, voltage) of a meter, (ts, kwh, soc, temperature) of a vehicle."""
        of_meter = "SELECT ts, kwh, voltage_volts FROM meter_readings JOIN meters USING (meter_id)"
        of_vehicle = (
            "SELECT ts, kwh, soc_percent, battery_temp_celsius FROM vehicle_readings JOIN vehicles USING (vehicle_id)"
        )
        return [
            row
            for query in (of_meter, of_vehicle)
            for row in self.rows(f"{query} WHERE external_id = %s ORDER BY ts", [device_id])
        ]

    def is_registered(self, device_id: str) -> bool:
        """Whether there is a meter or a vehicle of this id."""
        query = "SELECT external_id FROM meters UNION ALL SELECT external_id FROM vehicles"
        return (device_id,) in self.rows(query)


MakeSite = Callable[..., Site]


def new_id(prefix: str = "device") -> str:
    """A device id that no other test uses."""
    return f"{prefix}-{next(_numbers)}"


def encode(payload: Any) -> bytes:
    """A payload as JSON; a string ``@@text@@`` becomes the bare text, for what no JSON writer would write."""
    return re.sub(r'"@@(.*?)@@"', r"\1", json.dumps(payload)).encode()


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is a complete problem of this status and code; returns it."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem.keys() >= {"type", "title", "status", "detail", "instance", "code", "requestId"}
    assert (problem["status"], problem["instance"]) == (status, answer.url.path)
    assert problem["requestId"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return problem


def until(is_so: Callable[[], bool], within_s: float = 10) -> None:
    """Returns as soon as this is so."""
    for _ in range(int(within_s * 100)):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it never was")


def until_someone_waits_for_a_lock(connection: psycopg.Connection, sessions: int = 1) -> None:
    """Returns as soon as so many sessions of this database wait for another one."""
    of_database = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"  # the locks of all roles are seen
    )
    waiting = f"SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND pid IN ({of_database})"
    for _ in range(100_000):
        if len(connection.execute(waiting.encode()).fetchall()) >= sessions:
            return
    raise AssertionError("nobody waits")
