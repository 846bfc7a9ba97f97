"""The sessions of the fleet as they really were: what a search for sessions should find, what statistics begin with.

Energies are what the registers show when a session ends, less what they showed when it began; nothing is sampled, and a
register that restarted has counted on. Of a device that was cut off or silent, the coverage says how much of its
readings arrived.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from warehouse.simulation.charging import MWH_PER_KWH, Charges
from warehouse.simulation.clock import DAY_S, EPOCH, EPOCH_S, YEAR_DAYS
from warehouse.simulation.delivery import LOST_SHARE, Delivery
from warehouse.simulation.device_faults import since_s, until_s
from warehouse.simulation.draws import Bools, Floats, Ints
from warehouse.simulation.faults import SILENCES, Fault
from warehouse.simulation.fleet import Fleet, shown_kwh, shown_soc_percent
from warehouse.simulation.habits import Kind
from warehouse.simulation.models import CHARGER_MODELS, VEHICLE_MODELS
from warehouse.simulation.pages import Page
from warehouse.simulation.session_plateaus import plateau_spans
from warehouse.simulation.signals import CLEAN, SignalNoise, draw_signals

LONGEST_PAUSE_S = 600
"""A longer one makes two sessions of a charge."""
KINDS = {Kind.PAIR: "charge", Kind.DC_ONLY: "dc_only", Kind.AC_ONLY: "ac_only"}


@dataclass(frozen=True, slots=True)
class _Parts:
    """Charges, cut at their long pauses: one row a session."""

    charge: Ints
    first_phase: Ints
    begin_s: Ints
    end_s: Ints


def sessions(fleet: Fleet, start: datetime, end: datetime, noise: SignalNoise = CLEAN) -> pl.DataFrame:
    """All sessions that end in ``[start, end)``, in order of their ends.

    Columns: ``kind`` (``charge``, ``ac_only``, ``dc_only``), ``meter_id`` (of the charger that was really used; null
    elsewhere), ``vehicle_id``, ``meter_model``, ``vehicle_model``, ``started_at``, ``ended_at``, ``hours``, ``ac_kwh``,
    ``dc_kwh``, ``efficiency_ratio``, ``ac_plateau_kw``, ``dc_plateau_kw``, ``mean_voltage_volts``, ``voltage_share``,
    ``soc_start_percent``, ``soc_end_percent``, ``mean_battery_temp_celsius`` (null without a sensor), ``ac_coverage``,
    ``dc_coverage``, ``ac_resolution_kwh``, ``dc_resolution_kwh``, ``lost_points`` (what faults of charger and vehicle
    take of the AC energy, in percent of it). ``noise`` is what plateaus, voltage and states of charge are wrong by,
    besides what registers and their steps leave open; energies have none.
    """
    start_s, end_s = int(start.timestamp()), int(end.timestamp())
    first_day, last_day = (start_s - EPOCH_S) // DAY_S, (end_s - EPOCH_S) // DAY_S + 1
    page = fleet.world.page(max(first_day, 0), last_day)
    parts = _parts(page.charges)
    wanted = np.flatnonzero((start_s <= parts.end_s) & (parts.end_s < end_s))
    wanted = wanted[np.argsort(parts.end_s[wanted], kind="stable")]
    parts = _Parts(*(getattr(parts, name)[wanted] for name in _Parts.__slots__))
    return _table(fleet, page, parts, fleet.world.faults((end - EPOCH).days // YEAR_DAYS + 1), noise)


def _parts(charges: Charges) -> _Parts:
    ends_s = charges.start_s[:, None] + np.cumsum(charges.lasts_s, axis=1)
    paused = (charges.dc_kw[:, 1] == 0) & (charges.ac_kw[:, 0] + charges.dc_kw[:, 0] > 0)
    long_pause = paused & (charges.lasts_s[:, 1] > LONGEST_PAUSE_S)
    number = np.arange(len(ends_s), dtype=np.int64)
    cut = number[long_pause]
    first_end_s = np.where(long_pause, ends_s[:, 0], ends_s[:, 3])
    return _Parts(
        np.concatenate([number, cut]),
        np.concatenate([np.zeros_like(number), np.full_like(cut, 2)]),
        np.concatenate([charges.start_s, ends_s[cut, 1]]),
        np.concatenate([first_end_s, ends_s[cut, 3]]),
    )


def _table(fleet: Fleet, page: Page, parts: _Parts, faults: Sequence[Fault], noise: SignalNoise) -> pl.DataFrame:
    charges, world = page.charges, fleet.world
    chargers, vehicles = world.chargers, world.vehicles
    needs, of = charges.needs, parts.charge
    kind, vehicle, charger = needs.kind[of], needs.vehicle[of], needs.charger[of]
    plug, has_ac, has_dc = np.maximum(charger, 0), kind != Kind.DC_ONLY, kind != Kind.AC_ONLY

    def metered_kwh(at_s: Ints) -> Floats:
        return shown_kwh(page.metered_mwh(page.at_chargers.moments(plug, at_s)), chargers.resolution_mwh[plug])

    def counted_kwh(at_s: Ints) -> Floats:
        moments = page.in_vehicles.moments(vehicle, at_s)
        return shown_kwh(page.registers_mwh(moments), vehicles.resolution_mwh[vehicle])

    ac_kwh = np.round(metered_kwh(parts.end_s) - metered_kwh(parts.begin_s), 3)
    dc_kwh = np.round(counted_kwh(parts.end_s) - counted_kwh(parts.begin_s), 3)
    plateaus = plateau_spans(charges, of, parts.begin_s, parts.end_s)
    subject = 2 * needs.subject[of] + (parts.first_phase > 0)
    signals = draw_signals(world.draws, noise, plug, vehicle, subject, needs.day[of])
    soc = []
    for at_s, error_percent in zip((parts.begin_s, parts.end_s), signals.soc_percent, strict=True):
        level_mwh = page.battery.level_mwh(page.in_vehicles.moments(vehicle, at_s)) * signals.soc_factor
        error_mwh = error_percent / 100 * vehicles.capacity_kwh[vehicle] * MWH_PER_KWH
        soc.append(shown_soc_percent(vehicles, vehicle, level_mwh + error_mwh))
    silent = [fault for fault in faults if fault.kind in SILENCES]
    ac_coverage = _coverage(fleet.at_meters, [each for each in silent if each.on_charger], plug, parts)
    dc_coverage = _coverage(fleet.in_vehicles, [each for each in silent if not each.on_charger], vehicle, parts)
    is_charge, has_voltage = kind == Kind.PAIR, has_ac & chargers.has_voltage[plug]
    return pl.DataFrame(
        {
            "kind": _named(list(KINDS.values()), kind),
            "meter_id": _where(has_ac, _named(fleet.meter_ids, plug)),
            "vehicle_id": _named(fleet.vehicle_ids, vehicle),
            "meter_model": _where(has_ac, _named([each.name for each in CHARGER_MODELS], chargers.model[plug])),
            "vehicle_model": _named([each.name for each in VEHICLE_MODELS], vehicles.model[vehicle]),
            "started_at": _instants(parts.begin_s),
            "ended_at": _instants(parts.end_s),
            "hours": (parts.end_s - parts.begin_s) / 3_600,
            "ac_kwh": _where(has_ac, pl.Series(ac_kwh)),
            "dc_kwh": _where(has_dc, pl.Series(dc_kwh)),
            "efficiency_ratio": _where(is_charge & (ac_kwh > 0), pl.Series(dc_kwh / np.where(ac_kwh > 0, ac_kwh, 1.0))),
            "ac_plateau_kw": _where(has_ac, pl.Series(plateaus.mean_kw(metered_kwh) * signals.power_factor)),
            "dc_plateau_kw": _where(has_dc, pl.Series(plateaus.mean_kw(counted_kwh) * signals.power_factor)),
            "mean_voltage_volts": _where(has_voltage, pl.Series(charges.volts[of] + signals.volts)),
            "voltage_share": _where(has_ac, pl.Series(np.where(has_voltage, ac_coverage, 0.0))),
            "soc_start_percent": soc[0],
            "soc_end_percent": soc[1],
            "mean_battery_temp_celsius": _where(vehicles.has_temperature[vehicle], pl.Series(charges.celsius[of])),
            "ac_coverage": _where(has_ac, pl.Series(ac_coverage)),
            "dc_coverage": _where(has_dc, pl.Series(dc_coverage)),
            "ac_resolution_kwh": _where(has_ac, pl.Series(chargers.resolution_mwh[plug] / 1e6)),
            "dc_resolution_kwh": vehicles.resolution_mwh[vehicle] / 1e6,
            "lost_points": 100 * charges.points[of],
        }
    )


def _coverage(delivery: Delivery, silent: list[Fault], device: Ints, parts: _Parts) -> Floats:
    """The share of the session's readings that arrive."""
    lasts_s = np.maximum(parts.end_s - parts.begin_s, 1)
    missing_s = np.zeros(len(device))
    for day in (parts.begin_s // DAY_S, parts.begin_s // DAY_S + 1):
        outages = delivery.outages(day, device)
        missing_s += np.where(outages.is_late, 0, _overlap_s(parts, outages.begin_s, outages.end_s))
    for fault in silent:
        missing_s += np.where(device == fault.number, _overlap_s(parts, since_s(fault), until_s(fault)), 0)
    coverage: Floats = (1 - LOST_SHARE) * np.clip(1 - missing_s / lasts_s, 0.0, 1.0)
    return coverage


def _overlap_s(parts: _Parts, begin_s: Ints | float, end_s: Ints | float) -> Floats:
    overlap: Floats = np.maximum(np.minimum(parts.end_s, end_s) - np.maximum(parts.begin_s, begin_s), 0)
    return overlap


def _named(names: list[str], places: Ints) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(places)


def _where(known: Bools, values: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(known)).then(values)).to_series()


def _instants(seconds: Ints) -> pl.Series:
    return pl.Series(seconds * 1_000_000).cast(pl.Datetime("us", "UTC"))
