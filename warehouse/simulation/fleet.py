"""The simulated fleet: what each device reports at any minute, as a pure function of seed, device and instant.

No reading depends on the one before. So a simulator may stop and start anywhere, two of them send identical readings,
and a larger fleet leaves the vehicles of a smaller one as they are, depot by depot. (What is kept between calls only
saves time.)
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from warehouse.simulation.clock import DAY_S, EPOCH, EPOCH_S, MINUTE_S, YEAR_DAYS
from warehouse.simulation.delivery import Delivery
from warehouse.simulation.draws import Bools, Draws, Floats, Ints, What
from warehouse.simulation.faults import ALL_KINDS, DEFAULT_FAULT_SHARE, FaultKind, Planted
from warehouse.simulation.layout import lay_out
from warehouse.simulation.models import CHARGER_MODELS, VEHICLE_MODELS
from warehouse.simulation.pages import Page
from warehouse.simulation.sending import Sent, send
from warehouse.simulation.traits import HOME_SHARES, VEHICLE_SUBJECTS, Vehicles, draw_chargers, draw_vehicles
from warehouse.simulation.truth import KnownFault, known_fault
from warehouse.simulation.world import World

DEFAULT_SEED = 2026
VOLTS_NOISE = 0.8


@dataclass(frozen=True, slots=True)
class Columns:
    """What devices report: one row a minute, one column a device."""

    instants_s: Ints
    kwh: Floats
    reported: Bools
    """Whether the reading ever arrives."""
    due_s: Ints
    """When it arrives: where a device was cut off for a while, later than its instant."""
    repeated: Bools
    """Whether it is sent twice."""


@dataclass(frozen=True, slots=True)
class MeterColumns(Columns):
    """What the meters report. The voltage is NaN where no sensor is fitted."""

    voltage_volts: Floats


@dataclass(frozen=True, slots=True)
class VehicleColumns(Columns):
    """What the vehicles report. ``battery_celsius`` is NaN where no sensor is fitted."""

    soc_percent: Floats
    battery_celsius: Floats


class CutOff(NamedTuple):
    """A device that could not send for a while, and kept its readings until it could."""

    number: int
    begin_s: int
    end_s: int

    @property
    def minutes(self) -> tuple[int, int]:
        """The first minute and how many they are."""
        first = self.begin_s // MINUTE_S
        return first, self.end_s // MINUTE_S - first + 1


class Fleet:
    """``vehicles`` vehicles, each with its own charger's meter, and some of them in depots. Not for several threads."""

    def __init__(
        self,
        vehicles: int,
        seed: int = DEFAULT_SEED,
        *,
        depot_share: float = 0.0,
        fault_share: float = DEFAULT_FAULT_SHARE,
        fault_kinds: Collection[FaultKind] = ALL_KINDS,
        planted: Sequence[Planted] = (),
        home_shares: Sequence[float] = HOME_SHARES,
        expected_interval_s: int = MINUTE_S,
    ) -> None:
        """``home_shares``: one of them at each depot, drawn.

        ``expected_interval_s``: what is known of how often devices report; longer where readings are left out.
        """
        if vehicles < 1:
            raise ValueError("a fleet has at least one vehicle")
        self._draws = Draws(seed)
        self.layout = lay_out(vehicles, depot_share)
        self._chargers = draw_chargers(self._draws, self.layout)
        self._vehicles = draw_vehicles(self._draws, self.layout, home_shares)
        parts = (self._draws, self.layout, self._chargers, self._vehicles)
        self.world = World(*parts, fault_share, fault_kinds, planted)
        self.at_meters = Delivery(self._draws, self._chargers.number)
        self.in_vehicles = Delivery(self._draws, self._vehicles.number + VEHICLE_SUBJECTS)
        self.size = vehicles
        self._expected_interval_s = expected_interval_s
        self.vehicle_ids = self.layout.vehicle_ids
        self.meter_ids = self.layout.meter_ids

    def faults(self, until: datetime | None = None) -> list[KnownFault]:
        """The known faults that begin before ``until`` (by default the end of the first year), in order of time."""
        end = EPOCH + timedelta(days=YEAR_DAYS) if until is None else until
        begun = [fault for fault in self.world.faults((end - EPOCH).days // YEAR_DAYS + 1) if fault.since < end]
        begun.sort(key=lambda fault: (fault.since, fault.kind, fault.number))
        return [known_fault(fault, self.layout) for fault in begun]

    def mappings(self) -> list[dict[str, str]]:
        """Which meter belongs to which vehicle, as the HTTP contract wants it."""
        homes = self.layout.home_charger.tolist()
        pairs = zip(self.vehicle_ids, homes, strict=True)
        return [{"vehicleId": vehicle_id, "meterId": self.meter_ids[home]} for vehicle_id, home in pairs]

    def devices(self) -> list[dict[str, str | float]]:
        """What is known of each device: its model, the smallest step of its register, how often it reports."""
        chargers, vehicles = self._chargers, self._vehicles
        interval = {"expectedIntervalSeconds": self._expected_interval_s}
        listed: list[dict[str, str | float]] = [
            {"meterId": name, "model": CHARGER_MODELS[model].name, "resolutionKwh": mwh / 1e6, **interval}
            for name, model, mwh in zip(
                self.meter_ids, chargers.model.tolist(), chargers.resolution_mwh.tolist(), strict=True
            )
        ]
        listed += [
            {"vehicleId": name, "model": VEHICLE_MODELS[model].name, "resolutionKwh": mwh / 1e6, **interval}
            for name, model, mwh in zip(
                self.vehicle_ids, vehicles.model.tolist(), vehicles.resolution_mwh.tolist(), strict=True
            )
        ]
        return listed

    def meters(self, first_minute: int, minutes: int, numbers: Ints | None = None) -> MeterColumns:
        """The meters' readings in these minutes (counted from 1970, as instants are); of all, or of some in order."""
        chargers = self._chargers
        sent = self._send(self.at_meters, first_minute, minutes, chargers.number if numbers is None else numbers)
        charger = sent.numbers
        page = self._page(sent.true_s, chargers.day_begins_s[charger])
        moments = page.at_chargers.moments(np.broadcast_to(charger, sent.true_s.shape), sent.true_s)
        kwh = shown_kwh(page.meters_mwh(moments), chargers.resolution_mwh[charger])
        sent.faults.corrupt(kwh)
        surroundings = self.world.surroundings
        volts: Floats = page.volts[moments.row, charger] - surroundings.evening_volts(sent.minutes * MINUTE_S)
        volts = volts - surroundings.sagging_volts(charger, page.grid.power_kw(moments))
        volts = volts + VOLTS_NOISE * (2 * self._draws.unit(What.VOLTAGE_NOISE, charger, sent.minutes) - 1)
        volts = np.where(chargers.has_voltage[charger], np.round(volts, 1), np.nan)
        return MeterColumns(
            sent.instants_s.T, kwh.T, sent.reported.T, sent.due_s.T, sent.repeated.T, voltage_volts=volts.T
        )

    def vehicles(self, first_minute: int, minutes: int, numbers: Ints | None = None) -> VehicleColumns:
        """The vehicles' readings in these minutes."""
        vehicles = self._vehicles
        sent = self._send(self.in_vehicles, first_minute, minutes, vehicles.number if numbers is None else numbers)
        number = sent.numbers
        page = self._page(sent.true_s, vehicles.day_begins_s[number])
        moments = page.in_vehicles.moments(np.broadcast_to(number, sent.true_s.shape), sent.true_s)
        kwh = shown_kwh(page.registers_mwh(moments), vehicles.resolution_mwh[number])
        sent.faults.corrupt(kwh)
        surroundings = self.world.surroundings
        outdoor = surroundings.outdoor_celsius(sent.minutes * MINUTE_S)
        celsius = surroundings.parked_celsius(number, page.soak[moments.row, number], outdoor)
        celsius = celsius + page.warming_kelvin(moments)
        celsius = np.where(vehicles.has_temperature[number], np.round(celsius, 1), np.nan)
        return VehicleColumns(
            sent.instants_s.T,
            kwh.T,
            sent.reported.T,
            sent.due_s.T,
            sent.repeated.T,
            soc_percent=shown_soc_percent(vehicles, number, page.battery.level_mwh(moments)).T,
            battery_celsius=celsius.T,
        )

    def cut_off(self, start_s: int, end_s: int, *, meters: bool) -> list[CutOff]:
        """The devices that send what they have kept within ``[start_s, end_s)``."""
        delivery, devices = (self.at_meters, self._chargers) if meters else (self.in_vehicles, self._vehicles)
        days = np.arange(start_s // DAY_S - 1, end_s // DAY_S + 1, dtype=np.int64)
        outages = delivery.outages(days, devices.number[:, None])
        ending = outages.is_late & (outages.begin_s >= EPOCH_S) & (start_s <= outages.end_s) & (outages.end_s < end_s)
        return [
            CutOff(number, int(outages.begin_s[number, day]), int(outages.end_s[number, day]))
            for number, day in zip(*(each.tolist() for each in np.nonzero(ending)), strict=True)
        ]

    def _send(self, delivery: Delivery, first_minute: int, minutes: int, numbers: Ints) -> Sent:
        years = ((first_minute + minutes) * MINUTE_S - EPOCH_S) // (YEAR_DAYS * DAY_S) + 1
        on_meters = delivery is self.at_meters
        faults = [fault for fault in self.world.faults(years) if fault.on_charger == on_meters]
        return send(self._draws, delivery, faults, first_minute, minutes, numbers)

    def _page(self, true_s: Ints, day_begins_s: Ints) -> Page:
        day = (true_s - EPOCH_S + day_begins_s) // DAY_S
        return self.world.page(max(int(day.min()), 0), int(day.max()))


def shown_kwh(register_mwh: Ints, resolution_mwh: Ints) -> Floats:
    """What a register of this resolution shows: rounded down, so that it never goes back."""
    shown: Floats = (register_mwh // resolution_mwh) / (1_000_000 / resolution_mwh)
    return shown


def shown_soc_percent(vehicles: Vehicles, number: Ints, level_mwh: Floats) -> Floats:
    """The state of charge that these vehicles show, in their own steps, when the battery holds so much more."""
    step = vehicles.soc_step_percent[number]
    soc = vehicles.full_soc_percent[number] + 100 * level_mwh / 1e6 / vehicles.capacity_kwh[number]
    shown: Floats = (np.floor(soc / step + 0.5) * step).clip(0.0, 100.0).round(1)
    return shown
