"""Devices are registered by readings that are stored, and not without end."""

import json
import time
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.conftest import serving
from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import JSON, MakeSite, Site, assert_problem, encode, new_id, until
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, headers, is_known
from warehouse.contract.partitions import Stream, partition_name
from warehouse.contract.readings import AcceptedWindow
from warehouse.contract.tokens import Scope
from warehouse.decoding.telemetry import Telemetry, decode_body
from warehouse.postgres.access.token_store import TokenRequest, create_token
from warehouse.postgres.partitions.creation import make_partitions
from warehouse.postgres.readings import device_quota
from warehouse.postgres.readings.device_quota import DeviceQuota, DeviceRoom
from warehouse.postgres.readings.quarantine import QuarantineQuota
from warehouse.postgres.readings.reading_store import ReadingStore

LOOK_EVERY_S = 0.2


@pytest.fixture(autouse=True)
def _often_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many devices there are is looked up several times a second."""
    monkeypatch.setattr(device_quota, "LOOK_EVERY_S", LOOK_EVERY_S)


def registered(site: Site) -> int:
    ((count,),) = site.rows("SELECT (SELECT count(*) FROM meters) + (SELECT count(*) FROM vehicles)")
    return int(count)


def readings(devices: list[str]) -> bytes:
    return encode([meter_payload(meterId=device) for device in devices])


MET = {
    "max_devices": "at most 3 devices are registered in all, and 3 are: remove what is no longer in use "
    "(fleetwatt devices prune), or raise FLEET_MAX_DEVICES",
    "max_new_devices_per_hour": "at most 3 new devices are registered an hour, and 3 were in the last one: "
    "send this again in an hour, or raise FLEET_MAX_NEW_DEVICES_PER_HOUR",
}
"""What is said where this limit is the one that was met."""


def other_of(setting: str) -> str:
    (other,) = MET.keys() - {setting}
    return other


@pytest.mark.parametrize("setting", MET)
def test_beyond_the_limit_each_new_device_is_refused_and_kept(make_site: MakeSite, setting: str) -> None:
    site = make_site(**{setting: 3})
    answer = site.send(readings(["m1", "m2", "m3", "m4", "m5"])).json()
    assert (answer["accepted"], answer["rejected"]) == (3, 2)
    assert [(error["index"], error["code"]) for error in answer["errors"]] == [
        (3, "too_many_devices"),
        (4, "too_many_devices"),
    ]
    stranger = encode(vehicle_payload(vehicleId="v1"))
    detail = assert_problem(site.send(stranger), 422, "too_many_devices")["detail"]
    assert MET[setting] in detail
    assert MET[other_of(setting)] not in detail
    assert site.quarantined(stranger) == [("too_many_devices", "", "http", 1)]
    assert registered(site) == 3
    for device in ("m1", "m2", "m3"):  # who is known goes on
        reading = meter_payload(meterId=device, timestamp=iso(now_s() - timedelta(minutes=1)))
        assert site.send(encode(reading)).status_code == 201
    mapping = {"vehicleId": "v1", "meterId": "m1"}
    for answer_of_another in (
        site.client.post("/v1/mappings", json=mapping),
        site.client.post("/v1/mappings", json=[mapping]),
        site.client.patch("/v1/meters/m6", json={}),
        site.client.patch("/v1/vehicles/v1", json={"maxPowerKw": 22}),
    ):
        assert MET[setting] in assert_problem(answer_of_another, 422, "too_many_devices")["detail"]
    assert site.client.patch("/v1/meters/m1", json={"maxPowerKw": 22}).status_code == 200
    assert registered(site) == 3


def test_an_hour_later_there_is_room_again(make_site: MakeSite) -> None:
    site = make_site(max_new_devices_per_hour=1)
    assert [site.send(readings([device])).status_code for device in ("m1", "m2")] == [200, 422]
    site.rows("UPDATE meters SET registered_at = registered_at - interval '1 hour' RETURNING 1")
    time.sleep(LOOK_EVERY_S)
    assert [site.send(readings([device])).status_code for device in ("m2", "m3")] == [200, 422]


def test_each_token_has_new_devices_of_its_own(make_site: MakeSite) -> None:
    site = make_site(auth="required", admin_token=ADMIN_TOKEN, max_new_devices_per_hour=2)
    stranger, other, operator = (
        create_token(site.connection, TokenRequest(name, [scope]))
        for name, scope in (("a", Scope.INGEST), ("b", Scope.INGEST), ("c", Scope.OPERATE))
    )
    for token in (stranger, other, operator):
        until(lambda token=token: is_known(site, token))  # type: ignore[misc]

    def sent(token: object, body: bytes) -> httpx.Response:
        given = {**headers(token), "Content-Type": JSON}
        return site.client.post("/v1/telemetry", content=body, headers=given)

    assert sent(stranger, readings(["m1", "m2", "m3"])).json()["rejected"] == 1
    detail = assert_problem(sent(stranger, readings(["m3"])[1:-1]), 422, "too_many_devices")["detail"]
    assert "at most 2 new devices are registered an hour by one token, and 2 were by this one in the last one" in detail
    single = encode(vehicle_payload(vehicleId="v1"))
    assert [sent(token, single).status_code for token in (stranger, other, stranger)] == [422, 201, 200]
    assert sent(other, readings(["m3", "m4"])).json()["rejected"] == 1

    def mapped(token: object) -> httpx.Response:
        return site.client.post("/v1/mappings", json={"vehicleId": "v2", "meterId": "m5"}, headers=headers(token))

    assert [mapped(operator).status_code for _ in range(2)] == [201, 200]
    changed = site.client.patch("/v1/meters/m6", json={}, headers=headers(operator))
    assert "by one token" in assert_problem(changed, 422, "too_many_devices")["detail"]
    assert sent(ADMIN_TOKEN, readings(["m6", "m7", "m8"])).json()["rejected"] == 1
    found = site.rows(
        "SELECT registered_by, external_id FROM meters UNION SELECT registered_by, external_id FROM vehicles"
    )
    assert sorted((by or "", device) for by, device in found) == sorted(
        [
            *((stranger.token_id, device) for device in ("m1", "m2")),
            *((other.token_id, device) for device in ("v1", "m3")),
            *((operator.token_id, device) for device in ("v2", "m5")),
            *(("", device) for device in ("m6", "m7")),
        ]
    )


def test_who_has_no_room_left_keeps_nobody_elses_device_out(connection: psycopg.Connection) -> None:
    """Bodies of several tokens are stored together: a device that two of them name is registered by who has room."""
    room = DeviceRoom(DeviceQuota(max_devices=10, max_new_per_hour=1))
    store = ReadingStore(connection, QuarantineQuota(0, 0), room=room)
    now = now_s()
    make_partitions(connection, [now.date()], timedelta(hours=2))
    window = AcceptedWindow.around(now, age=timedelta(days=1), ahead=timedelta(minutes=5))

    def body(token_id: str, *devices: str) -> Telemetry:
        telemetry = decode_body(readings(list(devices)), window)
        telemetry.token_id = token_id
        return telemetry

    first, second = store.store([body("stranger", "a", "wanted"), body("other", "wanted")], "test")
    assert (first.accepted, first.rejections) == (2, [])
    assert (second.accepted + second.duplicates + len(second.conflicts), second.rejections) == (1, [])
    registered = connection.execute("SELECT external_id, registered_by FROM meters ORDER BY 1").fetchall()
    assert registered == [("a", "stranger"), ("wanted", "other")]
    (third,) = store.store([body("other", "more")], "test")
    assert [each.code for each in third.rejections] == ["too_many_devices"]


def test_several_processes_share_the_limit(make_site: MakeSite) -> None:
    site = make_site(max_devices=4)
    with serving(database_url=site.database_url, max_devices=4) as other:
        assert site.send(readings(["m1", "m2"])).json()["accepted"] == 2
        answer = other.post("/v1/telemetry", json=json.loads(readings(["m3", "m4", "m5"])))
        assert (answer.json()["accepted"], answer.json()["rejected"]) == (2, 1)
        time.sleep(LOOK_EVERY_S)
        assert_problem(site.send(readings(["m6"])), 422, "all_invalid")
    assert registered(site) == 4


def test_a_whole_fleet_connects_at_once(make_site: MakeSite) -> None:
    site = make_site()
    lines = [
        encode(payload)
        for number in range(10_000)
        for payload in (meter_payload(meterId=f"m{number}"), vehicle_payload(vehicleId=f"v{number}"))
    ]
    while (answer := site.send_lines(lines)).status_code != 200:
        # A busy machine does not come to all of them in time: the rest is sent again, as a client does.
        lines = lines[assert_problem(answer, 503, "database_unavailable")["nextIndex"] :]
    assert site.rows("SELECT count(*) FROM meter_readings UNION ALL SELECT count(*) FROM vehicle_readings") == [
        (10_000,),
        (10_000,),
    ]
    assert registered(site) == 20_000


def partition_moves(now: datetime) -> tuple[str, str]:
    """Statements that take today's partition away, and put it back."""
    start = datetime(now.year, now.month, now.day, tzinfo=UTC)
    name = partition_name(Stream.METER_READINGS, now.date())
    bounds = f"FOR VALUES FROM ('{start.isoformat()}') TO ('{(start + timedelta(days=1)).isoformat()}')"
    alter = "ALTER TABLE meter_readings"
    return f"{alter} DETACH PARTITION {name}", f"{alter} ATTACH PARTITION {name} {bounds}"


