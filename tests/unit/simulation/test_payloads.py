"""The readings as the contract wants them, complete and in order of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from warehouse.contract.readings import AcceptedWindow, MeterReading, VehicleReading, parse_reading
from warehouse.simulation.faults import SILENCES
from warehouse.simulation.fleet import CutOff, Fleet
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
        assert parsed.ts <= datetime.fromtimestamp(reading.due_s, UTC)
        kinds.add(type(parsed))
        nulls += None in parsed
    assert kinds == {MeterReading, VehicleReading}
    assert nulls > 0


def devices(found: list[Reading]) -> list[str]:
    return [each.payload.get("meterId") or each.payload["vehicleId"] for each in found]


def test_two_devices_a_vehicle_report_once_a_minute_but_for_a_few_lost_and_repeated_readings() -> None:
    found = flat(Fleet(30, fault_share=0.0), NOON_S, NOON_S + 3600)
    assert len(set(devices(found))) == 60
    assert len(found) == pytest.approx(30 * 2 * 60, rel=0.02)


def test_a_silent_device_is_missing() -> None:
    fleet = Fleet(400, fault_share=1.0)
    silent = next(fault for fault in fleet.faults() if fault.kind in SILENCES and fault.until and fault.size > 48)
    begin_s = int(silent.since.timestamp()) + 3600
    found = devices(flat(fleet, begin_s, begin_s + 60))
    assert silent.device_id not in found
    assert len(set(found)) > 700


def test_of_fewer_readings_each_says_what_it_says_among_all() -> None:
    fleet = Fleet(30)
    cut_off = late_one(fleet)
    begin_s, end_s = cut_off.begin_s // 3600 * 3600, cut_off.end_s // 3600 * 3600 + 3600
    some = [each for found in readings(fleet, begin_s, end_s, every_minutes=5) for each in found]
    everything = {msgspec.json.encode(each) for each in flat(fleet, begin_s, end_s)}
    assert {msgspec.json.encode(each) for each in some} <= everything
    assert len(some) == pytest.approx(len(everything) / 5, rel=0.02)
    assert any(each.due_s == cut_off.end_s for each in some), "what was kept comes late here too"
    lines = [line for body in bodies(fleet, begin_s, end_s, every_minutes=5) for line in body.content.splitlines()]
    assert lines == [msgspec.json.encode(each.payload) for each in some]


def late_one(fleet: Fleet) -> CutOff:
    """A meter that keeps its readings for a while."""
    return next(
        each for each in fleet.cut_off(NOON_S, NOON_S + 30 * 86_400, meters=True) if each.end_s - each.begin_s > 600
    )


def test_what_a_device_kept_arrives_when_it_is_back_and_once() -> None:
    fleet = Fleet(60, fault_share=0.0)
    number, begin_s, end_s = late_one(fleet)
    meter_id = fleet.meter_ids[number]
    of_meter = [each for each in flat(fleet, begin_s - 300, end_s + 300) if each.payload.get("meterId") == meter_id]
    cut_off = [each for each in of_meter if begin_s <= instant_s(each) < end_s]
    assert {each.due_s for each in cut_off} == {end_s}
    assert [instant_s(each) for each in cut_off] == sorted({instant_s(each) for each in cut_off})
    assert len(cut_off) == pytest.approx((end_s - begin_s) / 60, abs=3)
    assert all(each.due_s == instant_s(each) for each in of_meter if each not in cut_off)


def instant_s(reading: Reading) -> int:
    return int(datetime.fromisoformat(reading.payload["timestamp"]).timestamp())


def test_some_readings_are_sent_twice_and_equal() -> None:
    found = flat(Fleet(60, fault_share=0.0), NOON_S, NOON_S + 3 * 3600)
    seen: dict[tuple[str, str], Reading] = {}
    repeated = 0
    for name, each in zip(devices(found), found, strict=True):
        before = seen.setdefault((name, each.payload["timestamp"]), each)
        repeated += before is not each
        assert before == each
    assert 0 < repeated < 50


def test_readings_come_in_order_of_time_from_the_start_to_before_the_end() -> None:
    due_s = [reading.due_s for reading in flat(Fleet(50), NOON_S + 17, NOON_S + 222)]
    assert all(before <= after for before, after in pairwise(due_s))
    assert NOON_S + 17 <= due_s[0] <= NOON_S + 19
    assert NOON_S + 219 <= due_s[-1] <= NOON_S + 221


@pytest.mark.parametrize("cut_s", [1, 60, 777, 3599])
def test_two_ranges_that_meet_hold_what_the_whole_holds(cut_s: int) -> None:
    fleet = Fleet(60, fault_share=0.0)
    back_s = late_one(fleet).end_s  # a device is back within it
    start_s, end_s = back_s - 1800, back_s + 1800
    whole = flat(fleet, start_s, end_s)
    assert flat(fleet, start_s, start_s + cut_s) + flat(fleet, start_s + cut_s, end_s) == whole


def test_bodies_hold_the_same_readings_line_by_line() -> None:
    fleet = Fleet(40)
    sent = list(bodies(fleet, NOON_S, NOON_S + 3600, max_lines=1_000))
    assert [body.lines for body in sent[:-1]] == [1_000] * (len(sent) - 1)
    assert 0 < sent[-1].lines <= 1_000
    lines = b"".join(body.content for body in sent).splitlines()
    expected = flat(fleet, NOON_S, NOON_S + 3600)
    assert [msgspec.json.decode(line) for line in lines] == [reading.payload for reading in expected]
    assert (sent[0].first_s, sent[-1].last_s) == (expected[0].due_s, expected[-1].due_s)
    assert all(before.last_s <= after.first_s for before, after in pairwise(sent))


def test_an_empty_range_has_no_body() -> None:
    assert list(bodies(Fleet(3), NOON_S, NOON_S)) == []
