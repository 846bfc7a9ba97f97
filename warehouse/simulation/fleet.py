"""The simulated fleet: what each device reports at any minute, as a pure function of seed, vehicle and instant.

No reading depends on the one before. So a simulator may stop and start anywhere, two of them send identical readings,
and a larger fleet leaves the vehicles of a smaller one as they are. (What is kept between calls only saves time.)
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from warehouse.simulation.days import DayPlan
from warehouse.simulation.draws import Bools, Draws, Floats, Ints, What
from warehouse.simulation.faults import Afflicted, Fault, Faults
from warehouse.simulation.registers import Registers, shown_kwh, whole_mwh
from warehouse.simulation.vehicles import DAY_S, EPOCH_S, draw_vehicles

EPOCH = datetime.fromtimestamp(EPOCH_S, UTC)
DEFAULT_SEED = 2026
MINUTE_S = 60
YEAR_S = 365.25 * DAY_S


@dataclass(frozen=True, slots=True)
class MeterColumns:
    """What the meters report: one row a minute, one column a device. The voltage is NaN where no sensor is fitted."""

    instants_s: Ints
    kwh: Floats
    voltage_volts: Floats
    reported: Bools


@dataclass(frozen=True, slots=True)
class VehicleColumns:
    """What the vehicles report. ``battery_celsius`` is NaN where no sensor is fitted."""

    instants_s: Ints
    kwh: Floats
    soc_percent: Floats
    battery_celsius: Floats
    reported: Bools


@dataclass(frozen=True, slots=True)
class _Moment:
    """Where each device is in its vehicle's day: arrays of minutes by vehicles."""

    day: Ints
    second: Floats
    plan: DayPlan
    ac_mwh: Ints
    dc_mwh: Ints


