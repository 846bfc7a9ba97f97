"""More than can be stored in time: refused at once, to be sent again; and what was accepted is still answered."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import islice

import httpx
import psycopg
import pytest

from ingest_api.bodies import deadline, limits
from ingest_api.commit.group_commit import SMALL_WRITERS
from ingest_api.database_pulse import DatabasePulse
from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.site import (
    NDJSON,
    MakeSite,
    Site,
    assert_problem,
    encode,
    new_id,
    until,
    until_someone_waits_for_a_lock,
)
from tests.integration.ingest_api.slow_request import slow_request

FOREVER_S = 3600.0
SOON_S = 0.2


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@contextmanager
def stuck(site: Site) -> Iterator[None]:
    """The writers wait for a lock that we hold; reads that need that table do, too."""
    with psycopg.connect(site.database_url) as blocker:
        blocker.execute("LOCK TABLE meter_latest")
        yield


def readings_of(device: str, number: int) -> list[bytes]:
    start = now_s() - timedelta(hours=1)
    return [encode(meter_payload(meterId=device, timestamp=iso(start + timedelta(seconds=n)))) for n in range(number)]


def assert_refused(answer: httpx.Response, code: str) -> None:
    assert_problem(answer, 503, code)
    assert 1 <= int(answer.headers["retry-after"]) <= 5


def begin(pool: ThreadPoolExecutor, site: Site, bodies: list[bytes]) -> list[Future[httpx.Response]]:
    """Send a body to each writer; when they have them in their hands, the others."""
    answers = []
    for number in range(SMALL_WRITERS):
        answers.append(pool.submit(site.send, bodies[number]))
        until_someone_waits_for_a_lock(site.connection, number + 1)
    return [*answers, *(pool.submit(site.send, body) for body in bodies[SMALL_WRITERS:])]


def test_a_full_queue_refuses_at_once_and_what_it_holds_is_stored(
    make_site: MakeSite, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ANSWER_WITHIN_S", FOREVER_S)
    site = make_site(max_waiting_readings=3)
    device = new_id("queue")
    readings = readings_of(device, 8)
    with stuck(site):
        answers = [pool.submit(site.send, reading) for reading in readings]
        for refused in islice(as_completed(answers), 5):  # the three that are left wait
            assert_refused(refused.result(), "overloaded")
        assert_refused(site.send(b"[" + b",".join(readings) + b"]"), "overloaded")
        assert_refused(site.send_lines(readings), "overloaded")
        assert_refused(site.send(b"not JSON"), "overloaded")
        assert site.client.get("/livez").status_code == 200
    assert sorted(answer.result().status_code for answer in answers) == [201] * 3 + [503] * 5
    assert len(site.stored(device)) == 3
    assert site.send_lines(readings).json()["accepted"] == 5


def test_one_body_larger_than_the_queue_gets_through_where_nothing_waits(make_site: MakeSite) -> None:
    site = make_site(max_waiting_readings=3)
    device = new_id("queue")
    assert site.send(b"[" + b",".join(readings_of(device, 10)) + b"]").json()["accepted"] == 10


@pytest.mark.long
def test_what_is_not_stored_in_time_is_answered_and_may_be_stored_all_the_same(
    site: Site, pool: ThreadPoolExecutor
) -> None:
    device = new_id("late")
    readings = readings_of(device, 6)
    with stuck(site):
        for answer in begin(pool, site, readings[:4]):
            assert_refused(answer.result(), "database_unavailable")
        # The writers are known to hang: refused before their bodies are read.
        assert_refused(site.send(readings[4]), "database_unavailable")
        assert_refused(site.send_lines(readings), "database_unavailable")
        assert_refused(site.send(b"not JSON"), "database_unavailable")
    until(lambda: site.send(readings[5]).status_code == 201)
    stored = [row[0] for row in site.stored(device)]
    # What the writers had in their hands, and the last one; of the rest nobody waited for an answer any more.
    assert len(stored) == SMALL_WRITERS + 1
    assert site.send_lines(readings).json()["accepted"] == len(readings) - len(stored)


def test_a_stream_that_gets_stuck_is_answered_with_the_counts_so_far(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(max_items=10)
    device = new_id("stream")
    readings = readings_of(device, 25)

    with slow_request(site.client.base_url.port or 0, media_type=NDJSON) as request:
        request.send(b"\n".join([*readings[:9], b"bad", b""]))
        until(lambda: len(site.stored(device)) == 9)
        monkeypatch.setattr(limits, "ANSWER_WITHIN_S", SOON_S)
        with stuck(site):
            request.send(b"\n".join([*readings[9:20], b""]))
            response, problem = request.answer()
    assert (response.status, problem["code"]) == (503, "database_unavailable")
    assert 1 <= int(response.headers["Retry-After"]) <= 5
    assert [problem[name] for name in ("accepted", "duplicates", "conflicts", "rejected")] == [9, 0, 0, 1]
    assert [error["index"] for error in problem["errors"]] == [9]
    until(lambda: site.send_lines(readings).status_code == 200)
    assert len(site.stored(device)) == 25


def test_questions_are_answered_in_time_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    device = new_id("slow")
    assert site.send(readings_of(device, 1)[0]).status_code == 201
    monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", SOON_S)
    with stuck(site):
        for _ in range(3):
            assert_refused(site.client.get(f"/v1/meters/{device}"), "database_unavailable")
        assert site.client.get("/livez").status_code == 200
    until(lambda: site.client.get(f"/v1/meters/{device}").status_code == 200)


def test_a_question_that_takes_long_is_waited_for_while_the_database_answers_others(
    site: Site, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = new_id("slow")
    assert site.send(readings_of(device, 1)[0]).status_code == 201
    monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", SOON_S)
    monkeypatch.setattr(DatabasePulse, "silent_s", answers_all_the_time)
    with stuck(site):
        answer = pool.submit(site.client.get, f"/v1/meters/{device}")
        assert not wait([answer], 5 * SOON_S).done
    assert answer.result().status_code == 200


def test_but_not_for_ever(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "READ_WITHIN_S", 5 * SOON_S)
    monkeypatch.setattr(DatabasePulse, "silent_s", answers_all_the_time)
    with stuck(site):
        assert_refused(site.client.get("/v1/meters"), "too_slow")


def answers_all_the_time(_pulse: DatabasePulse) -> float:
    """As if it had just answered another request; when it does is the next test's."""
    return 0.0


