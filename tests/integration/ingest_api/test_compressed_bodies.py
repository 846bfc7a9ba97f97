"""Bodies under ``Content-Encoding``: the same answers as without, and an account of what is broken."""

import gzip
from collections.abc import Callable, Sequence
from datetime import timedelta

import httpx
import pytest
from backports import zstd

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.site import JSON, NDJSON, MakeSite, Site, assert_problem, encode, new_id

ENCODE: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}


def send(site: Site, body: bytes, encoding: str, media_type: str = JSON) -> httpx.Response:
    headers = {"Content-Type": media_type, "Content-Encoding": encoding}
    return site.client.post("/v1/telemetry", content=body, headers=headers)


def readings_of(device: str, number: int) -> list[bytes]:
    start = now_s() - timedelta(hours=1)
    return [encode(meter_payload(meterId=device, timestamp=iso(start + timedelta(seconds=n)))) for n in range(number)]


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("zstd", zstd.compress),
        ("ZSTD", zstd.compress),
    ],
)
def test_each_kind_of_body_in_each_encoding(site: Site, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    device = new_id("compressed")
    first, *others = readings_of(device, 21)
    assert send(site, compress(first), encoding).json() == {"status": "stored"}
    assert send(site, compress(first), encoding).json() == {"status": "duplicate"}
    array = b"[" + b",".join([*others[:10], b'"bad"']) + b"]"
    assert send(site, compress(array), encoding).json()["accepted"] == 10
    lines = b"\n".join([*others[10:], b"bad", b""])
    counts = send(site, compress(lines), encoding, NDJSON).json()
    assert (counts["accepted"], counts["rejected"], counts["errors"][0]["index"]) == (10, 1, 10)
    assert len(site.stored(device)) == 21


@pytest.mark.parametrize("encoding", ENCODE)
def test_a_body_of_several_members(site: Site, encoding: str) -> None:
    device = new_id("compressed")
    first, second = readings_of(device, 2)
    compress = ENCODE[encoding]
    body = compress(b"[" + first[:20]) + compress(first[20:] + b",") + compress(b"") + compress(second + b"]")
    assert send(site, body, encoding).json()["accepted"] == 2
    assert send(site, compress(first + b"\n") + compress(second), encoding, NDJSON).json()["duplicates"] == 2


@pytest.mark.parametrize("encoding", ["br", "gzip, zstd", "zstd,gzip", "gzip, identity", "nonsense"])
@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_an_unknown_or_a_stacked_encoding_is_refused_and_says_which_are_known(
    site: Site, encoding: str, media_type: str
) -> None:
    answer = send(site, b"{}", encoding, media_type)
    assert_problem(answer, 415, "unsupported_encoding")
    assert answer.headers["accept-encoding"] == "gzip, zstd"


def test_encodings_stacked_in_two_headers_are_refused(site: Site) -> None:
    headers = [("Content-Type", JSON), ("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")]
    body = gzip.compress(gzip.compress(b"{}"))
    assert_problem(site.client.post("/v1/telemetry", content=body, headers=headers), 415, "unsupported_encoding")


def test_another_media_type_is_told_which_are_known(site: Site) -> None:
    answer = site.send(b"{}", "text/plain")
    assert_problem(answer, 415, "unsupported_media_type")
    assert answer.headers["accept"] == f"{JSON}, {NDJSON}"


@pytest.mark.parametrize("encoding", ENCODE)
@pytest.mark.parametrize("fault", ["cut", "flipped", "empty", "plain", "followed by something"])
def test_a_broken_body_is_refused_and_kept_as_it_was_sent(site: Site, encoding: str, fault: str) -> None:
    device = new_id("broken")
    whole = ENCODE[encoding](encode(meter_payload(meterId=device, unknown="x" * 100)))
    body = {
        "cut": whole[:-10],
        "flipped": bytes([whole[0] ^ 1]) + whole[1:],
        "empty": b"",
        "plain": encode(meter_payload(meterId=device)),
        "followed by something": whole + encoding.encode(),
    }[fault]
    assert_problem(send(site, body, encoding), 400, "malformed_encoding")
    assert not site.is_registered(device)
    assert [kept[:3] for kept in site.quarantined(body)] == [("malformed_encoding", "", "http")]


def lines_and_a_broken_end(lines: Sequence[bytes], encoding: str) -> bytes:
    return ENCODE[encoding](b"\n".join(lines) + b"\n") + b"this is no further member"


@pytest.mark.parametrize("encoding", ENCODE)
def test_a_stream_that_breaks_off_is_stored_as_far_as_it_came_and_its_end_is_one_bad_item(
    make_site: MakeSite, encoding: str
) -> None:
    site = make_site(max_items=10)
    device = new_id("broken")
    problem = assert_problem(
        send(site, lines_and_a_broken_end(readings_of(device, 25), encoding), encoding, NDJSON),
        400,
        "malformed_encoding",
    )
    assert (problem["accepted"], problem["rejected"]) == (25, 1)
    (error,) = problem["errors"]
    assert (error["index"], error["code"]) == (25, "malformed_encoding")
    assert len(site.stored(device)) == 25
    kept = site.rows("SELECT raw FROM quarantined_readings WHERE code = 'malformed_encoding'")
    assert any(b"this is no further member" in bytes(raw) for (raw,) in kept)


@pytest.mark.parametrize("encoding", ENCODE)
def test_a_stream_that_is_cut_short_is_stored_as_far_as_it_came(site: Site, encoding: str) -> None:
    device = new_id("cut")
    noise = [encode(meter_payload(meterId=device, unknown=new_id("x" * n), timestamp=iso(now_s()))) for n in range(50)]
    whole = ENCODE[encoding](b"\n".join([*readings_of(device, 500), *noise]))
    problem = assert_problem(send(site, whole[: len(whole) // 2], encoding, NDJSON), 400, "malformed_encoding")
    assert problem["rejected"] == 1
    assert problem["accepted"] == len(site.stored(device))
