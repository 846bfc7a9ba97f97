"""A simulated fleet from its registers to the sessions of each day, as the daily pipeline makes them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from warehouse.contract.energy import CAP_BASE_KWH, GAP_INTERVALS, DeviceSettings
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.clock import clock_lags
from warehouse.data_faults.fault_day import Carried, FaultInputs, faults_of_day
from warehouse.lake.hourly_energy import FLAGGED, SAMPLES, classified_steps, flagged_steps
from warehouse.sessions.schemas import INSTANT, MEASURED, OPEN_ISLANDS
from warehouse.sessions.session_day import DaySessions, SessionInputs, sessions_of_day
from warehouse.simulation.fleet import Fleet, MeterColumns

DAY_MINUTES = 1440
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class FleetDay(NamedTuple):
    """A day of the fleet."""

    day: date
    sessions: DaySessions
    flagged_steps: pl.DataFrame
    last: pl.DataFrame


class FleetDays:
    """The days of a fleet of pairs, one after the other. Devices are called by their numbers, from 1."""

    def __init__(self, fleet: Fleet, interval_minutes: int = 1) -> None:
        """``interval_minutes``: from one reading of a device to the next; of the simulator's, others are left out."""
        self.fleet = fleet
        self.interval_minutes = interval_minutes
        count = len(fleet.meter_ids)
        number = pl.Series(range(1, count + 1), dtype=pl.Int32)
        described = fleet.devices()
        self.devices = {
            kind: _devices(number, described[first : first + count], interval_minutes * 60)
            for kind, first in ((DeviceKind.METER, 0), (DeviceKind.VEHICLE, count))
        }
        nobody = pl.lit(None, INSTANT)
        self.mappings = pl.DataFrame({"vehicle_id": number}).select(
            pl.col("vehicle_id").cast(pl.Int64).alias("mapping_id"),
            "vehicle_id",
            meter_id=pl.col("vehicle_id"),
            valid_from=pl.lit(LONG_AGO).cast(INSTANT),
            valid_to=nobody,
        )

    def faults(self, first: date, count: int) -> Iterator[tuple[FleetDay, Carried]]:
        """Sessions and data faults of each day, with what is carried from one to the next."""
        before = {kind: pl.DataFrame(schema=pl.Schema(list(SAMPLES.items())[:3])) for kind in DeviceKind}
        open_islands, carried = pl.DataFrame(schema=OPEN_ISLANDS), Carried.nothing()
        for day in (first + timedelta(days=each) for each in range(count)):
            readings = {kind: self._readings(kind, day) for kind in DeviceKind}
            found = self._day(day, readings, before, open_islands, clock_lags(carried.data_faults))
            open_islands = found.sessions.open_islands
            inputs = FaultInputs(
                found.sessions.charging_sessions,
                found.sessions.daily_standby,
                found.flagged_steps,
                found.last,
                self.devices,
                self.mappings,
                carried,
            )
            carried = faults_of_day(inputs, day)
            yield found, carried
            for kind, each in readings.items():
                last = _last(each)
                before[kind] = pl.concat([before[kind].join(last, on="device_id", how="anti"), last]).sort("device_id")

    def _day(
        self,
        day: date,
        readings: Mapping[DeviceKind, pl.DataFrame],
        before: Mapping[DeviceKind, pl.DataFrame],
        open_islands: pl.DataFrame,
        lags: pl.DataFrame,
    ) -> FleetDay:
        boundary = {
            kind: before[kind].join(readings[kind], on="device_id", how="semi", maintain_order="left")
            for kind in DeviceKind
        }
        flagged = pl.concat(self._flagged(kind, readings[kind], boundary[kind]) for kind in DeviceKind)
        lazy = {kind: frame.lazy() for kind, frame in readings.items()}
        inputs = SessionInputs(lazy, boundary, self.devices, flagged, self.mappings, open_islands, lags)
        last = [
            _last(frame).select(pl.lit(kind.value).alias("kind"), "device_id", "ts") for kind, frame in readings.items()
        ]
        return FleetDay(day, sessions_of_day(inputs, day), flagged, pl.concat(last))

    def _readings(self, kind: DeviceKind, day: date) -> pl.DataFrame:
        midnight_s = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        # Devices report in their own seconds: the minutes before and after may have readings of the day.
        minutes = midnight_s // 60 - 1, DAY_MINUTES + 2
        columns = self.fleet.meters(*minutes) if kind is DeviceKind.METER else self.fleet.vehicles(*minutes)
        ids = np.broadcast_to(np.arange(1, columns.kwh.shape[1] + 1, dtype=np.int32), columns.kwh.shape)
        measured = (
            {"voltage_volts": columns.voltage_volts}
            if isinstance(columns, MeterColumns)
            else {"soc_percent": columns.soc_percent, "battery_temp_celsius": columns.battery_celsius}
        )
        is_here = columns.reported & (columns.instants_s >= midnight_s) & (columns.instants_s < midnight_s + 86_400)
        is_here &= ((minutes[0] + np.arange(minutes[1])) % self.interval_minutes == 0)[:, None]
        return (
            pl.DataFrame(
                {
                    "device_id": ids[is_here],
                    "ts": pl.Series(columns.instants_s[is_here] * 1_000_000).cast(INSTANT),
                    "kwh": columns.kwh[is_here],
                    **{name: values[is_here].astype(np.float32) for name, values in measured.items()},
                }
            )
            .with_columns(pl.col(name).fill_nan(None) for name in MEASURED[kind])
            .unique(["device_id", "ts"], keep="first")
            .sort("device_id", "ts")
        )

    def _flagged(self, kind: DeviceKind, readings: pl.DataFrame, boundary: pl.DataFrame) -> pl.DataFrame:
        rule = DeviceSettings()
        devices = self.devices[kind].with_columns(
            max_power_kw=pl.lit(rule.max_power_kw),
            rollover_kwh=pl.lit(rule.rollover_kwh, pl.Float64),
            max_reset_kwh=pl.lit(rule.max_reset_kwh),
            segment_from=pl.lit(LONG_AGO).cast(INSTANT),
        )
        rows = pl.concat([boundary, readings.select(boundary.columns)])
        doubtful = _doubtful(rows, self.interval_minutes * 60)
        readings, boundary = (frame.filter(pl.col("device_id").is_in(doubtful)) for frame in (readings, boundary))
        samples = readings.select("device_id", "ts", "kwh", battery_temp_celsius=pl.lit(None, pl.Float32))
        steps = classified_steps(
            samples.lazy(), boundary.lazy(), devices.drop("external_id", "resolution_kwh", "model").lazy()
        )
        return flagged_steps(steps, kind).collect().cast(FLAGGED)


