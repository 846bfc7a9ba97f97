"""The fleet's readings as the HTTP contract wants them: payloads of one reading, and NDJSON bodies in order of time."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from warehouse.simulation.draws import Bools, Floats
from warehouse.simulation.fleet import MINUTE_S, Fleet

Payload = dict[str, Any]
"""One reading in camel case, ready for JSON."""

READINGS_AT_ONCE = 50_000
"""How many readings are drawn together: enough for numpy to pay, some 40 MB of Python objects."""


class Reading(NamedTuple):
    """A payload and when it is due, in seconds since 1970."""

    due_s: int
    payload: Payload


class Body(NamedTuple):
    """The lines of one POST, in order of time, from the first instant to the last (both in seconds since 1970)."""

    content: bytes
    lines: int
    first_s: int
    last_s: int


def readings(fleet: Fleet, start_s: int, end_s: int) -> Iterator[list[Reading]]:
    """All readings due in ``[start_s, end_s)`` in order of time, in lists of some minutes each."""
    at_once = max(1, READINGS_AT_ONCE // (2 * fleet.size))
    last_minute = -(-end_s // MINUTE_S)
    for minute in range(start_s // MINUTE_S, last_minute, at_once):
        yield _ordered(fleet, minute, min(at_once, last_minute - minute), start_s, end_s)


def bodies(fleet: Fleet, start_s: int, end_s: int, max_lines: int = 10_000) -> Iterator[Body]:
    """The same readings as NDJSON, at most ``max_lines`` a body."""
    encoder = msgspec.json.Encoder()
    waiting: list[Reading] = []
    for some in readings(fleet, start_s, end_s):
        waiting += some
        full = len(waiting) - len(waiting) % max_lines
        for begin in range(0, full, max_lines):
            yield _body(encoder, waiting[begin : begin + max_lines])
        waiting = waiting[full:]
    if waiting:
        yield _body(encoder, waiting)


def _body(encoder: msgspec.json.Encoder, lines: list[Reading]) -> Body:
    return Body(encoder.encode_lines([line.payload for line in lines]), len(lines), lines[0].due_s, lines[-1].due_s)


def _ordered(fleet: Fleet, first_minute: int, minutes: int, start_s: int, end_s: int) -> list[Reading]:
    meters, vehicles = fleet.meters(first_minute, minutes), fleet.vehicles(first_minute, minutes)
    times = _timestamps(first_minute * MINUTE_S, minutes * MINUTE_S)
    zero_s = first_minute * MINUTE_S

    def device(ids: list[str], reported: Bools) -> list[str]:
        each: list[str] = np.broadcast_to(np.array(ids, dtype=object), reported.shape)[reported].tolist()
        return each

    due_s = np.concatenate((meters.instants_s[meters.reported], vehicles.instants_s[vehicles.reported]))
    found = [
        Reading(s, {"meterId": device_id, "kwhConsumedAc": kwh, "voltage": volts, "timestamp": times[s - zero_s]})
        for s, device_id, kwh, volts in zip(
            meters.instants_s[meters.reported].tolist(),
            device(fleet.meter_ids, meters.reported),
            meters.kwh[meters.reported].tolist(),
            _nullable(meters.voltage_volts[meters.reported]),
            strict=True,
        )
    ]
    found += [
        Reading(
            s,
            {
                "vehicleId": device_id,
                "soc": soc,
                "kwhDeliveredDc": kwh,
                "batteryTemp": celsius,
                "timestamp": times[s - zero_s],
            },
        )
        for s, device_id, kwh, soc, celsius in zip(
            vehicles.instants_s[vehicles.reported].tolist(),
            device(fleet.vehicle_ids, vehicles.reported),
            vehicles.kwh[vehicles.reported].tolist(),
            vehicles.soc_percent[vehicles.reported].tolist(),
            _nullable(vehicles.battery_celsius[vehicles.reported]),
            strict=True,
        )
    ]
    order = np.argsort(due_s, kind="stable")
    wanted = order[(due_s[order] >= start_s) & (due_s[order] < end_s)]
    return [found[place] for place in wanted.tolist()]


def _timestamps(first_s: int, count: int) -> list[str]:
    """Each second as RFC 3339; written once a second, not once a reading."""
    seconds = np.arange(first_s, first_s + count).astype("datetime64[s]")
    written: list[str] = np.datetime_as_string(seconds, timezone="UTC").tolist()
    return written


def _nullable(values: Floats) -> list[float | None]:
    """NaN as ``None``: JSON knows no NaN."""
    nullable = values.astype(object)
    nullable[np.isnan(values)] = None
    listed: list[float | None] = nullable.tolist()
    return listed
