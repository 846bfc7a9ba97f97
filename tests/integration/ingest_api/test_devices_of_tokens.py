"""A token of some devices sends readings of these alone; others are rejected one by one."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from typing import Any

import psycopg
import pytest
from backports import zstd

from tests.conftest import MakeApi
from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.raw_connection import raw_connection
from tests.integration.ingest_api.site import JSON, NDJSON, Site, assert_problem, encode, new_id, until
from tests.integration.ingest_api.token_site import (
    OF_KINDS,
    MakeToken,
    ask,
    headers,
    raw_post,
)
from warehouse.contract.tokens import Scope
from warehouse.postgres.access.token_store import TokenRequest, create_token

ENCODED: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
}


def test_a_token_of_some_devices_sends_no_others(closed: Site, make_token: MakeToken) -> None:
    mine, others = new_id("mine"), new_id("others")
    token = make_token(Scope.INGEST, devices=[mine, "site-7-*"])
    given = headers(token)
    post = closed.client.post
    ts = iso(now_s())
    assert post("/v1/telemetry", json=meter_payload(meterId=mine, timestamp=ts), headers=given).status_code == 201
    assert (
        post("/v1/telemetry", json=vehicle_payload(vehicleId="site-7-v", timestamp=ts), headers=given).status_code
        == 201
    )
    answer = post("/v1/telemetry", json=meter_payload(meterId=others, timestamp=ts), headers=given)
    problem = assert_problem(answer, 422, "device_not_allowed")
    assert problem["pointer"] == "/meterId"
    items: list[Any] = [
        meter_payload(meterId=mine, timestamp=iso(now_s() - timedelta(minutes=1))),
        vehicle_payload(vehicleId=others, timestamp=ts),
        {"bad": 1},
        meter_payload(meterId=others, timestamp=ts),
    ]
    answer = post("/v1/telemetry", json=items, headers=given).json()
    assert (answer["accepted"], answer["rejected"]) == (1, 3)
    assert [(each["index"], each["code"]) for each in answer["errors"]] == [
        (1, "device_not_allowed"),
        (2, "unknown_kind"),
        (3, "device_not_allowed"),
    ]
    assert not closed.is_registered(others)


@pytest.mark.parametrize("fast_path", [True, False])
def test_a_single_reading_of_another_device_is_refused_by_either_path(
    make_api: MakeApi, connection: psycopg.Connection, fast_path: bool
) -> None:
    client = make_api(auth="required", fast_path=fast_path)
    mine, others = new_id("mine"), new_id("others")
    token = create_token(connection, TokenRequest("a", [Scope.INGEST], [mine]))
    until(lambda: client.get("/nowhere", headers=headers(token)).status_code == 404)
    with raw_connection(client.base_url.port or 0) as raw:
        for payload, field in OF_KINDS:
            ts = iso(now_s())
            bodies = [encode(payload(**{field: each}, timestamp=ts)) for each in (mine, others, mine, others)]
            assert [ask(raw, raw_post(token, body)) for body in bodies] == [201, 422, 200, 422]
    registered = "SELECT external_id FROM meters UNION SELECT external_id FROM vehicles"
    assert connection.execute(registered.encode()).fetchall() == [(mine,)]


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_of_many_readings_those_of_other_devices_are_rejected_one_by_one(
    closed: Site, make_token: MakeToken, media_type: str, encoding: str
) -> None:
    mine, others = new_id("mine"), new_id("others")
    token = make_token(Scope.INGEST, devices=[f"{mine}*"])
    now = now_s()
    items = [
        encode(payload(**{field: mine if number % 4 < 2 else others}, timestamp=iso(now - timedelta(seconds=number))))
        for number, (payload, field) in zip(range(400), cycle(OF_KINDS), strict=False)
    ]
    body = b"\n".join(items) if media_type == NDJSON else b"[%b]" % b",".join(items)
    given = {**headers(token), "Content-Type": media_type, "Content-Encoding": encoding}
    answer = closed.client.post("/v1/telemetry", content=ENCODED[encoding](body), headers=given)
    counts = answer.json()
    assert (counts["accepted"], counts["rejected"]) == (200, 200)
    assert [each["index"] for each in counts["errors"]] == [n for n in range(400) if n % 4 >= 2][:100]
    assert len(closed.stored(mine)) == 200
    assert not closed.is_registered(others)
    only_others = [each for number, each in enumerate(items) if number % 4 >= 2]
    body = b"\n".join(only_others) if media_type == NDJSON else b"[%b]" % b",".join(only_others)
    answer = closed.client.post("/v1/telemetry", content=ENCODED[encoding](body), headers=given)
    assert_problem(answer, 422, "all_invalid")
