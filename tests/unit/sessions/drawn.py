"""Charges drawn by hand, and the registers that would have shown them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.lake.hourly_energy import FLAGGED
from warehouse.sessions.schemas import CLOCK_LAGS, INSTANT, MEASURED, OPEN_ISLANDS
from warehouse.sessions.session_day import DaySessions, SessionInputs, sessions_until

DAY = datetime(2026, 2, 8, tzinfo=UTC)
LONG_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)


def at(clock: str, day: int = 0) -> datetime:
    """An instant of the first day, or of one after it."""
    hours, minutes = clock.split(":")
    return DAY + timedelta(days=day, hours=int(hours), minutes=float(minutes))


class Flow(NamedTuple):
    """Power that flowed evenly for a time."""

    begin: datetime
    end: datetime
    kw: float


@dataclass(frozen=True)
class Register:
    """A device whose register shows what flowed, as coarsely as it can and as often as it reports."""

    flows: Sequence[Flow]
    resolution_kwh: float = 0.001
    interval_s: int = 60
    begins_at_kwh: float = 5000.0
    standby_w: float = 0.0
    first_at: datetime = DAY
    last_at: datetime = field(default_factory=lambda: at("23:59"))
    is_interval: bool = False
    lost: Sequence[tuple[datetime, datetime]] = ()
    """Times of which no reading came."""
    voltage: float | None = 230.0
    soc_percent: float | None = 50.0
    temp_celsius: float | None = 20.0

    def readings(self) -> pl.DataFrame:
        """Its rows: ts, kwh, and what is measured."""
        seconds = np.arange(0, (self.last_at - self.first_at).total_seconds() + 1, self.interval_s)
        energy = self.begins_at_kwh + self.standby_w / 1000 * seconds / 3600
        for flow in self.flows:
            since, until = ((edge - self.first_at).total_seconds() for edge in (flow.begin, flow.end))
            energy = energy + flow.kw * (np.clip(seconds, since, until) - since).clip(0) / 3600
        shown = np.floor(energy / self.resolution_kwh + 1e-7) * self.resolution_kwh
        ts = [self.first_at + timedelta(seconds=float(each)) for each in seconds]
        frame = pl.DataFrame({"ts": ts, "kwh": shown}, schema={"ts": INSTANT, "kwh": pl.Float64})
        for begin, end in self.lost:
            frame = frame.filter(~pl.col("ts").is_between(begin, end))
        if self.is_interval:
            frame = frame.with_columns(pl.col("kwh").diff().fill_null(0.0))
        return frame.with_columns(
            voltage_volts=pl.lit(self.voltage, pl.Float32),
            soc_percent=pl.lit(self.soc_percent, pl.Float32),
            battery_temp_celsius=pl.lit(self.temp_celsius, pl.Float32),
        )


class Mapping(NamedTuple):
    """Which meter fed which vehicle, and when."""

    vehicle_id: int
    meter_id: int
    valid_from: datetime = DAY - timedelta(days=30)
    valid_to: datetime | None = None


PAIR = (Mapping(1, 1),)
MAPPINGS = pl.Schema(
    {
        "mapping_id": pl.Int64(),
        "vehicle_id": pl.Int32(),
        "meter_id": pl.Int32(),
        "valid_from": INSTANT,
        "valid_to": INSTANT,
    }
)


@dataclass(frozen=True)
class Drawn:
    """A fleet drawn by hand: registers by device, mappings, flagged steps."""

    meters: dict[int, Register] = field(default_factory=dict)
    vehicles: dict[int, Register] = field(default_factory=dict)
    mappings: Sequence[Mapping] = ()
    flagged: Sequence[dict[str, object]] = ()
    replaced: dict[DeviceKind, pl.DataFrame] = field(default_factory=dict)
    """Readings in place of those that the registers give."""
    lags: dict[int, int] = field(default_factory=dict)
    """What is taken off the clock of each vehicle that is known to be off, seconds."""

    def readings(self, kind: DeviceKind) -> pl.DataFrame:
        """The readings of all devices of a kind: device_id, ts, kwh and what they measure."""
        columns = ["device_id", "ts", "kwh", *MEASURED[kind]]
        if kind in self.replaced:
            return self.replaced[kind].select(columns)
        registers = self.meters if kind is DeviceKind.METER else self.vehicles
        empty = Register(()).readings().clear().with_columns(device_id=pl.lit(0, pl.Int32))
        rows = [each.readings().with_columns(device_id=pl.lit(number, pl.Int32)) for number, each in registers.items()]
        return pl.concat([empty, *rows]).sort("device_id", "ts").select(columns)

    def devices(self, kind: DeviceKind) -> pl.DataFrame:
        """Their settings."""
        registers = self.meters if kind is DeviceKind.METER else self.vehicles
        rows = [
            (number, "interval" if each.is_interval else "counter", each.resolution_kwh, each.interval_s)
            for number, each in sorted(registers.items())
        ]
        names = ["device_id", "energy_kind", "resolution_kwh", "expected_interval_s"]
        types = [pl.Int32, pl.String, pl.Float64, pl.Int32]
        return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")

    def by_parts(self, *ends: datetime) -> list[DaySessions]:
        """What is found when the readings come in parts, each with what was carried from the one before."""
        carried, found = pl.DataFrame(schema=OPEN_ISLANDS), []
        for begin, end in pairwise([LONG_BEFORE, *ends]):
            found.append(sessions_until(self.inputs(begin, end, carried), end))
            carried = found[-1].open_islands
        return found

    def found(self, until: datetime | None = None) -> DaySessions:
        """What is found in all readings at once, known up to an instant."""
        end = until or at("00:00", 1)
        return sessions_until(self.inputs(LONG_BEFORE, end, pl.DataFrame(schema=OPEN_ISLANDS)), end)

    def inputs(self, begin: datetime, end: datetime, carried: pl.DataFrame) -> SessionInputs:
        """What a part of the readings is computed from."""
        readings = {kind: self.readings(kind) for kind in DeviceKind}
        is_part = (pl.col("ts") >= begin) & (pl.col("ts") < end)
        parts = {kind: frame.filter(is_part) for kind, frame in readings.items()}
        before = {
            kind: frame.filter(pl.col("ts") < begin)
            .join(parts[kind], on="device_id", how="semi")
            .group_by("device_id", maintain_order=True)
            .last()
            .select("device_id", "ts", "kwh")
            for kind, frame in readings.items()
        }
        rows = [(number, *each) for number, each in enumerate(self.mappings, 1)]
        flagged = pl.DataFrame(list(self.flagged), schema=FLAGGED).filter(is_part)
        return SessionInputs(
            {kind: frame.lazy() for kind, frame in parts.items()},
            before,
            {kind: self.devices(kind) for kind in DeviceKind},
            flagged,
            pl.DataFrame(rows, schema=MAPPINGS, orient="row"),
            carried,
            pl.DataFrame(list(self.lags.items()), schema=CLOCK_LAGS, orient="row"),
        )
