"""What is remembered of request headers: enough to read none twice, and never much."""

import tracemalloc

import pytest

from ingest_api.server import reading_headers as module
from ingest_api.server.reading_headers import MAX_HEADER_BYTES, read_headers

MOST_BYTES = 8_000_000
MEASURED = 256
"""What so many blocks take tells what all that may be remembered take: to trace each of them is slow."""
START = b"POST /v1/telemetry HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 150\r\n"


def filled(start: bytes, header: bytes, number: int) -> bytes:
    """A block of many such headers, as long as it may be and unlike every other one."""
    room = MAX_HEADER_BYTES - len(start) - 20
    return start + header * (room // len(header)) + b"N: %08d\r\n\r\n" % number


@pytest.mark.parametrize("start", [START, START.replace(b"POST", b"GET"), b"GET / HTTP/1.1\r\nHost: a\r\n"])
@pytest.mark.parametrize(
    "header", [b"a:\r\n", b"a: b\r\n", b"X-Request-Id: %s\r\n" % (b"x" * 64), b"U: %s\r\n" % (b"x" * 200)]
)
def test_headers_that_are_remembered_take_8_mb_at_most(start: bytes, header: bytes) -> None:
    module._read.cache_clear()
    assert (read_headers(filled(start, header, 0)) is not None) == (start == START)
    tracemalloc.start()
    try:
        for number in range(1, MEASURED + 1):
            read_headers(filled(start, header, number))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    remembered = module._read.cache_info()
    module._read.cache_clear()
    assert remembered.currsize == MEASURED + 1
    assert remembered.maxsize is not None
    assert 1000 < remembered.maxsize < MOST_BYTES * MEASURED / held


def test_headers_are_read_once() -> None:
    module._read.cache_clear()
    assert read_headers(filled(START, b"a: b\r\n", 1)) == read_headers(filled(START, b"a: b\r\n", 1) + b"{")
    assert module._read.cache_info().misses == 1
