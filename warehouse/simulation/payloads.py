"""The fleet's readings as the HTTP contract wants them: payloads of one reading, and NDJSON bodies in order of time."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from warehouse.simulation.clock import MINUTE_S
from warehouse.simulation.draws import Bools, Floats, Ints
from warehouse.simulation.fleet import Columns, CutOff, Fleet, MeterColumns, VehicleColumns

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


def readings(fleet: Fleet, start_s: int, end_s: int, every_minutes: int = 1) -> Iterator[list[Reading]]:
    """All readings due in ``[start_s, end_s)`` in order of time, in lists of some minutes each.

    ``every_minutes``: of those of each minute only every so many, counted from 1970; what they say is the same.
    """
    at_once = max(1, READINGS_AT_ONCE * every_minutes // (2 * fleet.size))
    last_minute = -(-end_s // MINUTE_S)
    for minute in range(start_s // MINUTE_S, last_minute, at_once):
        found = _ordered(fleet, minute, min(at_once, last_minute - minute), every_minutes)
        yield [each for each in found if start_s <= each.due_s < end_s]


def bodies(fleet: Fleet, start_s: int, end_s: int, max_lines: int = 10_000, every_minutes: int = 1) -> Iterator[Body]:
    """The same readings as NDJSON, at most ``max_lines`` a body."""
    encoder = msgspec.json.Encoder()
    waiting: list[Reading] = []
    for some in readings(fleet, start_s, end_s, every_minutes):
        waiting += some
        full = len(waiting) - len(waiting) % max_lines
        for begin in range(0, full, max_lines):
            yield _body(encoder, waiting[begin : begin + max_lines])
        waiting = waiting[full:]
    if waiting:
        yield _body(encoder, waiting)


def _body(encoder: msgspec.json.Encoder, lines: list[Reading]) -> Body:
    return Body(encoder.encode_lines([line.payload for line in lines]), len(lines), lines[0].due_s, lines[-1].due_s)


def _ordered(fleet: Fleet, first_minute: int, minutes: int, every_minutes: int) -> list[Reading]:
    meters, vehicles = fleet.meters(first_minute, minutes), fleet.vehicles(first_minute, minutes)
    everyone = np.arange(max(len(fleet.meter_ids), len(fleet.vehicle_ids)), dtype=np.int64)
    wanted = _wanted(first_minute, minutes, every_minutes)
    found = _meter_readings(fleet, meters, everyone[: len(fleet.meter_ids)], _in_time(meters) * wanted)
    found += _vehicle_readings(fleet, vehicles, everyone[: len(fleet.vehicle_ids)], _in_time(vehicles) * wanted)
    found += _late(fleet, first_minute * MINUTE_S, (first_minute + minutes) * MINUTE_S, every_minutes)
    due_s = np.array([each.due_s for each in found], dtype=np.int64)
    return [found[place] for place in np.argsort(due_s, kind="stable").tolist()]


def _wanted(first_minute: int, minutes: int, every_minutes: int) -> Bools:
    """A column: which of these minutes are sent."""
    numbers = first_minute + np.arange(minutes, dtype=np.int64)
    wanted: Bools = (numbers % every_minutes == 0)[:, None]
    return wanted


def _in_time(columns: Columns) -> Ints:
    """How often each reading is sent when it is taken: once or twice, or not at all."""
    return np.where(columns.reported & (columns.due_s == columns.instants_s), 1 + columns.repeated, 0)


def _late(fleet: Fleet, start_s: int, end_s: int, every_minutes: int) -> list[Reading]:
    """What was kept by devices that could not send, and are back within ``[start_s, end_s)``."""
    found: list[Reading] = []
    for cut_off in fleet.cut_off(start_s, end_s, meters=True):
        numbers = np.array([cut_off.number], dtype=np.int64)
        meters = fleet.meters(*cut_off.minutes, numbers)
        kept = _kept(meters, cut_off) * _wanted(*cut_off.minutes, every_minutes)
        found += _meter_readings(fleet, meters, numbers, kept)
    for cut_off in fleet.cut_off(start_s, end_s, meters=False):
        numbers = np.array([cut_off.number], dtype=np.int64)
        vehicles = fleet.vehicles(*cut_off.minutes, numbers)
        kept = _kept(vehicles, cut_off) * _wanted(*cut_off.minutes, every_minutes)
        found += _vehicle_readings(fleet, vehicles, numbers, kept)
    return found


def _kept(columns: Columns, cut_off: CutOff) -> Ints:
    late = columns.due_s > columns.instants_s
    kept: Ints = (columns.reported & late & (columns.due_s == cut_off.end_s)).astype(np.int64)
    return kept


def _meter_readings(fleet: Fleet, meters: MeterColumns, numbers: Ints, times_sent: Ints) -> list[Reading]:
    row, column = _repeated(times_sent)
    where = (row, column)
    return [
        Reading(due_s, {"meterId": fleet.meter_ids[number], "kwhConsumedAc": kwh, "voltage": volts, "timestamp": time})
        for due_s, number, kwh, volts, time in zip(
            meters.due_s[where].tolist(),
            numbers[column].tolist(),
            meters.kwh[where].tolist(),
            _nullable(meters.voltage_volts[where]),
            _timestamps(meters.instants_s[where]),
            strict=True,
        )
    ]


def _vehicle_readings(fleet: Fleet, vehicles: VehicleColumns, numbers: Ints, times_sent: Ints) -> list[Reading]:
    row, column = _repeated(times_sent)
    where = (row, column)
    return [
        Reading(
            due_s,
            {
                "vehicleId": fleet.vehicle_ids[number],
                "soc": soc,
                "kwhDeliveredDc": kwh,
                "batteryTemp": celsius,
                "timestamp": time,
            },
        )
        for due_s, number, kwh, soc, celsius, time in zip(
            vehicles.due_s[where].tolist(),
            numbers[column].tolist(),
            vehicles.kwh[where].tolist(),
            vehicles.soc_percent[where].tolist(),
            _nullable(vehicles.battery_celsius[where]),
            _timestamps(vehicles.instants_s[where]),
            strict=True,
        )
    ]


def _repeated(times_sent: Ints) -> tuple[Ints, Ints]:
    """The rows and columns of what is sent, as often as it is."""
    row, column = np.nonzero(times_sent)
    times = times_sent[row, column]
    return np.repeat(row, times), np.repeat(column, times)


def _timestamps(instants_s: Ints) -> list[str]:
    """In RFC 3339; each second is written once, not once a reading."""
    seconds, places = np.unique(instants_s, return_inverse=True)
    written: list[str] = np.datetime_as_string(seconds.astype("datetime64[s]"), timezone="UTC").tolist()
    return [written[place] for place in places.tolist()]


def _nullable(values: Floats) -> list[float | None]:
    """NaN as ``None``: JSON knows no NaN."""
    nullable = values.astype(object)
    nullable[np.isnan(values)] = None
    listed: list[float | None] = nullable.tolist()
    return listed
