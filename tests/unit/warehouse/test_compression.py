"""Damaged data: what comes before the damage is handed out, and the words say what the damage is."""

import gzip
from collections.abc import Callable

import pytest
from backports import zstd

from warehouse.decoding.compression import Compression, DamagedDataError, Decompressor

CHECKED: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
ENCODE: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: gzip.compress,
    Compression.ZSTD: lambda content: zstd.compress(content, options=CHECKED),
}
CONTENT = b"".join(b"line %d of %d\n" % (number, number * 7919 % 9973) for number in range(5_000))


def decode(compression: Compression, data: bytes, **options: object) -> tuple[bytes, str | None]:
    """What came out, and the words of the damage."""
    decompressor = Decompressor(compression, **{"zstd_window_log": 27, **options})  # type: ignore[arg-type]
    decoded = b""
    try:
        for piece in decompressor.decode(data):
            decoded += piece
        decompressor.finish()
    except DamagedDataError as error:
        return decoded, str(error)
    return decoded, None


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("behind", [b"\r\n", b"\n", b"\r", b"{}", b"trailing garbage" * 100, b"\0\0x", b"\x1e\x8c"])
def test_something_behind_the_data_costs_none_of_it(compression: Compression, behind: bytes) -> None:
    decoded, damage = decode(compression, ENCODE[compression](CONTENT) + behind, zero_padded=True)
    assert decoded == CONTENT
    assert damage == f"something else follows the {compression} data"


@pytest.mark.parametrize("compression", Compression)
def test_nuls_behind_the_data_are_nothing_where_that_is_said(compression: Compression) -> None:
    data = ENCODE[compression](CONTENT)
    assert decode(compression, data + bytes(10_000) + data + b"\0", zero_padded=True) == (CONTENT * 2, None)
    assert decode(compression, data + bytes(10))[1] == f"something else follows the {compression} data"


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("content", [b"one line\n", CONTENT], ids=["small", "large"])
def test_a_wrong_checksum_costs_nothing_but_is_told(compression: Compression, content: bytes) -> None:
    data = ENCODE[compression](content)
    place = -5 if compression is Compression.GZIP else -1  # the length stands behind the checksum of gzip
    wrong = data[:place] + bytes([data[place] ^ 1]) + data[len(data) + place + 1 :]
    assert decode(compression, wrong) == (content, f"the {compression} data does not fit its checksum")


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("missing", [1, 4, 8])
def test_without_its_end_all_of_it_is_there(compression: Compression, missing: int) -> None:
    decoded, damage = decode(compression, ENCODE[compression](CONTENT)[:-missing])
    assert damage == f"the {compression} data ends in the middle"
    assert decoded == CONTENT or (compression is Compression.ZSTD and missing > 4)


@pytest.mark.parametrize("compression", Compression)
def test_damage_in_the_middle_costs_nothing_before_it(compression: Compression) -> None:
    noise = bytes(number * 7919 % 251 for number in range(300_000))
    data = ENCODE[compression](noise[:200_000]) + ENCODE[compression](noise)[:-300] + b"\xff" * 300
    decoded, damage = decode(compression, data)
    assert decoded[:200_000] == noise[:200_000]
    assert damage is not None
    cut = bytearray(gzip.compress(CONTENT))
    cut[len(cut) // 2 :] = b"\xff" * (len(cut) - len(cut) // 2)
    if compression is Compression.GZIP:
        assert decode(compression, bytes(cut))[0].startswith(CONTENT[: len(CONTENT) * 2 // 5])


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize(("data", "words"), [(b"", "there is nothing in it"), (b"{}", "it is something else")])
def test_what_is_no_such_data_at_all(compression: Compression, data: bytes, words: str) -> None:
    assert decode(compression, data) == (b"", words)


def test_a_window_that_is_too_large_is_told_in_words() -> None:
    greedy = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
    data = greedy.compress(b"x") + greedy.flush()
    assert decode(Compression.ZSTD, data)[1] == "the zstd data needs a window of more than 134217728 bytes"
