"""What devices do one after the other, and where their registers are at any instant.

A timeline is made of segments: each activity, and the idle time before, between and after activities. Within one, power
changes linearly, so the energy up to any second is a closed formula and nothing is summed up minute by minute.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warehouse.simulation.clock import DAY_S, EPOCH_S
from warehouse.simulation.draws import Floats, Ints

MWH_PER_KW_SECOND = 1_000_000 / 3_600
_DEVICE = 1 << 40
"""Makes one sortable number of a device and a second."""


@dataclass(frozen=True, slots=True)
class Activities:
    """What devices do: one row an activity, in any order. Those of a device do not overlap nor leave their day."""

    device: Ints
    row: Ints
    """Of its day on the page."""
    begin_s: Ints
    lasts_s: Ints

    def chosen(self, places: Ints) -> "Activities":
        """Some of the rows."""
        return Activities(self.device[places], self.row[places], self.begin_s[places], self.lasts_s[places])


@dataclass(frozen=True, slots=True)
class Moments:
    """Devices at instants, found on a timeline: arrays of one shape."""

    device: Ints
    instants_s: Ints
    segment: Ints
    row: Ints
    """Of the device's day on the page."""
    within_s: Floats
    """How long the segment has lasted."""


@dataclass(frozen=True)
class Timeline:
    """Segments in order of device and time. ``activity`` is a row of the activities, -1 where nothing is done."""

    device: Ints
    row: Ints
    begin_s: Ints
    lasts_s: Ints
    activity: Ints
    latest: Ints
    """The activity that is going on or went before, on this day; -1 before the first."""
    idle_before_s: Ints
    """How long the device has been idle since its day began."""

    @classmethod
    def of(cls, activities: Activities, day_begins_s: Ints, first_day: int, days: int) -> "Timeline":
        """Of days of their own that begin ``day_begins_s`` before midnight UTC, for each device."""
        devices = len(day_begins_s)
        order = np.flatnonzero(activities.lasts_s > 0)
        order = order[np.lexsort((activities.begin_s[order], activities.device[order]))]
        done = activities.chosen(order)
        day_device = np.repeat(np.arange(devices, dtype=np.int64), days)
        day_row = np.tile(np.arange(days, dtype=np.int64), devices)
        day_begin_s = EPOCH_S + DAY_S * (first_day + day_row) - day_begins_s[day_device]

        # Idle time begins with each day and with the end of each activity, and ends with what comes next.
        device = np.concatenate([day_device, done.device, done.device])
        row = np.concatenate([day_row, done.row, done.row])
        begin_s = np.concatenate([day_begin_s, done.begin_s, done.begin_s + done.lasts_s])
        nothing = np.full(len(day_device), -1, dtype=np.int64)
        activity = np.concatenate([nothing, order, np.full(len(order), -1, dtype=np.int64)])
        latest = np.concatenate([nothing, order, order])
        # At one instant: the idle time of length 0 first, then what begins.
        sorted_ = np.lexsort((activity, begin_s, device))
        device, row, begin_s = device[sorted_], row[sorted_], begin_s[sorted_]
        activity, latest = activity[sorted_], latest[sorted_]
        ends_s = np.append(begin_s[1:], 0)
        last = np.append(device[1:] != device[:-1], True)
        ends_s[last] = EPOCH_S + DAY_S * (first_day + days) - day_begins_s
        lasts_s = ends_s - begin_s
        idle_s = np.where(activity < 0, lasts_s, 0)
        idle_before_s = _since_day_began(idle_s, device * days + row)
        return cls(device, row, begin_s, lasts_s, activity, latest, idle_before_s)

    def moments(self, device: Ints, instants_s: Ints) -> Moments:
        """Where these devices are at these instants (arrays of one shape)."""
        asked = device * _DEVICE + instants_s - EPOCH_S + DAY_S
        segment = np.searchsorted(self._keys, asked.ravel(), side="right").reshape(asked.shape) - 1
        within_s = (instants_s - self.begin_s[segment]).astype(np.float64)
        return Moments(device, instants_s, segment, self.row[segment], within_s)

    @cached_property
    def _keys(self) -> Ints:
        return self.device * _DEVICE + self.begin_s - EPOCH_S + DAY_S


@dataclass(frozen=True, slots=True)
class Course:
    """How one register of each device grows along a timeline, in whole milliwatt hours."""

    begin_mwh: Ints
    """Since the device's day began, when the segment begins."""
    gain_mwh: Ints
    """Within the segment."""
    kw: Floats
    kw_per_s: Floats

    @classmethod
    def of(cls, timeline: Timeline, kw: Floats, end_kw: Floats, gain_mwh: Ints, idle_kw: Floats) -> "Course":
        """From the powers and energies of the activities, and the power drawn while idle (days by devices)."""
        is_idle = timeline.activity < 0
        idle = idle_kw[timeline.row, timeline.device]
        before_mwh = np.floor(idle * timeline.idle_before_s * MWH_PER_KW_SECOND)
        after_mwh = np.floor(
            idle * (timeline.idle_before_s + np.where(is_idle, timeline.lasts_s, 0)) * MWH_PER_KW_SECOND
        )
        if len(kw):
            active_mwh = np.where(is_idle, 0, gain_mwh[timeline.activity])
            power = np.where(is_idle, idle, kw[timeline.activity])
            slope = np.where(is_idle, 0.0, (end_kw - kw)[timeline.activity] / np.maximum(timeline.lasts_s, 1))
        else:
            active_mwh, power, slope = np.zeros(len(idle), dtype=np.int64), idle, np.zeros(len(idle))
        segment_mwh = active_mwh + (after_mwh - before_mwh).astype(np.int64)
        begin_mwh = _since_day_began(segment_mwh, timeline.device * len(idle_kw) + timeline.row)
        return cls(begin_mwh, segment_mwh, power, slope)

    def counted_mwh(self, moments: Moments) -> Ints:
        """How far the register has come since the device's day began; never less than at an earlier instant."""
        grown = self._grown_mwh(moments).astype(np.int64)
        counted: Ints = self.begin_mwh[moments.segment] + np.minimum(grown, self.gain_mwh[moments.segment])
        return counted

    def level_mwh(self, moments: Moments) -> Floats:
        """The same for what may fall too, such as a battery's charge."""
        level: Floats = self.begin_mwh[moments.segment] + self._grown_mwh(moments)
        return level

    def power_kw(self, moments: Moments) -> Floats:
        """The power at these instants."""
        power: Floats = self.kw[moments.segment] + self.kw_per_s[moments.segment] * moments.within_s
        return power

    def _grown_mwh(self, moments: Moments) -> Floats:
        half = self.kw_per_s[moments.segment] * moments.within_s / 2
        grown: Floats = (self.kw[moments.segment] + half) * moments.within_s * MWH_PER_KW_SECOND
        return grown


def _since_day_began(values: Ints, day_keys: Ints) -> Ints:
    """The sum of the values of a device's day that come before each; integers, so the page does not matter."""
    before = np.cumsum(values) - values
    first = np.searchsorted(day_keys, day_keys, side="left")
    return before - before[first]
