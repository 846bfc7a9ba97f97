"""Compressed bodies: decoded in bounded pieces, whatever pieces they come in, and refused where they are broken."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterable

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from ingest_api.bodies.content_encoding import MAX_MEMBERS, Decoder, decoder_of
from tests.unit.warehouse.test_line_chunks import cut
from warehouse.decoding.compression import PIECE_BYTES
from warehouse.decoding.json_bodies import MalformedBodyError

ENCODE: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
MEGABYTE = 1_000_000


def decoder(encoding: str) -> Decoder:
    found = decoder_of(encoding.encode())
    assert found is not None
    return found


def decode(encoding: str, pieces: Iterable[bytes]) -> bytes:
    """The whole of it; no piece is larger than it may be."""
    of = decoder(encoding)
    decoded = [part for piece in pieces for part in of.decode(piece)]
    of.finish()
    assert all(len(part) <= PIECE_BYTES for part in decoded)
    return b"".join(decoded)


@pytest.mark.parametrize("name", ["", "identity", "IDENTITY", "gzip", "GZip", " gzip ", "x-gzip", "zstd", "ZSTD"])
def test_encodings_that_are_understood(name: str) -> None:
    assert decoder_of(name.encode()) is not None


@pytest.mark.parametrize(
    "name", ["br", "deflate", "compress", "gzip, zstd", "gzip,gzip", "gzip;q=1", "aws-chunked", ","]
)
def test_encodings_that_are_not(name: str) -> None:
    assert decoder_of(name.encode()) is None


@given(
    st.sampled_from(["gzip", "zstd"]),
    st.lists(st.binary(max_size=40) | st.just(b"x" * 200_000), min_size=1, max_size=4),
    st.lists(st.integers(min_value=0), max_size=20),
)
def test_any_members_in_any_pieces_decode_to_what_was_encoded(
    encoding: str, members: list[bytes], places: list[int]
) -> None:
    body = b"".join(ENCODE[encoding](member) for member in members)
    assert decode(encoding, cut(body, places)) == b"".join(members)


@given(st.sampled_from(["gzip", "zstd"]), st.binary(max_size=300), st.integers(min_value=0))
def test_a_body_that_is_cut_short_anywhere_is_refused(encoding: str, content: bytes, place: int) -> None:
    body = ENCODE[encoding](content)
    with pytest.raises(MalformedBodyError) as caught:
        decode(encoding, [body[: place % len(body)]])
    assert caught.value.code == "malformed_encoding"


BROKEN = {
    "gzip: something else": ("gzip", b'{"meterId":"m"}'),
    "gzip: zstd": ("gzip", zstd.compress(b"{}")),
    "gzip: a wrong checksum": ("gzip", gzip.compress(b"{}")[:-8] + b"\0" * 8),
    "gzip: something behind it": ("gzip", gzip.compress(b"{}") + b"{}"),
    "gzip: zlib's own format": ("gzip", zlib.compress(b"{}")),
    "zstd: something else": ("zstd", b'{"meterId":"m"}'),
    "zstd: gzip": ("zstd", gzip.compress(b"{}")),
    "zstd: something behind it": ("zstd", zstd.compress(b"{}") + b"{}"),
    "zstd: a wrong checksum": (
        "zstd",
        zstd.compress(b"{}", options={zstd.CompressionParameter.checksum_flag: 1})[:-4] + b"\0" * 4,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_body_that_is_broken_is_refused(name: str) -> None:
    encoding, body = BROKEN[name]
    with pytest.raises(MalformedBodyError):
        decode(encoding, [body])


def test_a_frame_that_would_need_more_memory_than_it_may_is_refused() -> None:
    greedy = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 24})
    body = greedy.compress(b"x") + greedy.flush()
    with pytest.raises(MalformedBodyError):
        decode("zstd", [body])
    allowed = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 23})
    assert decode("zstd", [allowed.compress(b"x") + allowed.flush()]) == b"x"


def test_a_frame_that_holds_nothing_for_us_is_skipped() -> None:
    skippable = bytes.fromhex("502a4d18") + (5).to_bytes(4, "little") + b"hello"
    assert decode("zstd", [skippable + zstd.compress(b"x") + skippable]) == b"x"


@pytest.mark.parametrize("encoding", ENCODE)
def test_members_are_counted(encoding: str) -> None:
    member = ENCODE[encoding](b"")
    assert decode(encoding, [member * MAX_MEMBERS]) == b""
    with pytest.raises(MalformedBodyError):
        decode(encoding, [member * (MAX_MEMBERS + 1)])


@pytest.mark.parametrize("encoding", ENCODE)
def test_it_says_how_much_memory_it_keeps(encoding: str) -> None:
    of = decoder(encoding)
    for _ in of.decode(ENCODE[encoding](os.urandom(MEGABYTE))):
        pass
    assert of.kept_bytes == (MEGABYTE if encoding == "zstd" else 32 * 1024)
    assert decoder("identity").kept_bytes == 0


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0), max_size=5))
def test_without_an_encoding_it_is_what_it_is(content: bytes, places: list[int]) -> None:
    assert decode("", cut(content, places)) == content
    assert decode("identity", [content * 1000]) == content * 1000