def _devices(number: pl.Series, described: list[dict[str, str | float]], interval_s: int) -> pl.DataFrame:
    rows = pl.DataFrame(described)
    return pl.DataFrame({"device_id": number}).with_columns(
        rows["resolutionKwh"].alias("resolution_kwh"),
        rows["model"],
        external_id=pl.col("device_id").cast(pl.String),
        energy_kind=pl.lit("counter"),
        expected_interval_s=pl.lit(interval_s, pl.Int32),
    )


def _last(readings: pl.DataFrame) -> pl.DataFrame:
    return readings.group_by("device_id", maintain_order=True).last().select("device_id", "ts", "kwh")


def _doubtful(rows: pl.DataFrame, interval_s: int) -> list[int]:
    """Devices whose register did not just grow, reading by reading: the rule has nothing to say of the others."""
    steps = rows.sort("device_id", "ts").select(
        "device_id",
        is_same=pl.col("device_id") == pl.col("device_id").shift(1),
        grew_kwh=pl.col("kwh").diff(),
        took_s=pl.col("ts").diff().dt.total_seconds(),
    )
    is_plain = pl.col("grew_kwh").is_between(0, CAP_BASE_KWH) & (pl.col("took_s") <= GAP_INTERVALS * interval_s)
    return steps.filter("is_same", ~is_plain)["device_id"].unique().to_list()
