"""Who sends garbage without end fills no disk, hides nothing, and is written down."""

import socket
from hashlib import sha256
from typing import Any

import pytest

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.site import MakeSite, Site, encode, new_id
from warehouse.postgres.readings.quarantine import MAX_KEPT_OF_A_BODY, MAX_RAW_BYTES

ROW_BYTES = 500
"""More than a row of a few bytes is counted with."""


def counts(site: Site) -> dict[str, tuple[int, int, int]]:
    """Of each code: how many items were refused, how many only counted, how many rows are kept."""
    rows = site.rows("SELECT code, item_count, counted_only, kept_rows FROM quarantine_counts")
    found: dict[str, Any] = {}
    for code, *numbers in rows:
        found[code] = tuple(map(sum, zip(found.get(code, (0, 0, 0)), numbers, strict=True)))
    return found


def kept(site: Site) -> dict[str, int]:
    return dict(site.rows("SELECT code, count(*) FROM quarantined_readings GROUP BY code"))


def conflict(site: Site, device: str) -> bytes:
    """A reading under a key that is stored already, with another value: refused as a conflict."""
    first = encode(meter_payload(meterId=device, timestamp=iso(now_s())))
    assert site.send(first).status_code == 201
    return first.replace(b"230.0", b"231.0")


@pytest.mark.parametrize("form", ["array", "lines"])
def test_of_a_body_the_first_are_kept_and_all_are_counted(make_site: MakeSite, form: str) -> None:
    site = make_site()
    items = [b'{"z":%d}' % number for number in range(10_000)]
    answer = site.send(b"[%s]" % b",".join(items)) if form == "array" else site.send_lines(items)
    assert answer.json()["rejected"] == 10_000
    assert counts(site) == {"unknown_kind": (10_000, 10_000 - MAX_KEPT_OF_A_BODY, MAX_KEPT_OF_A_BODY)}
    assert kept(site) == {"unknown_kind": MAX_KEPT_OF_A_BODY}


def test_of_a_large_item_the_beginning_is_kept_and_the_hash_of_all_of_it(site: Site) -> None:
    item = b'{"large":"' + b"x" * 1_000_000 + b'"}'
    assert site.send(item).status_code == site.send(item).status_code == 422
    query = "SELECT raw, size_bytes, times_seen FROM quarantined_readings WHERE raw_sha256 = %s"
    assert site.rows(query, [sha256(item).digest()]) == [(item[:MAX_RAW_BYTES], len(item), 2)]


def test_large_items_that_begin_alike_are_told_apart(site: Site) -> None:
    beginning = b'{"alike":"' + b"x" * MAX_RAW_BYTES
    for end in (b'1"}', b'2"}'):
        assert site.send(beginning + end).status_code == 422
    query = "SELECT count(*) FROM quarantined_readings WHERE raw = %s"
    assert site.rows(query, [beginning[:MAX_RAW_BYTES]]) == [(2,)]


@pytest.mark.parametrize("limit", ["rows", "bytes"])
def test_beyond_the_quota_items_are_only_counted(make_site: MakeSite, limit: str) -> None:
    quota = {"quarantine_max_rows": 20} if limit == "rows" else {"quarantine_max_bytes": 20 * ROW_BYTES}
    site = make_site(**quota)
    for number in range(50):
        assert site.send(b'{"garbage":%d}' % number).status_code == 422
    ((of_all, counted_only, rows),) = counts(site).values()
    assert 0 < rows <= 20
    assert (of_all, counted_only) == (50, 50 - rows)
    assert kept(site) == {"unknown_kind": rows}
    assert site.send(b'{"garbage":0}').status_code == 422  # kept already: its row counts it, there is no other
    assert site.quarantined(b'{"garbage":0}')[0][3] == 2
    assert f'fleet_quarantine_counted_only_total{{code="unknown_kind"}} {counted_only}.0' in metrics_since(site)


def metrics_since(site: Site) -> str:
    """The metrics, with the counter of this test's process set back to this site's share of it."""
    text = site.client.get("/metrics").text
    name = 'fleet_quarantine_counted_only_total{code="unknown_kind"}'
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    ((total,),) = site.rows("SELECT sum(counted_only)::integer FROM quarantine_counts")
    assert float(line.removeprefix(name)) >= total
    return f"{name} {float(total)}"


