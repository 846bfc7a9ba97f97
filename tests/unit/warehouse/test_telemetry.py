"""Bytes of telemetry: what is JSON, what is an item, and which bytes of the body each item is."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.contract.readings import AcceptedWindow
from warehouse.decoding.json_bodies import MalformedBodyError
from warehouse.decoding.telemetry import Telemetry, TooManyItemsError, decode_body, decode_lines

NOW = datetime(2026, 2, 8, 12, tzinfo=UTC)
WINDOW = AcceptedWindow.around(NOW, age=timedelta(days=7), ahead=timedelta(minutes=5))
METER = b'{"meterId":"m","kwhConsumedAc":1,"voltage":null,"timestamp":"2026-02-08T12:00:00Z"}'
BOM = b"\xef\xbb\xbf"
PASSES_ONLY_SLOWLY = [b"1e400", b'"\\ud800"', b"1" * 5000]
"""JSON of a kind that the fast decoder refuses."""


TOO_DEEP = 100_000
"""How deep that is, is Python's to say: 1,000 in 3.11, more since 3.12. What is less deep is refused for what it is."""


def decode(body: bytes, max_items: int = 1000) -> Telemetry:
    return decode_body(body, WINDOW, max_items=max_items)


def malformed(body: bytes) -> str:
    with pytest.raises(MalformedBodyError) as caught:
        decode(body)
    return caught.value.code


def codes(telemetry: Telemetry) -> list[tuple[int, str]]:
    return [(each.index, each.code) for each in telemetry.rejections]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[",
        b"]",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1]]",
        b"[1e400,]",
        b"[1e400 2]",
        b"[1e400]x",
        b"[] []",
        b"{} {}",
        METER + METER,
        METER + b"\n" + METER,
        b"{'a':1}",
        b'{"a":1,}',
        b"{a:1}",
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":5.}',
        b'{"a":0x1}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b"[NaN]",
        b'{"a":nan}',
        b'{"a":"\n"}',
        b'{"a":"\0"}',
        b'{"a":"\\x"}',
        b'{"a":"\\u12"}',
        b"// \n{}",
        BOM,
        BOM + BOM + METER,
        METER + BOM,
        b"[" + BOM + METER + b"]",
        b"\x0b{}",
        b"{}\0",
    ],
)
def test_a_body_that_is_no_json(body: bytes) -> None:
    assert malformed(body) == "malformed_json"


