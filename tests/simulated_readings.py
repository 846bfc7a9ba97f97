"""What the simulated fleet leaves in the lake, without a database: readings by device and time, settings, mappings.

A device's id is its number in the fleet, counted from 1. Every reading arrives but those that are lost.
"""

from datetime import datetime

import numpy as np
import polars as pl

from warehouse.contract.energy import EnergyKind
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.schemas import INSTANT
from warehouse.simulation.draws import Ints
from warehouse.simulation.fleet import Columns, Fleet
from warehouse.simulation.mappings import mapping_history


def readings(fleet: Fleet, kind: DeviceKind, first_minute: int, minutes: int, ids: Ints) -> pl.DataFrame:
    """What these devices report in these minutes (counted from 1970): device_id, ts, kwh and what is measured besides.

    Sorted by (device_id, ts); of two readings of one instant there is the first.
    """
    columns: Columns
    if kind is DeviceKind.METER:
        meters = fleet.meters(first_minute, minutes, ids - 1)
        columns, sensors = meters, {"voltage_volts": meters.voltage_volts}
    else:
        vehicles = fleet.vehicles(first_minute, minutes, ids - 1)
        columns = vehicles
        sensors = {"soc_percent": vehicles.soc_percent, "battery_temp_celsius": vehicles.battery_celsius}
    arrived = columns.reported.T
    frame = pl.DataFrame(
        {
            "device_id": np.broadcast_to(ids.astype(np.int32)[:, None], arrived.shape)[arrived],
            "ts": columns.instants_s.T[arrived] * 1_000_000,
            "kwh": columns.kwh.T[arrived],
            **{name: values.T[arrived].astype(np.float32) for name, values in sensors.items()},
        }
    )
    return (
        frame.with_columns(pl.col("ts").cast(INSTANT), pl.col(*sensors).fill_nan(None))
        .unique(["device_id", "ts"], keep="first", maintain_order=True)
        .sort("device_id", "ts")
    )


def device_ids(fleet: Fleet, kind: DeviceKind) -> Ints:
    """All of a kind."""
    return np.arange(1, len(fleet.meter_ids if kind is DeviceKind.METER else fleet.vehicle_ids) + 1, dtype=np.int64)


def devices(fleet: Fleet, kind: DeviceKind) -> pl.DataFrame:
    """Their settings, as sessions take them."""
    field = "meterId" if kind is DeviceKind.METER else "vehicleId"
    known = [each["resolutionKwh"] for each in fleet.devices() if field in each]
    return pl.DataFrame(
        {"device_id": device_ids(fleet, kind).astype(np.int32), "resolution_kwh": known},
        schema_overrides={"resolution_kwh": pl.Float64},
    ).select(
        "device_id",
        pl.lit(str(EnergyKind.COUNTER)).alias("energy_kind"),
        "resolution_kwh",
        pl.lit(60, pl.Int32).alias("expected_interval_s"),
    )


def mappings(fleet: Fleet, start: datetime, end: datetime) -> pl.DataFrame:
    """Which meter fed which vehicle: mapping_id, vehicle_id, meter_id, valid_from, valid_to."""
    history = mapping_history(fleet, start, end)
    vehicles = {name: number for number, name in enumerate(fleet.vehicle_ids, 1)}
    meters = {name: number for number, name in enumerate(fleet.meter_ids, 1)}
    return pl.DataFrame(
        {
            "mapping_id": range(1, len(history) + 1),
            "vehicle_id": [vehicles[each["vehicleId"]] for each in history],
            "meter_id": [meters[each["meterId"]] for each in history],
            "valid_from": [_instant(each.get("validFrom", "1970-01-01T00:00:00Z")) for each in history],
            "valid_to": [_instant(each["validTo"]) if "validTo" in each else None for each in history],
        },
        schema={
            "mapping_id": pl.Int64,
            "vehicle_id": pl.Int32,
            "meter_id": pl.Int32,
            "valid_from": INSTANT,
            "valid_to": INSTANT,
        },
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
