"""How much one request may hold, and in which form."""

from datetime import UTC, datetime

import pytest

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.site import JSON, NDJSON, Site, assert_problem, encode, new_id

MEBIBYTE = 1024 * 1024


def many(device: str, number: int) -> list[bytes]:
    """That many readings of one device, a millisecond apart, in little room."""
    start = int(now_s().timestamp() * 1000) - number
    reading = b'{"meterId":"%s","kwhConsumedAc":1,"voltage":null,"timestamp":"%s"}'
    return [
        reading % (device.encode(), iso(datetime.fromtimestamp((start + n) / 1000, UTC)).encode())
        for n in range(number)
    ]


def test_an_array_holds_10_000_items_and_not_one_more(site: Site) -> None:
    items = many(new_id("many"), 10_000)
    answer = site.send(b"[" + b",".join(items) + b"]")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 10_000)
    device = new_id("many")
    answer = site.send(b"[" + b",".join(many(device, 10_001)) + b"]")
    assert_problem(answer, 413, "too_large")
    assert not site.is_registered(device)


def test_a_body_holds_two_mebibytes_and_not_one_byte_more(site: Site) -> None:
    device = new_id("large")
    reading = encode(meter_payload(meterId=device))
    assert_problem(site.send(reading.rjust(2 * MEBIBYTE + 1)), 413, "too_large")
    assert_problem(site.send(b"x" * 20 * MEBIBYTE), 413, "too_large")
    assert not site.is_registered(device)
    assert site.send(reading.rjust(2 * MEBIBYTE)).status_code == 201


def test_the_connection_serves_on_after_a_body_that_was_too_large(site: Site) -> None:
    for _ in range(3):
        assert site.send(b"x" * 5 * MEBIBYTE).status_code == 413
        assert site.client.get("/livez").status_code == 200


def test_a_stream_is_stored_in_chunks_and_indexes_count_the_lines_of_all(site: Site) -> None:
    device = new_id("stream")
    lines = many(device, 25_000)
    lines[7] = b""
    lines[10_000] = b'{"in":"the second chunk"}'
    lines[24_999] = b"not JSON"
    lines.append(lines[3])  # a repeat over two chunks
    answer = site.send_lines([*lines, b""])
    counts = answer.json()
    assert (counts["accepted"], counts["duplicates"], counts["rejected"]) == (24_997, 1, 2)
    assert [(error["index"], error["code"]) for error in counts["errors"]] == [
        (10_000, "unknown_kind"),
        (24_999, "malformed_json"),
    ]
    of_device = "FROM meter_readings JOIN meters USING (meter_id) WHERE external_id = %s"
    assert site.rows(f"SELECT count(*), count(DISTINCT meter_readings.xmin::text) {of_device}", [device]) == [
        (24_997, 3)
    ]


def test_a_line_of_a_stream_holds_two_mebibytes(site: Site) -> None:
    device = new_id("stream")
    answer = site.send_lines([encode(meter_payload(meterId=device)), b"x" * 3 * MEBIBYTE])
    assert_problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx", "json", "", "*/*"],
)
def test_another_media_type_is_refused(site: Site, media_type: str) -> None:
    device = new_id("media")
    assert_problem(site.send(encode(meter_payload(meterId=device)), media_type), 415, "unsupported_media_type")
    assert not site.is_registered(device)


def test_a_missing_media_type_is_refused(site: Site) -> None:
    assert_problem(site.client.post("/v1/telemetry", content=b"{}"), 415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["br", "deflate", "compress", "nonsense"])
def test_an_encoding_that_is_not_understood_is_refused(site: Site, encoding: str) -> None:
    headers = {"Content-Type": JSON, "Content-Encoding": encoding}
    answer = site.client.post("/v1/telemetry", content=b"[]", headers=headers)
    assert_problem(answer, 415, "unsupported_encoding")


def test_media_types_are_read_as_http_says(site: Site) -> None:
    body = encode(meter_payload(meterId=new_id("media")))
    assert site.send(body, "APPLICATION/JSON").status_code == 201
    assert site.send(body, "application/json;charset=UTF-8").status_code == 200
    assert site.send(body, f"{NDJSON} ; charset=utf-8").json()["duplicates"] == 1
