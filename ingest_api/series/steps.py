"""A register's steps as arrays, and the mean power that they make of each point of a grid.

A step's energy is spread over its time, so an hourly register has a power at each minute, and a device that reports a
second late makes no spikes. Over a gap, and where nobody can say what flowed, there is none.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ingest_api.analytics.window_growth import only_grew
from ingest_api.series.grid import Grid
from warehouse.contract.energy import GAP_INTERVALS, DeviceSettings, EnergyKind, Flag
from warehouse.postgres.binary_arrays import Float8Array, Int4Array, TimestamptzArray

REGISTER = np.dtype([("us", TimestamptzArray.element["value"]), ("kwh", Float8Array.element["value"])])
"""A reading as ``sql/read_registers.sql`` encodes it; microseconds since PostgreSQL's epoch."""
STEP = np.dtype([*REGISTER.descr, ("step_class", Int4Array.element["value"])])
"""A step as ``sql/list_steps.sql`` encodes it: its end, what it books, its place in ``CLASSES`` from 1 on."""
CLASSES = ("growth", "interval", "first", *Flag)
"""Of steps, by ``classify_steps.sql``."""
_MARKED = frozenset(flag.value for flag in Flag) - {Flag.DIP, Flag.GAP}
_UNKNOWN = tuple(CLASSES.index(flag) + 1 for flag in (Flag.JUMP, Flag.REBASE))
_GLITCH = CLASSES.index(Flag.GLITCH) + 1
_COVERED = 0.5
"""A point has a power where it is known for this share of its time at least."""
_HOUR_S = 3600

Column = npt.NDArray[np.float64]


class Mark(NamedTuple):
    """Something about one reading that a person should see."""

    us: int
    flag: str


class Steps(NamedTuple):
    """Of one device, in order of time."""

    us: npt.NDArray[np.int64]
    """Where each ends: the readings' instants."""
    known_kwh: Column
    """What has been booked up to there, unknown steps left out."""
    known_s: Column
    """The time that these took."""
    marks: list[Mark]


def grown_steps(readings: bytes, settings: DeviceSettings) -> Steps | None:
    """Those of a register that did nothing but grow; ``None``: it takes the whole rule to tell."""
    found = np.frombuffer(readings, REGISTER)
    us, kwh = found["us"].astype(np.int64), found["kwh"].astype(np.float64)
    booked, seconds = np.diff(kwh), np.diff(us) / 1e6
    if settings.energy_kind is not EnergyKind.COUNTER or not only_grew(booked, seconds, settings.max_power_kw):
        return None
    return _steps(us, np.concatenate([[0.0], booked]), np.zeros(us.size, bool), settings)


def ruled_steps(encoded: bytes, settings: DeviceSettings) -> Steps:
    """Those that the energy rule found."""
    found = np.frombuffer(encoded, STEP)
    us, classes = found["us"].astype(np.int64), found["step_class"]
    marks = [
        Mark(int(us[place]), CLASSES[classes[place] - 1])
        for place in np.flatnonzero(classes > CLASSES.index("first") + 1)
        if CLASSES[classes[place] - 1] in _MARKED
    ]
    kept = classes != _GLITCH
    is_unknown = np.isin(classes[kept], _UNKNOWN)
    return _steps(us[kept], found["kwh"][kept].astype(np.float64), is_unknown, settings)._replace(marks=marks)


def _steps(us: npt.NDArray[np.int64], kwh: Column, is_unknown: npt.NDArray[Any], settings: DeviceSettings) -> Steps:
    seconds = np.diff(us, prepend=us[:1]) / 1e6
    is_known = ~is_unknown & (seconds <= GAP_INTERVALS * settings.expected_interval_s)
    is_known[:1] = False
    return Steps(us, np.cumsum(np.where(is_known, kwh, 0.0)), np.cumsum(np.where(is_known, seconds, 0.0)), [])


class PowerSums:
    """Energy and time that are known of each point of a grid, of one device after the other."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._kwh = np.zeros(grid.points)
        self._seconds = np.zeros(grid.points)

    def add(self, steps: Steps, from_us: int, until_us: int) -> None:
        """What this device did between these instants."""
        if steps.us.size:
            edges = np.clip(self._grid.edges_us, from_us, until_us)
            self._kwh += np.diff(np.interp(edges, steps.us, steps.known_kwh))
            self._seconds += np.diff(np.interp(edges, steps.us, steps.known_s))

    def kw(self) -> Column:
        """The mean power of each point, kW; NaN where it is not known."""
        is_known = self._seconds >= _COVERED * self._grid.step_s
        kw = np.full(self._grid.points, np.nan)
        np.divide(self._kwh * _HOUR_S, self._seconds, out=kw, where=is_known)
        return kw


def newest_of_each(grid: Grid, us: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The points of the grid in which readings lie, and of each the newest reading's instant."""
    edges = grid.edges_us
    inside = us[(us >= edges[0]) & (us < edges[-1])]
    points = (inside - edges[0]) // (edges[1] - edges[0])
    is_newest = np.diff(points, append=grid.points) > 0
    return points[is_newest], inside[is_newest]
