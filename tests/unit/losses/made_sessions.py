"""Sessions as ``SAMPLE`` has them, of devices whose losses and registers are known."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from warehouse.losses.mixed_model import Ints
from warehouse.losses.sample import SAMPLE, Floats

START = datetime(2026, 5, 1, tzinfo=UTC)
CAPACITY_KWH = 58.0


@dataclass(frozen=True)
class Pair:
    """A fixed pair in the warm: a day a session, of which the last ``after`` have the fault."""

    before: int = 20
    after: int = 10
    loss: float = 0.0
    """Shifts of log(E_ac / E_dc), by what is lost, ..."""
    meter: float = 0.0
    """... by a meter that reads high, ..."""
    register: float = 0.0
    """... by a vehicle's register that reads low."""
    power_changed: float = 0.0
    """Shift of the log of the set point at the same time."""
    charger_kw: float = 11.0
    hours: float | None = None
    """Of each charge; None: what its energy takes."""
    has_voltage: bool = True
    is_dc_charger: bool = False
    seed: int = 1

    @property
    def onset(self) -> datetime:
        """When the first session with the fault has ended."""
        return START + timedelta(days=self.before)

    def sessions(self) -> pl.DataFrame:
        """They scatter as those of a good fleet: power by 0.4 %, efficiency by 0.6 %, voltage by 1 V."""
        draws = np.random.default_rng(self.seed)
        count = self.before + self.after
        faulty = np.arange(count) >= self.before
        volts = draws.normal(231.0, 1.0, count)
        power_kw = self.charger_kw * np.exp(draws.normal(0, 0.004, count) + self.power_changed * faulty)
        efficiency = 0.89 * np.exp(draws.normal(0, 0.006, count) - self.loss * faulty)
        if self.is_dc_charger:
            dc_kw = power_kw
            ac_kw = dc_kw / efficiency
        else:
            ac_kw = power_kw * volts / 231.0
            dc_kw = ac_kw * efficiency
        dc_kwh = draws.uniform(8, 20, count) if self.hours is None else self.hours * dc_kw
        hours = dc_kwh / dc_kw
        charged = np.round(2 * 100 * dc_kwh / CAPACITY_KWH) / 2
        high, low = np.exp(self.meter * faulty), np.exp(-self.register * faulty)
        return sample_rows(
            np.ones(count, dtype=np.int64),
            np.ones(count, dtype=np.int64),
            np.arange(count, dtype=np.float64),
            ac_kwh=dc_kwh / efficiency * high,
            dc_kwh=dc_kwh * low,
            hours=hours,
        ).with_columns(
            ac_plateau_kw=ac_kw * high,
            dc_plateau_kw=dc_kw * low,
            mean_voltage_volts=pl.Series(volts if self.has_voltage else [None] * count, dtype=pl.Float64),
            voltage_share=pl.lit(1.0 if self.has_voltage else 0.0),
            soc_start_percent=80.0 - charged,
            soc_end_percent=pl.lit(80.0),
        )


@dataclass(frozen=True)
class Site:
    """Vehicles that mostly come to a charger of their own, and as often to each other one."""

    vehicles: int = 14
    meters: int = 10
    home_share: float = 0.5
    days: int = 90
    onset_day: int = 70
    charger_loss: float = 0.0
    """More loss ratio at charger 3 since the onset,"""
    vehicle_loss: float = 0.0
    """of vehicle 5,"""
    site_loss: float = 0.0
    """of all."""
    seed: int = 1

    def sessions(self) -> pl.DataFrame:
        """Each vehicle charges on four of five days. Ratios scatter by 0.8 %."""
        draws = np.random.default_rng(self.seed)
        day, vehicle = (each.ravel() for each in np.indices((self.days, self.vehicles)))
        charges = draws.uniform(size=len(day)) < 0.8
        day, vehicle = day[charges], vehicle[charges]
        home = vehicle % self.meters
        other = (home + draws.integers(1, self.meters, len(day))) % self.meters if self.meters > 1 else home
        meter = np.where(draws.uniform(size=len(day)) < self.home_share, home, other)
        of_vehicle, of_meter = draws.normal(0, 0.01, self.vehicles), draws.normal(0, 0.005, self.meters)
        since = day >= self.onset_day
        dc_kwh = draws.uniform(8, 20, len(day))
        ratio = 0.10 + 0.2 / 10 + of_vehicle[vehicle] + of_meter[meter] + draws.normal(0, 0.008, len(day))
        ratio += since * (self.charger_loss * (meter == 3) + self.vehicle_loss * (vehicle == 5) + self.site_loss)
        return sample_rows(
            vehicle,
            meter,
            day + vehicle / 50,
            ac_kwh=dc_kwh * (1 + ratio),
            dc_kwh=dc_kwh,
            hours=dc_kwh / 10,
        )


def sample_rows(
    vehicle: Ints,
    meter: Ints,
    day: Floats,
    *,
    ac_kwh: Floats,
    dc_kwh: Floats,
    hours: Floats,
) -> pl.DataFrame:
    """Sessions that end on these days after ``START``, in the warm, of registers of 1 Wh."""
    ends = [START + timedelta(days=float(each)) for each in day]
    frame = pl.DataFrame(
        {
            "session_id": [str(number) for number in range(len(ends))],
            "vehicle_id": vehicle,
            "meter_id": meter,
            "started_at": [end - timedelta(hours=float(each)) for end, each in zip(ends, hours, strict=True)],
            "ended_at": ends,
            "ac_kwh": ac_kwh,
            "dc_kwh": dc_kwh,
            "ac_hours": hours,
            "dc_hours": hours,
            "day": [end.date() for end in ends],
            "loss_ratio": ac_kwh / dc_kwh - 1,
            "hours_per_kwh": hours / dc_kwh,
        }
    ).with_columns(
        ac_resolution_kwh=pl.lit(0.001),
        dc_resolution_kwh=pl.lit(0.001),
        battery_celsius=pl.lit(20.0),
        temperature_source=pl.lit("own"),
        variance=pl.lit(1e-6) / pl.col("dc_kwh") ** 2,
    )
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in SAMPLE.items() if name not in frame.columns]
    return frame.with_columns(missing).select(SAMPLE.names()).cast(SAMPLE)
