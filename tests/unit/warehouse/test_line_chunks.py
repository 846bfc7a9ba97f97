"""A stream of bytes cut into chunks of lines: the same lines, however the bytes came in pieces."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.contract.errors import TooLargeError
from warehouse.decoding.line_chunks import LineChunks

BYTES = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"\n\n", b"{}"]), max_size=60).map(b"".join)


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """The stream in pieces."""
    bounds = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(bounds)]


def chunks_of(pieces: Iterable[bytes], *, max_lines: int = 10**6, max_bytes: int = 10**6) -> list[list[bytes]]:
    chunks = LineChunks(max_lines=max_lines, max_bytes=max_bytes, max_line_bytes=10**6)
    return [*(chunk for piece in pieces for chunk in chunks.feed(piece)), chunks.finish()]


@given(BYTES, st.lists(st.integers(min_value=0), max_size=20))
def test_any_cut_gives_the_same_lines(stream: bytes, places: list[int]) -> None:
    assert chunks_of(cut(stream, places)) == [stream.split(b"\n")]


@given(BYTES, st.lists(st.integers(min_value=0), max_size=20), st.integers(1, 5), st.integers(1, 9))
def test_in_chunks_of_any_size_they_are_the_same_lines(
    stream: bytes, places: list[int], max_lines: int, max_bytes: int
) -> None:
    chunks = chunks_of(cut(stream, places), max_lines=max_lines, max_bytes=max_bytes)
    assert [line for chunk in chunks for line in chunk] == stream.split(b"\n")
    assert all(len(chunk) <= max_lines for chunk in chunks[:-1])


@given(BYTES, st.lists(st.integers(min_value=0), max_size=20), st.integers(1, 5))
def test_chunks_by_lines_do_not_depend_on_the_pieces(stream: bytes, places: list[int], max_lines: int) -> None:
    assert chunks_of(cut(stream, places), max_lines=max_lines) == chunks_of([stream], max_lines=max_lines)


def test_a_chunk_is_handed_on_by_the_piece_with_which_it_is_large_enough() -> None:
    chunks = LineChunks(max_lines=100, max_bytes=10, max_line_bytes=100)
    assert list(chunks.feed(b"12345\n678\n901")) == []
    assert chunks.kept_bytes == len(b"12345678901")
    assert list(chunks.feed(b"2\n3")) == [[b"12345", b"678", b"9012"]]
    assert chunks.kept_bytes == 1
    assert chunks.finish() == [b"3"]


@pytest.mark.parametrize("pieces", [[b"1\n2\n3456\n5\n"], [b"1\n2\n34", b"56"], [b"1\n", b"2\n3", b"4", b"5", b"6"]])
def test_a_line_that_is_too_long_is_refused_and_those_before_it_are_given(pieces: list[bytes]) -> None:
    chunks = LineChunks(max_lines=100, max_bytes=100, max_line_bytes=3)
    with pytest.raises(TooLargeError):
        for piece in pieces:
            list(chunks.feed(piece))
    assert chunks.take() == [b"1", b"2"]


@given(
    st.lists(st.sampled_from([b"", b"a", b"ab", b"abc", b"abcd", b"abcdefgh" * 5]), min_size=1, max_size=20),
    st.lists(st.integers(min_value=0), max_size=20),
    st.integers(1, 5),
)
def test_where_lines_are_cut_each_other_one_is_given_whole(
    lines: list[bytes], places: list[int], max_lines: int
) -> None:
    chunks = LineChunks(max_lines=max_lines, max_bytes=100, max_line_bytes=3, cut_to_bytes=2)
    given_lines: list[bytes] = []
    cut_lines: list[int] = []
    for piece in [*cut(b"\n".join(lines), places), None]:
        for some in chunks.feed(piece) if piece is not None else [chunks.finish()]:
            cut_lines += [len(given_lines) + index for index in sorted(chunks.cut_lines)]
            given_lines += some
            assert chunks.kept_bytes <= 100 + 4
    assert given_lines == [line if len(line) <= 3 else line[:2] for line in lines]
    assert cut_lines == [index for index, line in enumerate(lines) if len(line) > 3]


def test_of_a_line_without_end_no_more_is_kept_than_a_line_may_have() -> None:
    chunks = LineChunks(max_lines=10, max_bytes=1000, max_line_bytes=100, cut_to_bytes=5)
    for _ in range(1_000):
        assert list(chunks.feed(b"x" * 64)) == []
        assert chunks.kept_bytes <= 101
    assert list(chunks.feed(b"\nnext\n")) == []
    assert (chunks.finish(), chunks.cut_lines) == ([b"xxxxx", b"next", b""], frozenset({0}))