def test_every_answer_of_the_database_is_a_beat_of_its_pulse(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[float] = []
    monkeypatch.setattr(DatabasePulse, "beat", lambda _pulse: beats.append(time.monotonic()))
    assert site.client.get("/v1/mappings").is_success
    of_questions = len(beats)
    assert of_questions > 0
    assert site.send(encode(meter_payload())).is_success
    assert len(beats) > of_questions


def test_a_change_that_takes_long_is_made_and_sending_it_again_finds_it_made(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_mapping = {"vehicleId": new_id("veh"), "meterId": new_id("meter")}
    with psycopg.connect(site.database_url) as blocker:
        blocker.execute("LOCK TABLE vehicle_meter_map")
        monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", SOON_S)
        assert_refused(site.client.post("/v1/mappings", json=new_mapping), "database_unavailable")
    until(lambda: site.client.post("/v1/mappings", json=new_mapping).status_code == 200)


PROXY = "127.0.0.1"
"""It names clients, so that several of them can come from one machine."""


def held_by(client: str) -> dict[str, str]:
    return {"X-Forwarded-For": client}


def test_what_all_bodies_hold_together_is_bounded(make_site: MakeSite) -> None:
    site = make_site(max_body_bytes=4096, max_decoded_bytes=4096, max_held_bytes=3 * 4096, trusted_proxies=PROXY)
    port = site.client.base_url.port or 0
    with ExitStack() as stack:
        for number in range(3):
            request = stack.enter_context(slow_request(port, headers=held_by(f"10.0.0.{number}")))
            request.send(b" " * 4000)
        until(lambda: site.send(b" " * 4000).status_code == 503)
        assert_refused(site.send(b" " * 4000), "overloaded")
        assert_refused(site.client.post("/v1/mappings", content=b" " * 4000), "overloaded")
        assert site.send(b"[]").status_code == 200
    until(lambda: site.send(b" " * 4000).status_code == 400)


@pytest.mark.parametrize("path", ["/v1/telemetry", "/v1/mappings"])
def test_a_client_that_sends_many_bodies_and_ends_none_leaves_half_of_it_to_the_others(
    make_site: MakeSite, path: str
) -> None:
    site = make_site(max_body_bytes=4096, max_decoded_bytes=4096, max_held_bytes=8 * 4096, trusted_proxies=PROXY)
    port = site.client.base_url.port or 0
    with ExitStack() as stack:
        for _ in range(20):
            request = stack.enter_context(slow_request(port, path, headers=held_by("10.0.0.1")))
            request.send(b" " * 4000)
        full = {**held_by("10.0.0.1"), "Content-Type": "application/json"}
        until(lambda: site.client.post(path, content=b" " * 4000, headers=full).status_code == 503)
        for other in ("10.0.0.2", "10.0.0.3"):
            assert site.client.post(path, content=b" " * 4000, headers={**full, **held_by(other)}).status_code == 400
        for _ in range(3):  # of another one, too, several
            request = stack.enter_context(slow_request(port, path, headers=held_by("10.0.0.4")))
            request.send(b" " * 2000)
        assert site.client.post(path, content=b" " * 4000, headers={**full, **held_by("10.0.0.5")}).status_code == 400
