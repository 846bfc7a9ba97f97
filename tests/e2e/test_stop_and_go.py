"""A home that is stopped or killed: the next start goes on where it was, and nothing acknowledged is lost."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.conftest import Platform, eventually, kill_all
from tests.factories import iso, meter_payload, now_s
from warehouse.simulation.demo import demo_fleet
from warehouse.simulation.payloads import readings

VEHICLES = 20
Row = tuple[object, ...]  # device, instant, kWh

STORED = """
SELECT external_id, ts, kwh FROM meter_readings JOIN meters USING (meter_id)
WHERE external_id <> 'meter-own' AND ts < to_timestamp(%s)
UNION ALL
SELECT external_id, ts, kwh FROM vehicle_readings JOIN vehicles USING (vehicle_id) WHERE ts < to_timestamp(%s)
"""


def stored(platform: Platform, end_s: float) -> set[Row]:
    """The fleet's readings in the home's database."""
    return set(platform.query(STORED, end_s, end_s))


def due(start_s: float, end_s: float) -> set[Row]:
    """The fleet's readings as they had to come: it is a pure function."""
    payloads = (each.payload for some in readings(demo_fleet(VEHICLES), int(start_s), int(end_s)) for each in some)
    return {
        (
            payload.get("meterId") or payload["vehicleId"],
            datetime.fromisoformat(payload["timestamp"]),
            payload["kwhConsumedAc"] if "meterId" in payload else payload["kwhDeliveredDc"],
        )
        for payload in payloads
    }


@contextmanager
def started(home: Path, port: int | None = None) -> Iterator[Platform]:
    with Platform(home, "--no-dagster", "--vehicles", str(VEHICLES), "--history-days", "0", port=port) as platform:
        platform.wait_until_up()
        yield platform


def wait_until_a_reading_falls_due() -> None:
    """A downtime that leaves no hole behind proves nothing unless somebody had to report in it."""
    since_s = time.time() + 1
    assert eventually(lambda: bool(due(since_s, time.time())))


def check_nothing_is_missing(platform: Platform) -> None:
    """From midnight until now, the downtimes too, every reading of every device is there, and as it was."""
    end_s = int(time.time())
    ((begin,),) = platform.query("SELECT date_trunc('day', min(ts)) FROM vehicle_readings")
    assert isinstance(begin, datetime)
    expected = due(begin.astimezone(UTC).timestamp(), end_s)
    eventually(lambda: stored(platform, end_s) == expected)
    found = stored(platform, end_s)
    assert (sorted(expected - found), sorted(found - expected)) == ([], [])


@pytest.mark.long
def test_it_goes_on_after_ctrl_c_and_after_kill_9(home: Path) -> None:
    own = meter_payload(meterId="meter-own")
    later = meter_payload(meterId="meter-own", kwhConsumedAc=101.0, timestamp=iso(now_s() + timedelta(seconds=1)))
    with started(home) as first:
        assert first.post(own) == 201
        before = stored(first, time.time())
        assert before
        assert first.stop(signal.SIGINT) == 0
    ours, _, _ = first.said.partition("nanobind:")  # DuckDB's bindings complain when some processes end; not ours
    assert ours.endswith("stopping\nstopped; the next start goes on from here\n")

    wait_until_a_reading_falls_due()
    with started(home, first.port) as second:
        assert before <= stored(second, time.time())
        assert second.post(own) == 200, "a duplicate: it is still there"
        check_nothing_is_missing(second)
        assert second.post(later) == 201
        kill_all(home)

    wait_until_a_reading_falls_due()
    with started(home, first.port) as third:
        assert [third.post(each) for each in (own, later)] == [200, 200], "acknowledged, so still there"
        check_nothing_is_missing(third)
        assert third.stop(signal.SIGTERM) == 0