def test_what_is_refused_registers_nobody(make_site: MakeSite) -> None:
    site = make_site()
    old = iso(now_s() - timedelta(days=90))
    for body in (
        encode(meter_payload(meterId="stranger", timestamp=old)),
        encode([meter_payload(meterId="stranger", kwhConsumedAc=-1), meter_payload(meterId="other", voltage="x")]),
        readings(["stranger"])[:-1],
    ):
        assert site.send(body).status_code in (400, 422)
    hide, show = partition_moves(datetime.now(UTC))
    site.connection.execute(hide.encode())
    for body in (readings(["stranger"]), encode(meter_payload(meterId="stranger")), readings(["a", "b"])):
        assert_problem(site.send(body), 503, "partition_missing")
    site.connection.execute(show.encode())
    assert registered(site) == 0
    assert site.send(readings(["stranger"])).json()["accepted"] == 1  # and nothing wrong is remembered


def test_a_new_device_beside_a_duplicate_and_a_conflict_is_registered_once(site: Site) -> None:
    known, new = new_id(), new_id()
    first = meter_payload(meterId=known)
    assert site.send(encode(first)).status_code == 201
    body = encode([first, {**first, "voltage": 1.0}, meter_payload(meterId=new), "bad"])
    answer = site.send(body).json()
    assert [answer[name] for name in ("accepted", "duplicates", "conflicts", "rejected")] == [1, 1, 1, 1]
    assert len(site.stored(new)) == 1


@pytest.mark.parametrize("form", ["single", "array"])
def test_a_device_that_was_removed_is_registered_again(site: Site, form: str) -> None:
    device = new_id()
    first = meter_payload(meterId=device, timestamp=iso(now_s() - timedelta(minutes=2)))
    assert site.send(encode(first)).status_code == 201
    for table in ("meter_readings", "meter_latest", "meters"):
        site.rows(
            f"DELETE FROM {table} WHERE meter_id = (SELECT meter_id FROM meters WHERE external_id = %s) RETURNING 1",
            [device],
        )
    again = meter_payload(meterId=device)
    answer = site.send(encode(again if form == "single" else [again]))
    assert answer.status_code in (200, 201)
    assert len(site.stored(device)) == 1