def test_garbage_leaves_room_for_conflicts(make_site: MakeSite) -> None:
    site = make_site(quarantine_max_rows=40)
    for number in range(45):
        site.send(b'{"garbage":%d}' % number)
    evidence = conflict(site, "victim")
    assert site.send(evidence).status_code == 409
    assert site.quarantined(evidence) == [("conflict", "", "http", 1)]
    assert kept(site) == {"unknown_kind": 30, "conflict": 1}


def test_deleted_rows_make_room_again(make_site: MakeSite) -> None:
    site = make_site(quarantine_max_rows=4)
    for number in range(5):
        site.send(b'{"garbage":%d}' % number)
    assert kept(site) == {"unknown_kind": 3}
    site.rows("DELETE FROM quarantined_readings RETURNING 1")
    assert site.send(b'{"garbage":"new"}').status_code == 422
    assert kept(site) == {"unknown_kind": 1}
    assert counts(site) == {"unknown_kind": (6, 2, 1)}


def test_the_disk_does_not_grow_with_what_is_sent_again_and_again(make_site: MakeSite) -> None:
    site = make_site()
    body = b"[%s]" % b",".join(b'{"again":%d}' % number for number in range(200))
    size = "SELECT pg_total_relation_size('quarantined_readings')"
    for _ in range(3):
        site.send(body)
    ((before,),) = site.rows(size)
    for _ in range(30):
        assert site.send(body).status_code == 422
    ((after,),) = site.rows(size)
    assert after < 3 * before
    assert counts(site)["unknown_kind"] == (33 * 200, 0, 200)


def sender_of(site: Site, raw: bytes) -> tuple[str | None, str | None]:
    query = "SELECT client_address, request_id FROM quarantined_readings WHERE raw = %s"
    ((address, request_id),) = site.rows(query, [raw])
    return address, request_id


def test_who_sent_it_is_noted_with_the_request_that_was_answered(site: Site) -> None:
    bad = [b'{"sender":"of a body"}', b'{"sender":"of an array"}', b'{"sender":"of a stream"}', b'{"sender":']
    answers = [site.send(bad[0]), site.send(b"[%s]" % bad[1]), site.send_lines([bad[2]]), site.send(bad[3])]
    evidence = conflict(site, new_id())
    for raw, answer in zip([*bad, evidence], [*answers, site.send(evidence)], strict=True):
        assert sender_of(site, raw) == ("127.0.0.1", answer.headers["x-request-id"])


def test_who_sent_it_is_noted_of_a_single_reading_that_conflicts(site: Site) -> None:
    """It is answered by the HTTP protocol itself, past the application."""
    evidence = conflict(site, new_id())
    headers = b"POST /v1/telemetry HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nContent-Type: application/json\r\n"
    port = site.client.base_url.port
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(headers + b"Content-Length: %d\r\n\r\n" % len(evidence) + evidence)
        assert client.recv(4096).startswith(b"HTTP/1.1 409")
    assert sender_of(site, evidence) == ("127.0.0.1", "mine")


def test_the_first_sender_stays(site: Site) -> None:
    bad = b'{"sender":"first"}'
    first = site.send(bad).headers["x-request-id"]
    site.send(bad)
    assert sender_of(site, bad) == ("127.0.0.1", first)


@pytest.mark.parametrize("single", [False, True], ids=["any body", "a single reading"])
def test_behind_a_trusted_proxy_the_client_it_names_is_noted(make_site: MakeSite, single: bool) -> None:
    site = make_site(trusted_proxies="127.0.0.1")
    body = conflict(site, new_id()) if single else b'{"sender":"behind a proxy"}'
    headers = {"Content-Type": "application/json", "X-Forwarded-For": "198.51.100.9, 2001:db8::7"}
    assert site.client.post("/v1/telemetry", content=body, headers=headers).status_code in (409, 422)
    assert sender_of(site, body)[0] == "2001:db8::7"
