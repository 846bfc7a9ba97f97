"""The fleet that a one-machine start shows: whenever that is, there is something to find."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from warehouse.simulation.clock import EPOCH, EPOCH_S
from warehouse.simulation.demo import HISTORY_DAYS, demo_fleet
from warehouse.simulation.faults import FaultKind

BASELINE_DAYS = 20
"""Of fourteen sessions of a vehicle that rests on every third day."""
FOUND_WITHIN_DAYS = 5
LOSSES = {FaultKind.CHARGER_STEP, FaultKind.VEHICLE_LOSS}


@pytest.mark.parametrize("start_day", range(0, 420, 7))
def test_whenever_its_history_begins_there_are_losses_a_leak_and_wrong_data_to_find(start_day: int) -> None:
    first = EPOCH + timedelta(days=start_day)
    end = first + timedelta(days=HISTORY_DAYS)

    def is_on(since: datetime, until: datetime | None) -> bool:
        return since < end - timedelta(days=FOUND_WITHIN_DAYS) and (until or end) > first + timedelta(days=7)

    faults = demo_fleet().faults(end)
    since = [fault.since for fault in faults if fault.kind in LOSSES]
    found = [each for each in since if timedelta(days=BASELINE_DAYS) <= each - first]
    assert sum(each < end - timedelta(days=FOUND_WITHIN_DAYS) for each in found) >= 3
    kinds = {fault.kind for fault in faults if is_on(fault.since, fault.until)}
    assert kinds >= {FaultKind.LEAKAGE, FaultKind.FROZEN_METER}


def test_no_device_has_two_faults_at_once() -> None:
    until: dict[str, datetime] = {}
    for fault in demo_fleet().faults(EPOCH + timedelta(days=730)):
        assert fault.since >= until.get(fault.device_id, EPOCH)
        assert fault.until is not None
        until[fault.device_id] = fault.until


def test_a_smaller_one_is_its_beginning() -> None:
    minute = EPOCH_S // 60 + 60 * 24 * 100
    few, all_of_them = demo_fleet(5).meters(minute, 60), demo_fleet().meters(minute, 60)
    np.testing.assert_array_equal(few.kwh, all_of_them.kwh[:, :5])


def test_it_is_known_how_seldom_its_devices_report() -> None:
    assert {device["expectedIntervalSeconds"] for device in demo_fleet(3).devices()} == {300}