class Fleet:
    """``vehicles`` vehicles, each with its own charger's meter. Not to be shared between threads."""

    def __init__(self, vehicles: int, seed: int = DEFAULT_SEED) -> None:
        if vehicles < 1:
            raise ValueError("a fleet has at least one vehicle")
        self._draws = Draws(seed)
        self._vehicles = draw_vehicles(self._draws, vehicles)
        self._faults = Faults(self._draws, vehicles)
        self._registers = Registers(self._draws, self._vehicles, self._faults)
        self.size = vehicles
        self.vehicle_ids = self._vehicles.vehicle_ids
        self.meter_ids = self._vehicles.meter_ids

    def faults(self) -> list[Fault]:
        """The known faults, in the order of the vehicles."""
        listed = [
            (number, self._listed(afflicted, place, number))
            for afflicted in self._faults
            for place, number in enumerate(afflicted.vehicles.tolist())
        ]
        return [fault for _, fault in sorted(listed, key=lambda each: each[0])]

    def mappings(self) -> list[dict[str, str]]:
        """Which meter belongs to which vehicle, as the HTTP contract wants it."""
        pairs = zip(self.vehicle_ids, self.meter_ids, strict=True)
        return [{"vehicleId": vehicle_id, "meterId": meter_id} for vehicle_id, meter_id in pairs]

    def meters(self, first_minute: int, minutes: int) -> MeterColumns:
        """The meters' readings in these minutes; minutes are counted from 1970 as instants are."""
        instants_s = _instants_s(first_minute, minutes, self._vehicles.meter_phase_s)
        now = self._moment(instants_s)
        day_mwh = whole_mwh(now.plan.metered_kwh(now.second))
        restarted = now.second >= now.plan.reset_s
        before_mwh = np.where(restarted, -whole_mwh(now.plan.reset_at_kwh), now.ac_mwh)
        kwh = self._corrupt(instants_s, shown_kwh(before_mwh + day_mwh), on_meter=True)
        return MeterColumns(instants_s, kwh, self._volts(instants_s, now), self._reported(now, on_meter=True))

    def vehicles(self, first_minute: int, minutes: int) -> VehicleColumns:
        """The vehicles' readings in these minutes."""
        instants_s = _instants_s(first_minute, minutes, self._vehicles.vehicle_phase_s)
        now = self._moment(instants_s)
        delivered_kwh = now.plan.delivered_kwh(now.second)
        kwh = self._corrupt(instants_s, shown_kwh(now.dc_mwh + whole_mwh(delivered_kwh)), on_meter=False)
        drained_kwh = now.plan.used_kwh(now.second) - delivered_kwh
        soc_percent = self._vehicles.full_soc_percent - 100 * drained_kwh / self._vehicles.capacity_kwh
        celsius = self._ambient_celsius(instants_s) + now.plan.warming_celsius(now.second)
        celsius = np.where(self._vehicles.has_temperature, celsius, np.nan)
        return VehicleColumns(
            instants_s, kwh, np.round(soc_percent, 1), np.round(celsius, 1), self._reported(now, on_meter=False)
        )

    def _listed(self, afflicted: Afflicted, place: int, number: int) -> Fault:
        begins_s = EPOCH_S + DAY_S * int(afflicted.since_day[place]) - int(self._vehicles.day_begins_s[number])
        return Fault(
            kind=afflicted.kind,
            vehicle_id=self.vehicle_ids[number],
            meter_id=self.meter_ids[number],
            device_id=(self.meter_ids if afflicted.on_meter[place] else self.vehicle_ids)[number],
            since=datetime.fromtimestamp(begins_s, UTC),
            detail=afflicted.describe(place),
        )

    def _moment(self, instants_s: Ints) -> _Moment:
        if instants_s[0, 0] < EPOCH_S:
            raise ValueError(f"the simulated history begins at {EPOCH:%Y-%m-%d}")
        day, second = self._vehicles.own_time(instants_s)
        page = self._registers.page(int(day.min()), int(day.max()))
        row = day - page.first_day
        # One flat index serves all fields: several times faster than pairs of indices.
        flat = row * self.size + self._vehicles.number
        return _Moment(
            day,
            second,
            page.plan.map(lambda field: field.ravel().take(flat)),
            page.ac_mwh.ravel().take(flat),
            page.dc_mwh.ravel().take(flat),
        )

    def _reported(self, now: _Moment, *, on_meter: bool) -> Bools:
        reported = np.ones(now.day.shape, dtype=np.bool_)
        silent = self._faults.silent
        spoken = ~silent.silent(now.day[:, silent.vehicles], now.second[:, silent.vehicles])
        reported[:, silent.vehicles] = spoken | (silent.on_meter != on_meter)
        return reported

    def _corrupt(self, instants_s: Ints, register_kwh: Floats, *, on_meter: bool) -> Floats:
        glitching = self._faults.glitching
        true_kwh = register_kwh[:, glitching.vehicles]
        corrupted_kwh = glitching.corrupted_kwh(instants_s[:, glitching.vehicles], true_kwh)
        register_kwh[:, glitching.vehicles] = np.where(glitching.on_meter == on_meter, corrupted_kwh, true_kwh)
        return register_kwh

    def _volts(self, instants_s: Ints, now: _Moment) -> Floats:
        noise = 2 * self._draws.unit(What.VOLTAGE_NOISE, self._vehicles.number, instants_s) - 1
        evening = np.cos(2 * np.pi * (instants_s % DAY_S - 19 * 3600) / DAY_S)  # the grid is lowest at 19:00
        volts = 231.0 + self._vehicles.site_volts - 1.5 * evening - 0.2 * now.plan.ac_kw(now.second) + 0.8 * noise
        rounded_volts: Floats = np.round(volts, 1)
        return np.where(self._vehicles.has_voltage, rounded_volts, np.nan)

    def _ambient_celsius(self, instants_s: Ints) -> Floats:
        season = np.cos(2 * np.pi * ((instants_s - EPOCH_S) / YEAR_S - 0.54))  # warmest in mid July
        daily = np.cos(2 * np.pi * (instants_s % DAY_S - 15 * 3600) / DAY_S)  # and at 15:00
        return 14.0 + self._vehicles.site_celsius + 9.0 * season + 4.0 * daily


def _instants_s(first_minute: int, minutes: int, phase_s: Ints) -> Ints:
    return (first_minute + np.arange(minutes, dtype=np.int64))[:, None] * MINUTE_S + phase_s
