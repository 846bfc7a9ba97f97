"""How much one request may hold, and in which form."""

import gzip
import http.client
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from backports import zstd

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.site import JSON, NDJSON, MakeSite, Site, assert_problem, encode, new_id

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
    reading = encode(meter_payload(meterId=device))
    problem = assert_problem(site.send_lines([reading, b"bad", b"x" * 3 * MEBIBYTE, reading]), 413, "too_large")
    assert [problem[name] for name in ("accepted", "duplicates", "conflicts", "rejected")] == [1, 0, 0, 1]
    assert len(site.stored(device)) == 1
    assert site.send_lines([reading.rjust(2 * MEBIBYTE), reading]).json()["duplicates"] == 2


def test_a_chunk_is_handed_on_when_it_is_large_enough(make_site: MakeSite) -> None:
    site = make_site(max_body_bytes=20_000, max_decoded_bytes=100_000)
    device = new_id("wide")
    lines = [line.rjust(10_000) for line in many(device, 100)]
    assert site.send_lines(lines).json()["accepted"] == 100
    of_device = "FROM meter_readings JOIN meters USING (meter_id) WHERE external_id = %s"
    ((chunks,),) = site.rows(f"SELECT count(DISTINCT meter_readings.xmin::text) {of_device}", [device])
    assert 5 <= chunks <= 10  # a megabyte in chunks of at least 100 kB, each up to a piece more


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress])
def test_a_stream_holds_so_much_decoded_and_what_came_before_is_stored(
    make_site: MakeSite, compress: Callable[[bytes], bytes]
) -> None:
    site = make_site(max_stream_bytes=100_000, max_items=100)
    encoding = {gzip.compress: "gzip", zstd.compress: "zstd"}.get(compress, "identity")
    headers = {"Content-Type": NDJSON, "Content-Encoding": encoding}
    device = new_id("long")
    lines = b"\n".join(many(device, 2000))

    def pieces() -> Iterator[bytes]:  # without a length beforehand
        body = compress(lines)
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    answer = site.client.post("/v1/telemetry", content=pieces(), headers=headers)
    problem = assert_problem(answer, 413, "too_large")
    assert problem["accepted"] == len(site.stored(device))
    assert 0 <= problem["accepted"] <= 100_000 // 80
    if compress is bytes:
        assert problem["accepted"] > 0


def test_a_stream_holds_no_more_lines_than_readings_could_be_in_it(make_site: MakeSite) -> None:
    site = make_site(max_stream_bytes=64_000, max_items=100)
    assert site.send_lines([b""] * 400).status_code == 200
    assert_problem(site.send_lines([b""] * 2000), 413, "too_large")


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_a_compressed_body_holds_eight_mebibytes_decoded_and_two_as_it_is_sent(
    site: Site, compress: Callable[[bytes], bytes]
) -> None:
    encoding = "gzip" if compress is gzip.compress else "zstd"
    headers = {"Content-Type": JSON, "Content-Encoding": encoding}
    reading = encode(meter_payload(meterId=new_id("compressed")))
    for body, status in [
        (compress(reading.rjust(8 * MEBIBYTE)), 201),
        (compress(reading.rjust(8 * MEBIBYTE + 1)), 413),
        (compress(b"") * (2 * MEBIBYTE // len(compress(b"")) + 1), 413),
    ]:
        assert site.client.post("/v1/telemetry", content=body, headers=headers).status_code == status


@pytest.mark.parametrize(("media_type", "length"), [(JSON, 2 * MEBIBYTE + 1), (NDJSON, 256 * MEBIBYTE + 1)])
def test_a_length_that_is_too_large_is_refused_before_anything_is_read(
    site: Site, media_type: str, length: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.client.base_url.port, timeout=30)
    headers = {"Content-Type": media_type, "Content-Length": str(length), "Expect": "100-continue"}
    connection.request("POST", "/v1/telemetry", headers=headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (413, "close")  # of the body, nobody knows if it will come
    connection.close()


def test_the_limits_are_settings(make_site: MakeSite) -> None:
    site = make_site(max_body_bytes=1024, max_items=3)
    reading = encode(meter_payload())
    assert site.send(reading.rjust(1024)).status_code == 201
    assert_problem(site.send(reading.rjust(1025)), 413, "too_large")
    assert_problem(site.send(b"[1,2,3,4]"), 413, "too_large")
    assert_problem(site.client.post("/v1/mappings", content=b" " * 1025), 413, "too_large")
    document = site.client.get("/openapi.json").json()
    body = document["paths"]["/v1/telemetry"]["post"]["requestBody"]
    assert body["content"][JSON]["schema"]["oneOf"][2]["maxItems"] == 3


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


def test_media_types_are_read_as_http_says(site: Site) -> None:
    body = encode(meter_payload(meterId=new_id("media")))
    assert site.send(body, "APPLICATION/JSON").status_code == 201
    assert site.send(body, "application/json;charset=UTF-8").status_code == 200
    assert site.send(body, f"{NDJSON} ; charset=utf-8").json()["duplicates"] == 1
