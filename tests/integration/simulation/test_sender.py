"""The sender against a real HTTP server that fails in every way an API may: nothing is lost, nothing sent in vain."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.simulation.recording_api import Key, Misbehaviour, RecordingApi
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.ingest_client import RefusedError
from warehouse.simulation.payloads import Payload, readings
from warehouse.simulation.progress import Totals
from warehouse.simulation.sender import RESUME_MARGIN_S, Sender

NOON_S = int(datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp())
HOUR_S = 3600
PATIENCE_S = 120.0
"""An upper bound for waits on a busy machine; nothing is asserted to be quicker."""


@dataclass
class Notebook:
    """A watcher that writes everything down."""

    notes: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    fills: list[tuple[float, int]] = field(default_factory=list)
    lives: list[tuple[float, int]] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def alarm(self, text: str) -> None:
        self.alarms.append(text)

    def filling(self, done_ratio: float, totals: Totals) -> None:
        self.fills.append((done_ratio, totals.sent))

    def live(self, lag_s: float, totals: Totals) -> None:
        self.lives.append((lag_s, totals.sent))


def expected(fleet: Fleet, start_s: int, end_s: int) -> dict[Key, Payload]:
    return {
        (each.payload.get("meterId") or each.payload["vehicleId"], each.payload["timestamp"]): each.payload
        for some in readings(fleet, start_s, end_s)
        for each in some
    }


def filler(api: RecordingApi, *, vehicles: int = 20, since_s: int = NOON_S, now_s: int = NOON_S + HOUR_S) -> Sender:
    """A sender that fills up to a fixed present."""
    return Sender(Fleet(vehicles), api.url, since_s, Notebook(), once=True, clock=lambda: now_s)


def notebook(sender: Sender) -> Notebook:
    assert isinstance(sender.watcher, Notebook)
    return sender.watcher


async def run_until(sender: Sender, condition: Callable[[], bool]) -> Totals:
    """Runs live until the condition holds, then stops as a signal would."""
    run = asyncio.create_task(sender.run())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not condition() and not run.done():  # noqa: ASYNC110 - what it waits for is another thread's
                await asyncio.sleep(0.05)
    sender.stop()
    return await asyncio.wait_for(run, PATIENCE_S)


def test_a_fill_sends_every_reading_in_order_and_in_bodies_of_bounded_size(api: RecordingApi) -> None:
    sender = filler(api, vehicles=60, now_s=NOON_S + 3 * HOUR_S)
    totals = asyncio.run(sender.run())
    assert api.stored == expected(Fleet(60), NOON_S, NOON_S + 3 * HOUR_S)
    assert [len(request.payloads) for request in api.requests[:-1]] == [10_000, 10_000]
    assert {request.content_type for request in api.requests} == {"application/x-ndjson"}
    timestamps = [payload["timestamp"] for request in api.requests for payload in request.payloads]
    assert all(before <= after for before, after in pairwise(timestamps))
    sent = sum(len(request.payloads) for request in api.requests)
    assert totals == Totals(sent=sent, stored=len(api.stored), duplicates=sent - len(api.stored))
    assert 0 < totals.duplicates < 30  # what devices send twice
    assert notebook(sender).fills[-1] == (1, totals.sent)
    assert notebook(sender).alarms == []


def test_the_fleet_is_provisioned_before_it_reports(api: RecordingApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.simulation.provisioning.MAPPINGS_AT_ONCE", 50)
    sender = filler(api, vehicles=60, now_s=NOON_S)
    sender.token = "secret-of-the-test"  # noqa: S105 - there is no other
    asyncio.run(sender.run())
    fleet = Fleet(60)
    assert api.mappings == fleet.mappings()
    meters, vehicles = api.settings["meters"], api.settings["vehicles"]
    assert [{"meterId": name, **settings} for name, settings in sorted(meters.items())] == fleet.devices()[:60]
    assert [{"vehicleId": name, **settings} for name, settings in sorted(vehicles.items())] == fleet.devices()[60:]
    assert set(api.authorizations) == {"Bearer secret-of-the-test"}
    assert api.requests == []


def test_settings_that_the_api_has_are_left_alone(api: RecordingApi) -> None:
    """A change restates days that are stored."""
    asyncio.run(filler(api, now_s=NOON_S).run())
    name, changed = api.settings["meters"].popitem()
    api.settings["meters"][name] = {**changed, "resolutionKwh": None, "displayName": "bay 4"}
    api.changes.clear()
    asyncio.run(filler(api, now_s=NOON_S).run())
    assert api.changes == [changed]
    assert api.settings["meters"][name] == {**changed, "displayName": "bay 4"}


def test_failures_lose_nothing_and_are_retried_no_sooner_than_asked(
    api: RecordingApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.simulation.ingest_client.FIRST_BACKOFF_S", 0.002)
    api.next_ones.extend(
        [
            Misbehaviour(503, retry_after="1"),
            Misbehaviour(429),
            Misbehaviour(None),
            Misbehaviour(502),
            Misbehaviour(504, retry_after="soon"),
            Misbehaviour(None, stores_first=True),
        ]
    )
    sender = filler(api)
    totals = asyncio.run(sender.run())
    assert api.stored == expected(Fleet(20), NOON_S, NOON_S + HOUR_S)
    assert api.requests[1].at - api.requests[0].at >= 1
    assert len(api.requests) == 7  # one body, and a retry for each failure
    assert totals.retries == 6
    assert totals.duplicates == totals.sent >= len(api.stored)  # the last failure had stored it all
    assert any("503 overloaded" in note for note in notebook(sender).notes)


@pytest.mark.parametrize("status", [400, 401, 413, 422, 500])
def test_an_error_that_no_retry_helps_ends_the_run_with_its_code(api: RecordingApi, status: int) -> None:
    api.next_ones.append(Misbehaviour(status, code="no_such_luck"))
    with pytest.raises(RefusedError, match=f"{status} no_such_luck: this is what no_such_luck says"):
        asyncio.run(filler(api).run())
    assert len(api.requests) == 1


def test_some_conflicts_are_reported_and_the_rest_goes_on(api: RecordingApi) -> None:
    key, payload = next(iter(expected(Fleet(20), NOON_S + 600, NOON_S + HOUR_S).items()))
    api.stored[key] = {**payload, "timestamp": key[1], "voltage": 1.0, "soc": 1.0}
    sender = filler(api)
    totals = asyncio.run(sender.run())
    assert (totals.conflicts, totals.refused) == (1, 1)
    assert totals.stored == len(api.stored) - 1
    assert "conflict: other values" in notebook(sender).alarms[0]


def test_a_fleet_of_another_seed_is_noticed_before_it_is_mixed_in(api: RecordingApi) -> None:
    asyncio.run(filler(api).run())
    before = dict(api.stored)
    other = filler(api, now_s=NOON_S + 2 * HOUR_S)
    other.fleet = Fleet(20, seed=1)
    with pytest.raises(RefusedError, match=r"conflict: other values \(did another seed"):
        asyncio.run(other.run())
    assert api.stored == before


def test_a_run_goes_on_where_the_one_before_had_come(api: RecordingApi) -> None:
    asyncio.run(filler(api).run())
    api.requests.clear()
    later_s = NOON_S + 2 * HOUR_S
    sender = filler(api, now_s=later_s)
    totals = asyncio.run(sender.run())
    assert api.stored == expected(Fleet(20), NOON_S, later_s)
    first = datetime.fromisoformat(api.requests[0].payloads[0]["timestamp"]).timestamp()
    assert NOON_S + HOUR_S - RESUME_MARGIN_S - 60 <= first <= NOON_S + HOUR_S - RESUME_MARGIN_S
    assert 0 < totals.duplicates <= 20 * 2 * 4
    assert any("resuming at 2026-05-04 12:5" in note for note in notebook(sender).notes)


def test_the_device_that_is_furthest_behind_decides(api: RecordingApi) -> None:
    asyncio.run(filler(api).run())
    half_s = NOON_S + HOUR_S // 2
    api.stored = {key: payload for key, payload in api.stored.items() if key[0] != "meter-00001"}
    api.stored |= {key: each for key, each in expected(Fleet(20), NOON_S, half_s).items() if key[0] == "meter-00001"}
    asyncio.run(filler(api).run())
    assert api.stored == expected(Fleet(20), NOON_S, NOON_S + HOUR_S)


def test_a_larger_fleet_begins_at_the_beginning(api: RecordingApi) -> None:
    asyncio.run(filler(api).run())
    asyncio.run(filler(api, vehicles=30).run())
    assert api.stored == expected(Fleet(30), NOON_S, NOON_S + HOUR_S)


def test_nothing_before_since_is_sent_though_the_fleet_has_been_away(api: RecordingApi) -> None:
    asyncio.run(filler(api).run())
    api.requests.clear()
    asyncio.run(filler(api, since_s=NOON_S + 2 * HOUR_S, now_s=NOON_S + 3 * HOUR_S).run())
    assert api.requests[0].payloads[0]["timestamp"].startswith("2026-05-04T14:00:")


def test_what_is_too_old_is_skipped_aloud(api: RecordingApi, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest_s = 6 * HOUR_S
    monkeypatch.setattr("warehouse.simulation.sender.OLDEST_S", oldest_s)
    since_s = NOON_S - oldest_s - HOUR_S
    sender = filler(api, vehicles=2, since_s=since_s, now_s=NOON_S)
    totals = asyncio.run(sender.run())
    assert api.stored == expected(Fleet(2), NOON_S - oldest_s, NOON_S)
    assert totals.skipped_s == HOUR_S
    assert "skipping" in notebook(sender).alarms[0]


@pytest.fixture
def never_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine too a live sender is live, and does not fall back to filling."""
    monkeypatch.setattr("warehouse.simulation.live.BEHIND_S", PATIENCE_S)
    monkeypatch.setattr("warehouse.simulation.sender.PRESENT_S", PATIENCE_S)


