"""A body that is no JSON: 400, worth no retry, and kept byte for byte."""

import pytest

from tests.factories import meter_payload
from tests.integration.ingest_api.site import Site, assert_problem, encode

DEEP = 100_000

BODIES = {
    "empty": (b"", "malformed_json"),
    "only whitespace": (b" \n", "malformed_json"),
    "cut short": (b'{"meterId":"m","kwh', "malformed_json"),
    "two objects": (b"{}{}", "malformed_json"),
    "trailing comma": (b'[{"meterId":"m"},]', "malformed_json"),
    "single quotes": (b"{'meterId':'m'}", "malformed_json"),
    "NaN": (encode(meter_payload(kwhConsumedAc="@@NaN@@")), "malformed_json"),
    "Infinity": (encode(meter_payload(voltage="@@Infinity@@")), "malformed_json"),
    "-Infinity": (encode(meter_payload(kwhConsumedAc="@@-Infinity@@")), "malformed_json"),
    "NaN in an array": (encode([meter_payload(), meter_payload(voltage="@@NaN@@")]), "malformed_json"),
    "a NUL byte": (b'{"meterId":"a\0b"}', "malformed_json"),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + encode(meter_payload()), "malformed_json"),
    "UTF-16": (encode(meter_payload()).decode().encode("utf-16"), "invalid_utf8"),
    "NDJSON under the wrong name": (b"{}\n{}", "malformed_json"),
    "latin-1": (b'{"meterId":"caf\xe9"}', "invalid_utf8"),
    "a surrogate in UTF-8": (b'{"meterId":"\xed\xa0\x80"}', "invalid_utf8"),
    "an overlong NUL": (b'{"meterId":"\xc0\x80"}', "invalid_utf8"),
    "bad UTF-8 in an unknown field": (b'{"unknown":"\xff"}', "invalid_utf8"),
    "bad UTF-8 in one item": (b"[" + encode(meter_payload()) + b',"\xff"]', "invalid_utf8"),
    "deep arrays": (b"[" * DEEP + b"]" * DEEP, "nested_too_deep"),
    "deep arrays, never closed": (b"[" * DEEP, "nested_too_deep"),
    "deep objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "nested_too_deep"),
    "deep below an infinite number": (b"[1e400," + b"[" * DEEP + b"]" * DEEP + b"]", "nested_too_deep"),
}


@pytest.mark.parametrize("name", BODIES)
def test_an_undecodable_body_is_refused_and_kept_byte_for_byte(site: Site, name: str) -> None:
    body, code = BODIES[name]
    answer = site.send(body)
    assert_problem(answer, 400, code)
    assert "retry-after" not in answer.headers
    assert site.quarantined(body) == [(code, "", "http", 1)]


def test_nothing_of_an_undecodable_array_is_stored(site: Site) -> None:
    body = encode([meter_payload(meterId="good"), meter_payload(meterId="bad", voltage="@@NaN@@")])
    assert site.send(body).status_code == 400
    assert not site.is_registered("good")


def test_a_line_that_is_no_json_is_one_bad_item_under_the_index_of_its_line(site: Site) -> None:
    good = encode(meter_payload(meterId="among-bad-lines"))
    bad = {1: b'{"cut', 3: b'"latin-1: \xe9"', 4: b"[" * (DEEP + 1), 6: b'{"meterId":NaN}'}
    lines = [bad.get(index, good if index == 5 else b"") for index in range(8)]
    answer = site.send_lines(lines)
    assert answer.status_code == 200
    counts = answer.json()
    assert (counts["accepted"], counts["rejected"]) == (1, 4)
    codes = ["malformed_json", "invalid_utf8", "nested_too_deep", "malformed_json"]
    assert [(error["index"], error["code"]) for error in counts["errors"]] == list(zip(bad, codes, strict=True))
    for line, code in zip(bad.values(), codes, strict=True):
        assert site.quarantined(line) == [(code, "", "http", 1)]