@pytest.mark.parametrize(
    "sequence", [b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80"], ids=repr
)
@pytest.mark.parametrize("body", [b'{"a":"%s"}', b'{"%s":1}', b"[%s]", b'[1e400,"%s"]', b"%s"])
def test_a_body_that_is_no_utf8(body: bytes, sequence: bytes) -> None:
    assert malformed(body % sequence) == "invalid_utf8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [METER.decode(), f"[{METER.decode()}]", f" \n{METER.decode()}", '{"é":1}'])
def test_a_body_in_a_wide_encoding_is_told_its_name(encoding: str, text: str) -> None:
    with pytest.raises(MalformedBodyError, match=encoding[:6].upper()) as caught:
        decode(text.lstrip().encode(encoding))
    assert caught.value.code == "invalid_utf8"


def test_a_byte_order_mark_before_a_body_is_skipped() -> None:
    assert decode(BOM + METER).readings == decode(METER).readings
    many = b"[" + b",".join([METER] * 50) + b"]"
    assert decode(BOM + many).indexes == list(range(50))
    slow = decode(BOM + b"[" + METER + b",1e400]")
    assert (slow.indexes, slow.raw_item(1)) == ([0], b"1e400")
    assert decode(BOM + METER.replace(b":1,", b":-1,")).raw_item(0).startswith(BOM), "it is kept as it was sent"


@pytest.mark.parametrize("number", [1, 100])
def test_a_byte_order_mark_before_a_line_is_skipped_and_alone_it_is_a_blank_line(number: int) -> None:
    lines = [BOM, BOM + b"\r", *[METER] * number, BOM + METER + b"\r"]  # as files that were put together have it
    telemetry = decode_lines(lines, WINDOW)
    assert (telemetry.indexes, telemetry.rejections) == (list(range(2, number + 3)), [])


@pytest.mark.parametrize("depth", [TOO_DEEP, 10 * TOO_DEEP])
@pytest.mark.parametrize("prefix", [b"", b"1e400,"], ids=["fast", "slow"])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_a_body_nested_too_deep(depth: int, prefix: bytes, opening: bytes, closing: bytes) -> None:
    assert malformed(b"[" + prefix + opening * depth + b"1" + closing * depth + b"]") == "nested_too_deep"


@pytest.mark.parametrize("depth", [TOO_DEEP, 10 * TOO_DEEP])
def test_a_line_nested_too_deep_costs_only_itself(depth: int) -> None:
    telemetry = decode_lines([METER, b"[" * depth + b"]" * depth, b'{"x":1e400,"y":' + b"[" * depth, METER], WINDOW)
    assert telemetry.indexes == [0, 3]
    assert codes(telemetry) == [(1, "nested_too_deep"), (2, "nested_too_deep")]


def test_an_object_is_one_item_whose_bytes_are_the_body() -> None:
    body = b" \t\r\n" + METER + b"\n"
    telemetry = decode(body)
    assert not telemetry.is_batch
    assert [reading.ts for reading in telemetry.readings] == [NOW]
    assert telemetry.raw_item(0) == body


@pytest.mark.parametrize("body", [b"[]", b" [ ] ", b"\n[\t]\r\n"])
def test_an_empty_array_is_no_item(body: bytes) -> None:
    telemetry = decode(body)
    assert telemetry.is_batch
    assert len(telemetry) == 0


@pytest.mark.parametrize("slow", [b"5", *PASSES_ONLY_SLOWLY], ids=["fast", "infinite", "surrogate", "huge"])
def test_each_item_of_an_array_keeps_its_own_bytes(slow: bytes) -> None:
    items = [METER, slow, b'{ "a" : [ 1 , "]," , {} ] }', '"é\\"\u2028"'.encode(), b"null", b"[ ]", METER]
    telemetry = decode(b" [ " + b" ,\n\t".join(items) + b" ] ")
    assert telemetry.indexes == [0, 6]
    assert [index for index, _ in codes(telemetry)] == [1, 2, 3, 4, 5]
    assert [telemetry.raw_item(index) for index in range(len(items))] == items


def test_an_array_of_too_many_items_is_not_even_validated() -> None:
    assert len(decode(b"[1,2,3]", max_items=3)) == 3
    for body in (b"[1,2,3,4]", b"[1e400,2,3,4]"):
        with pytest.raises(TooManyItemsError):
            decode(body, max_items=3)


@pytest.mark.parametrize(
    ("number", "code"),
    [(b"1e400", "out_of_range"), (b"-1e400", "out_of_range"), (b"1" * 5000, "out_of_range"), (b"-1e-400", None)],
    ids=["1e400", "-1e400", "5000 digits", "-1e-400"],
)
def test_a_number_beyond_any_float_is_validated_like_any_other(number: bytes, code: str | None) -> None:
    telemetry = decode(METER.replace(b":1,", b":" + number + b","))
    assert [code for _, code in codes(telemetry)] == ([] if code is None else [code])
    assert [reading.kwh for reading in telemetry.readings] == ([0.0] if code is None else [])


@pytest.mark.parametrize("blank", [b"", b" ", b"\t", b"\r", b" \t\r"], ids=repr)
def test_blank_lines_are_nothing_and_the_others_keep_the_index_of_their_line(blank: bytes) -> None:
    lines = [blank, METER, blank, b"{", METER + b"\r", b"[]", b"\xff", b"5", b"NaN", blank]
    telemetry = decode_lines(lines, WINDOW)
    assert telemetry.indexes == [1, 4]
    expected = [(3, "malformed_json"), (5, "not_an_object"), (6, "invalid_utf8"), (7, "not_an_object")]
    assert sorted(codes(telemetry)) == [*expected, (8, "malformed_json")]
    assert telemetry.raw_item(6) == b"\xff"


def test_a_line_that_only_the_slow_decoder_reads_is_read() -> None:
    line = METER.replace(b"{", b'{"unknown":1e400,')
    assert len(decode_lines([line], WINDOW).readings) == 1


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(items=st.lists(JSON_VALUES, max_size=6), indent=st.sampled_from([None, 0, 2]), escaped=st.booleans())
def test_any_array_of_json_is_split_into_the_items_it_was_made_of(
    items: list[Any], indent: int | None, escaped: bool
) -> None:
    body = json.dumps(items, indent=indent, ensure_ascii=escaped).encode()
    telemetry = decode(body)
    assert len(telemetry) == len(items)
    assert [json.loads(telemetry.raw_item(index)) for index in range(len(items))] == items


@given(body=st.binary(max_size=40) | st.text(alphabet='[]{}",:0e.-NaI\\u ', max_size=40).map(str.encode))
def test_no_bytes_at_all_do_anything_but_decode_or_be_refused(body: bytes) -> None:
    try:
        telemetry = decode(body)
    except MalformedBodyError as error:
        telemetry = Telemetry.undecodable(body, error)
    for rejection in telemetry.rejections:
        assert telemetry.raw_item(rejection.index) in body
