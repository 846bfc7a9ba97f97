"""Bodies made to fill memory: a real process is sent each of them, several at once, and grows by next to nothing."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import httpx
import psutil
import pytest
from backports import zstd

from tests.factories import meter_payload
from tests.integration.ingest_api.api_process import ApiProcess, api_process
from tests.integration.ingest_api.site import JSON, NDJSON, assert_problem, encode

MEBIBYTE = 1024 * 1024


def compressed(compress: Callable[[bytes], bytes], finish: Callable[[], bytes], unit: bytes, mebibytes: int) -> bytes:
    """So many mebibytes of this, compressed, without ever being there."""
    block = unit * (MEBIBYTE // len(unit))
    return b"".join([*(compress(block) for _ in range(mebibytes)), finish()])


def gzipped(unit: bytes, mebibytes: int) -> bytes:
    compressor = zlib.compressobj(wbits=31)
    return compressed(compressor.compress, compressor.flush, unit, mebibytes)


def zstandard(unit: bytes, mebibytes: int) -> bytes:
    compressor = zstd.ZstdCompressor()
    return compressed(compressor.compress, compressor.flush, unit, mebibytes)


BOMBS: dict[str, tuple[Callable[[], bytes], str, str, int, str]] = {
    "gzip, zeros": (lambda: gzipped(b"\0", 256), "gzip", JSON, 413, "too_large"),
    "zstd, zeros": (lambda: zstandard(b"\0", 256), "zstd", JSON, 413, "too_large"),
    "gzip, one line": (lambda: gzipped(b"x", 256), "gzip", NDJSON, 413, "too_large"),
    "zstd, one line": (lambda: zstandard(b"x", 256), "zstd", NDJSON, 413, "too_large"),
    "zstd, blank lines": (lambda: zstandard(b"\n", 64), "zstd", NDJSON, 413, "too_large"),
    "zstd, lines of spaces": (lambda: zstandard(b" " * 1023 + b"\n", 64), "zstd", NDJSON, 413, "too_large"),
    "gzip, nothing often": (lambda: gzip.compress(b"") * 40_000, "gzip", JSON, 400, "malformed_encoding"),
    "zstd, nothing often": (lambda: zstd.compress(b"") * 80_000, "zstd", JSON, 400, "malformed_encoding"),
}


@pytest.fixture(scope="module")
def api(shared_database_url: str) -> Iterator[ApiProcess]:
    with api_process(shared_database_url, max_stream_bytes="32MiB") as api:
        yield api


Send = Callable[[httpx.Client], httpx.Response]
MOST_TRIES = 20


def grown_mebibytes(api: ApiProcess, send: Send, at_once: int = 4) -> tuple[float, httpx.Response]:
    """How much the process has grown at most while this was sent several times at once; one of the answers."""
    process = psutil.Process(api.process.pid)
    with httpx.Client(base_url=api.url, timeout=120) as client, ThreadPoolExecutor(at_once) as pool:
        before = peak = process.memory_info().rss
        under_way = [pool.submit(send, client) for _ in range(at_once)]
        while wait(under_way, timeout=0.005).not_done:
            peak = max(peak, process.memory_info().rss)
    return (peak - before) / MEBIBYTE, under_way[0].result()


def sending(body: Callable[[], bytes | Iterator[bytes]], path: str = "/v1/telemetry", **headers: str) -> Send:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda client: client.post(path, content=body(), headers=named)


def answer_to_one(api: ApiProcess, send: Send) -> httpx.Response:
    """Sent alone, and again where a busy machine has not come to it in time, as a client does."""
    with httpx.Client(base_url=api.url, timeout=120) as client:
        for _ in range(MOST_TRIES):
            answer = send(client)
            if answer.status_code != 503:
                break
        return answer


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_no_memory(api: ApiProcess, name: str) -> None:
    make, encoding, media_type, status, code = BOMBS[name]
    body = make()
    send = sending(lambda: body, content_type=media_type, content_encoding=encoding)
    grown, _ = grown_mebibytes(api, send)  # four at once may take longer than an answer may
    assert_problem(answer_to_one(api, send), status, code)
    assert grown < 70  # each holds up to 8 MiB decoded, and as much as a window


def test_an_array_of_millions_of_items_is_decoded_for_one_request_at_a_time(api: ApiProcess) -> None:
    body = gzip.compress(b"[" + b"[]," * (8 * MEBIBYTE // 3 - 10) + b"1e400]")
    grown, answer = grown_mebibytes(api, sending(lambda: body, content_type=JSON, content_encoding="gzip"))
    assert_problem(answer, 413, "too_large")
    assert grown < 700  # some 200 for the list itself


@pytest.mark.parametrize("path", ["/v1/telemetry", "/v1/mappings"])
def test_an_endless_body_is_refused_wherever_it_is_sent(api: ApiProcess, path: str) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * MEBIBYTE

    grown, answer = grown_mebibytes(api, sending(endless, path, content_type=JSON))
    assert_problem(answer, 413, "too_large")
    assert grown < 70


def test_a_long_stream_leaves_memory_flat(shared_database_url: str) -> None:
    line = encode(meter_payload(padding="x" * 8000)) + b"\n"

    def body() -> Iterator[bytes]:  # 100 MiB
        for _ in range(130):
            yield line * 100

    with api_process(shared_database_url) as api:
        grown, answer = grown_mebibytes(api, sending(body, content_type=NDJSON), at_once=1)
    assert answer.json()["accepted"] + answer.json()["duplicates"] == 13_000
    assert grown < 60


DENSE: dict[str, tuple[bytes, str]] = {
    "blank lines": (zstandard(b"\n", 4), NDJSON),
    "lines of a digit": (zstandard(b"1\n", 4), NDJSON),
    "lines of deep arrays": (zstandard(b"[" * 400 + b"]" * 400 + b"\n", 8), NDJSON),
    "arrays": (zstd.compress(b"[" + b"[]," * 2_000_000 + b"1]"), JSON),
    "arrays and an error": (zstd.compress(b"[" + b"[]," * 2_000_000 + b"NaN]"), JSON),
    "objects": (zstd.compress(b"[" + b"{}," * 2_000_000 + b"1]"), JSON),
    "deep arrays": (zstd.compress(b"[" + (b"[" * 400 + b"]" * 400 + b",") * 9_999 + b"1]"), JSON),
}


@pytest.mark.parametrize("name", DENSE)
def test_many_lines_or_values_in_few_bytes_are_refused_before_they_are_parsed(api: ApiProcess, name: str) -> None:
    """Who had split or parsed them would say how many readings an array may hold, or where it is malformed."""
    body, media_type = DENSE[name]
    answer = answer_to_one(api, sending(lambda: body, content_type=media_type, content_encoding="zstd"))
    assert_problem(answer, 413, "too_large")
    assert answer.json()["detail"].endswith("in so few bytes; send several")


def test_ten_thousand_items_may_be_as_short_as_they_like(api: ApiProcess) -> None:
    with httpx.Client(base_url=api.url, timeout=60) as client:
        for item in (b"1", b'""', b"{}", b"[]", b'{"z":1}', b"[[]]"):
            body = b"[" + b",".join([item] * 10_000) + b"]"
            assert client.post("/v1/telemetry", content=body, headers={"Content-Type": JSON}).status_code == 422
            lines = b"\n\n".join([item] * 10_000)
            assert client.post("/v1/telemetry", content=lines, headers={"Content-Type": NDJSON}).status_code == 422
