"""The documented route behind the hot path: the same answers, byte for byte but for the request id."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx

from ingest_api.app import create_routes, gate_of
from ingest_api.auth.sessions import Sessions
from ingest_api.bodies.limits import MemoryBudget
from ingest_api.database_pulse import DatabasePulse
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.parts import Parts
from ingest_api.http.request_id import RequestIds
from ingest_api.settings import ApiSettings
from ingest_api.telemetry.hot_path import HotPath
from ingest_api.telemetry.ingest import TelemetryIngest
from tests.conftest import fresh_database
from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import JSON, NDJSON, encode

READING = meter_payload(timestamp=iso(now_s()))
AGO = iso(now_s() - timedelta(days=1))

REQUESTS: list[tuple[bytes, str]] = [
    (encode(READING), JSON),
    (encode(READING), JSON),
    (encode({**READING, "voltage": 1}), JSON),
    (encode([vehicle_payload(timestamp=AGO), READING, "bad", {"meterId": 5}]), JSON),
    (encode([vehicle_payload(timestamp=AGO, soc=1)]), JSON),
    (encode({**READING, "meterId": "no id"}), JSON),
    (b"[]", JSON),
    (b'["bad"]', JSON),
    (b"", JSON),
    (b'{"meterId":NaN}', JSON),
    (b"\xff", JSON),
    (b"[" * 100_000, JSON),
    (encode([1] * 10_001), JSON),
    (b"x" * 3_000_000, JSON),
    (encode(READING) + b"\n\n{bad}\n" + encode(vehicle_payload(timestamp=AGO)), NDJSON),
    (b"", NDJSON),
    (b"bad", NDJSON),
    (encode(READING), "text/plain"),
]

Told = tuple[int, str | None, bool, Any]


async def answers(url: str, requests: Sequence[tuple[bytes, str]], *, hot: bool) -> list[Told]:
    settings = ApiSettings(_env_file=None, database_url=url)
    gate = gate_of(settings, ClientAddresses(), lambda: routes.state.parts.get(Sessions))
    routes = create_routes(settings, Parts(MemoryBudget(10**9), ClientAddresses(), DatabasePulse(), gate))
    ingest = lambda: routes.state.parts.get(TelemetryIngest)  # noqa: E731
    transport = httpx.ASGITransport(app=HotPath(routes, gate, ingest) if hot else RequestIds(routes))
    told: list[Told] = []
    async with (
        routes.router.lifespan_context(routes),
        httpx.AsyncClient(transport=transport, base_url="http://fleetwatt") as client,
    ):
        for body, media_type in requests:
            answer = await client.post("/v1/telemetry", content=body, headers={"Content-Type": media_type})
            content = json.loads(answer.content)
            assert content.pop("requestId", answer.headers["x-request-id"]) == answer.headers["x-request-id"]
            headers = answer.headers
            told.append((answer.status_code, headers["content-type"], "retry-after" in headers, content))
    return told


def test_the_same_requests_get_the_same_answers(server_url: str, template: str) -> None:
    found = []
    for hot in (True, False):
        with fresh_database(server_url, template) as url:
            found.append(asyncio.run(answers(url, REQUESTS, hot=hot)))
    assert found[0] == found[1]
    assert [told[0] for told in found[0]] == [
        *(201, 200, 409, 200, 200, 422, 200, 422, 400, 400, 400, 400, 413, 413),
        *(200, 200, 422, 415),
    ]


def test_without_a_database_too() -> None:
    nowhere = "postgresql://fleet@127.0.0.1:1/nowhere"
    hot, documented = (asyncio.run(answers(nowhere, REQUESTS[:1], hot=hot)) for hot in (True, False))
    assert hot == documented
    assert [(told[0], told[2]) for told in hot] == [(503, True)]
