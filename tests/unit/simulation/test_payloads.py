"""The readings as the contract wants them, complete and in order of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from warehouse.contract.readings import AcceptedWindow, MeterReading, VehicleReading, parse_reading
from warehouse.simulation.faults import FaultKind
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.payloads import Reading, bodies, readings

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NOON_S = int(NOON.timestamp())
WINDOW = AcceptedWindow.around(NOON, age=timedelta(days=1), ahead=timedelta(days=1))


def flat(fleet: Fleet, start_s: int, end_s: int) -> list[Reading]:
    return [reading for some in readings(fleet, start_s, end_s) for reading in some]


def test_every_payload_is_a_reading_by_the_contract() -> None:
    kinds = set()
    nulls = 0
    for reading in flat(Fleet(100), NOON_S, NOON_S + 600):
        parsed = parse_reading(msgspec.json.decode(msgspec.json.encode(reading.payload)), WINDOW)
        assert parsed.ts == datetime.fromtimestamp(reading.due_s, UTC)
        kinds.add(type(parsed))
        nulls += None in parsed
    assert kinds == {MeterReading, VehicleReading}
    assert nulls > 0


def test_two_devices_a_vehicle_report_once_a_minute() -> None:
    fleet = Fleet(30)
    assert FaultKind.SILENT_DEVICE not in {fault.kind for fault in fleet.faults()}
    assert len(flat(fleet, NOON_S, NOON_S + 3600)) == 30 * 2 * 60


def test_a_silent_device_is_missing() -> None:
    fleet = Fleet(50)
    silent = next(fault for fault in fleet.faults() if fault.kind is FaultKind.SILENT_DEVICE)
    begin_s, minutes = NOON_S + 28 * 3600, 8 * 60  # with one of its gaps
    found = flat(fleet, begin_s, begin_s + minutes * 60)
    told = [each for each in found if silent.device_id in each.payload.values()]
    assert 0 < len(told) < minutes
    assert len(found) == (2 * fleet.size - 1) * minutes + len(told)


def test_readings_come_in_order_of_time_from_the_start_to_before_the_end() -> None:
    due_s = [reading.due_s for reading in flat(Fleet(50), NOON_S + 17, NOON_S + 222)]
    assert all(before <= after for before, after in pairwise(due_s))
    assert due_s[0] == NOON_S + 17
    assert due_s[-1] == NOON_S + 221


@pytest.mark.parametrize("cut_s", [1, 60, 777, 3599])
def test_two_ranges_that_meet_hold_what_the_whole_holds(cut_s: int) -> None:
    whole = flat(Fleet(40), NOON_S, NOON_S + 3600)
    assert flat(Fleet(40), NOON_S, NOON_S + cut_s) + flat(Fleet(40), NOON_S + cut_s, NOON_S + 3600) == whole


def test_bodies_hold_the_same_readings_line_by_line() -> None:
    fleet = Fleet(40)
    sent = list(bodies(fleet, NOON_S, NOON_S + 3600, max_lines=1_000))
    assert [body.lines for body in sent] == [1_000] * 4 + [800]
    lines = b"".join(body.content for body in sent).splitlines()
    expected = flat(fleet, NOON_S, NOON_S + 3600)
    assert [msgspec.json.decode(line) for line in lines] == [reading.payload for reading in expected]
    assert (sent[0].first_s, sent[-1].last_s) == (expected[0].due_s, expected[-1].due_s)
    assert all(before.last_s <= after.first_s for before, after in pairwise(sent))


def test_an_empty_range_has_no_body() -> None:
    assert list(bodies(Fleet(3), NOON_S, NOON_S)) == []
