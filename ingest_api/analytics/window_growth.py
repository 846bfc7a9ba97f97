"""The fast path of a window: what its registers booked if they did nothing but grow.

PostgreSQL only encodes a device's readings (``sql/read_window.sql``), which takes it half as long as to compare and sum
them; numpy does that in a tenth of a millisecond.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ingest_api.analytics.encoded_readings import decoded, microseconds
from warehouse.contract.energy import CAP_BASE_KWH, CAP_MARGIN, GAP_INTERVALS, DeviceSettings, EnergyKind

EncodedReadings = Mapping[tuple[str, int], bytes | None]
"""The window's readings by side (ac, dc) and device; ``None`` where it has none."""


class Segment(NamedTuple):
    """A device on one side (ac, dc), and the part of the window in which it counts, ``[counts_from, counts_to)``."""

    side: str
    device_id: int
    settings: DeviceSettings
    counts_from: datetime
    counts_to: datetime


class _Growth(NamedTuple):
    energy_kwh: float
    covered_seconds: float
    temperatures: npt.NDArray[np.float32]
    """Of each reading that counts."""
    gaps: int


def sum_growth(segments: Sequence[Segment], encoded: EncodedReadings) -> dict[str, dict[str, Any]] | None:
    """What each side booked, in the columns of ``sql/sum_window_energy.sql``; a side without readings is missing.

    None: a step needs the whole rule. A gap does not, it is counted. Energy in kWh, temperature in Celsius.
    """
    sides: dict[str, list[_Growth]] = {}
    for segment in segments:
        readings = encoded[segment.side, segment.device_id]
        if readings is None:
            continue
        growth = _growth(decoded(readings), segment)
        if growth is None:
            return None
        if growth.temperatures.size:
            sides.setdefault(segment.side, []).append(growth)
    return {side: _summed(growths) for side, growths in sides.items()}


def _growth(readings: npt.NDArray[Any], segment: Segment) -> _Growth | None:
    """``readings`` are all of the window: the last one before the segment is where its first step begins."""
    us, kwh = readings["us"].astype(np.int64), readings["kwh"].astype(np.float64)
    steps_kwh, steps_s = np.diff(kwh), np.diff(us) / 1e6
    settings = segment.settings
    if settings.energy_kind is not EnergyKind.COUNTER or not only_grew(steps_kwh, steps_s, settings.max_power_kw):
        return None
    first, end = (
        int(index) for index in us.searchsorted([microseconds(segment.counts_from), microseconds(segment.counts_to)])
    )
    before = max(first - 1, 0)
    return _Growth(
        energy_kwh=float(kwh[end - 1] - kwh[before]),
        covered_seconds=float((end - first) * settings.expected_interval_s),
        temperatures=readings["temperature"][first:end],
        gaps=int(np.count_nonzero(steps_s[before : max(end - 1, 0)] > GAP_INTERVALS * settings.expected_interval_s)),
    )


def only_grew(steps_kwh: npt.NDArray[np.float64], steps_s: npt.NDArray[np.float64], max_power_kw: float | None) -> bool:
    """Whether no step went back, or further than it can; see ``warehouse.contract.energy``."""
    if max_power_kw is not None and (steps_kwh > max_power_kw * steps_s / 3600 * CAP_MARGIN + CAP_BASE_KWH).any():
        return False
    return not (steps_kwh < 0).any()


def _summed(growths: Sequence[_Growth]) -> dict[str, Any]:
    temperatures = np.concatenate([growth.temperatures for growth in growths])
    known = temperatures[~np.isnan(temperatures)]
    return {
        "energy_kwh": sum(growth.energy_kwh for growth in growths),
        "covered_seconds": sum(growth.covered_seconds for growth in growths),
        "avg_battery_temp_celsius": float(known.mean(dtype=np.float64)) if known.size else None,
        "gap": sum(growth.gaps for growth in growths),
    }