@pytest.fixture
def provisioned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large fleet has its mappings and settings already: each of its devices would be asked for."""

    async def nothing_to_do(*_arguments: object) -> None:
        pass

    monkeypatch.setattr("warehouse.simulation.sender.provision", nothing_to_do)


@pytest.mark.usefixtures("never_behind", "provisioned")
def test_live_readings_are_sent_one_by_one_when_they_are_due(api: RecordingApi) -> None:
    fleet = Fleet(600)  # twenty readings a second
    began_s = int(time.time())
    sender = Sender(Fleet(600), api.url, began_s, Notebook())
    totals = asyncio.run(run_until(sender, lambda: len(api.stored) > 60 and bool(notebook(sender).lives)))
    ended_s = max(int(datetime.fromisoformat(timestamp).timestamp()) for _, timestamp in api.stored)
    assert (
        expected(fleet, began_s, ended_s).items() <= api.stored.items() <= expected(fleet, began_s, ended_s + 1).items()
    )
    assert {request.content_type for request in api.requests} == {"application/json"}
    assert len(api.stored) == totals.stored == totals.sent - totals.duplicates
    assert len(api.requests) == totals.sent
    assert ended_s <= time.time()


@pytest.mark.long
@pytest.mark.usefixtures("provisioned")
def test_an_api_that_is_long_away_is_caught_up_with_in_large_bodies(
    api: RecordingApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.simulation.live.BEHIND_S", 1.5)
    monkeypatch.setattr("warehouse.simulation.sender.PRESENT_S", 1.0)
    fleet = Fleet(600)
    began_s = int(time.time())
    sender = Sender(Fleet(600), api.url, began_s, Notebook())

    def scene() -> bool:
        if api.away is None and len(api.stored) > 40:
            api.away = Misbehaviour(503, retry_after="1")
        elif api.away and any("behind by" in note for note in notebook(sender).notes):
            api.away = None
        caught_up = any(request.content_type == "application/x-ndjson" for request in api.requests)
        return caught_up and api.requests[-1].content_type == "application/json"

    asyncio.run(run_until(sender, scene))
    ended_s = max(int(datetime.fromisoformat(timestamp).timestamp()) for _, timestamp in api.stored)
    assert expected(fleet, began_s, ended_s).items() <= api.stored.items()
    assert any(request.content_type == "application/x-ndjson" for request in api.requests)


@pytest.mark.usefixtures("never_behind", "provisioned")
def test_many_refused_readings_in_a_row_end_the_run(api: RecordingApi) -> None:
    api.away = Misbehaviour(422, code="out_of_range")
    sender = Sender(Fleet(600), api.url, time.time(), Notebook())
    with pytest.raises(RefusedError, match="out_of_range"):
        asyncio.run(run_until(sender, lambda: False))
    assert sender.totals.rejected >= 20
    assert notebook(sender).alarms[0].startswith(("meter-", "veh-"))


def test_a_stop_while_the_api_is_away_waits_for_no_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_BACKOFF_S", "LONGEST_BACKOFF_S"):
        monkeypatch.setattr(f"warehouse.simulation.ingest_client.{name}", 10 * PATIENCE_S)
    sender = Sender(Fleet(5), "http://127.0.0.1:9", time.time(), Notebook())
    asyncio.run(run_until(sender, lambda: sender.totals.retries > 0))
    assert sender.totals.retries == 1
    assert "trying again" in notebook(sender).notes[0]


COMMAND = "import typer; from orchestration.cli.simulate import simulate; typer.run(simulate)"
ROOT = Path(__file__).parents[3]


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_command_stops_cleanly_and_says_what_it_did(api: RecordingApi, sign: signal.Signals) -> None:
    with command("--url", api.url, "--vehicles", "50", "--since", "today") as process:
        began = time.monotonic()
        while not api.stored and process.poll() is None and time.monotonic() - began < PATIENCE_S:
            time.sleep(0.05)
        process.send_signal(sign)
        output, lines = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, lines
    assert output == ""
    sent = sum(len(request.payloads) for request in api.requests)
    assert f"in all: {sent:,} sent, {len(api.stored):,} stored, {sent - len(api.stored)} duplicate" in lines
    assert "REFUSED" not in lines


def test_a_command_that_was_killed_leaves_no_hole(api: RecordingApi) -> None:
    began_s = int(time.time()) - 4 * HOUR_S
    arguments = (
        "--url",
        api.url,
        "--vehicles",
        "50",
        "--since",
        f"{datetime.fromtimestamp(began_s, UTC).isoformat()}",
    )
    with command(*arguments) as process:
        while len(api.requests) < 2 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    with command(*arguments, "--once") as process:
        _, lines = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, lines
    assert "resuming at" in lines
    assert expected(Fleet(50), began_s, began_s + 4 * HOUR_S).items() <= api.stored.items()


def test_the_command_fails_with_the_problem_where_it_is_refused(api: RecordingApi) -> None:
    api.away = Misbehaviour(401, code="not_authorized")
    now_s = time.time() - 120
    with command("--url", api.url, "--since", datetime.fromtimestamp(now_s, UTC).isoformat()) as process:
        _, lines = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "WARNING: refused, giving up: POST /v1/telemetry: 401 not_authorized: this is what not_authorized" in lines
