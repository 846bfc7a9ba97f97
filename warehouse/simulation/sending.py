"""What becomes of the readings of some minutes: when they are taken, whether and when they arrive."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.simulation.clock import DAY_S, EPOCH, EPOCH_S, MINUTE_S
from warehouse.simulation.delivery import Delivery, is_lost, is_repeated
from warehouse.simulation.device_faults import DeviceFaults
from warehouse.simulation.draws import Bools, Draws, Ints
from warehouse.simulation.faults import Fault


@dataclass(frozen=True, slots=True)
class Sent:
    """Readings before their values are known: arrays of devices by minutes, for which numpy is fastest."""

    numbers: Ints
    """Which devices: a column."""
    minutes: Ints
    instants_s: Ints
    """By the device's own clock."""
    true_s: Ints
    """When it really was."""
    reported: Bools
    due_s: Ints
    repeated: Bools
    faults: DeviceFaults


def send(
    draws: Draws, delivery: Delivery, faults: Sequence[Fault], first_minute: int, minutes: int, numbers: Ints
) -> Sent:
    """What these devices send in these minutes, counted from 1970.

    Raises:
        ValueError: the minutes lie before the simulated history.
    """
    if first_minute * MINUTE_S < EPOCH_S:
        raise ValueError(f"the simulated history begins at {EPOCH:%Y-%m-%d}")
    column, counted = numbers[:, None], first_minute + np.arange(minutes, dtype=np.int64)
    instants_s = delivery.instants_s(counted, column)
    afflicted = DeviceFaults(draws, faults, numbers, instants_s)
    days = counted * MINUTE_S // DAY_S
    of_days = np.arange(days[0], days[-1] + 1, dtype=np.int64)
    outages = delivery.outages(of_days, column)
    place = days - days[0]
    cut_off = (outages.begin_s[:, place] <= instants_s) & (instants_s < outages.end_s[:, place])
    is_late = outages.is_late[:, place]
    fates = delivery.fates(counted, column)
    reported = ~(is_lost(fates) | (cut_off & ~is_late) | afflicted.silence())
    return Sent(
        numbers=column,
        minutes=counted,
        instants_s=instants_s,
        true_s=instants_s + delivery.skew_s(column) + afflicted.shift_s(),
        reported=reported,
        due_s=np.where(cut_off & is_late, outages.end_s[:, place], instants_s),
        repeated=reported & is_repeated(fates),
        faults=afflicted,
    )
