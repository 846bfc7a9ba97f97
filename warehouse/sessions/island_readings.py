"""What was read during the islands: how many readings came, voltage, state of charge, temperature."""

import numpy as np
import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.sessions.measured import Measured
from warehouse.sessions.settings import SessionSettings

VOLTAGE = ("voltage_sum", "voltage_count", "voltage_reading_count", "before_voltage_sum", "before_voltage_count")
"""The columns that ``with_voltage`` adds."""


def with_readings(found: pl.DataFrame, measured: Measured, kind: DeviceKind) -> pl.DataFrame:
    """Add to the islands of devices what these read during them.

    first_row, behind_row: the rows from read_from_us to the end; comparable within a device.
    """
    device, end = found["device_id"].to_numpy(), found["end_us"].to_numpy()
    first = measured.count_before(device, found["read_from_us"].to_numpy())
    behind = measured.count_until(device, end)
    rows = [pl.Series("first_row", first, dtype=pl.Int64), pl.Series("behind_row", behind, dtype=pl.Int64)]
    if kind is DeviceKind.METER:
        return found.with_columns(rows)
    total, count = measured.sums("battery_temp_celsius", first, behind)
    at_rest = measured.count_until(device, found["base_us"].to_numpy())
    soc = (
        (name, measured.last_known("soc_percent", device, to))
        for name, to in (("soc_start_percent", at_rest), ("soc_end_percent", behind))
    )
    return found.with_columns(
        *rows,
        pl.Series("temperature_sum", total, dtype=pl.Float64),
        pl.Series("temperature_count", count, dtype=pl.Int64),
        *(pl.Series(name, values, dtype=pl.Float64, nan_to_null=True) for name, values in soc),
    )


def with_voltage(found: pl.DataFrame, measured: Measured, settings: SessionSettings) -> pl.DataFrame:
    """Add to islands the voltage that the meter ``meter_id`` read during them, and before; zeros where it read none.

    ``found`` has lag_us, what is added to its times to have those of the meter.
    """
    meter = found["meter_id"].fill_null(-1).to_numpy()
    is_here = measured.has(meter)
    here = found.filter(pl.Series(is_here))
    lag = here["lag_us"].to_numpy()
    ids, start, end = (here[name].to_numpy() for name in ("meter_id", "read_from_us", "end_us"))
    start, end = start + lag, end + lag
    # The first row may be the reading before the day, of which only the register is known: it counts for none.
    known = measured.firsts[measured.run(ids)] + 1
    first = np.maximum(measured.count_before(ids, start), known)
    behind = np.maximum(measured.count_until(ids, end), first)
    earlier = measured.count_before(ids, start - settings.voltage_before_s * 1_000_000)
    during = (*measured.sums("voltage_volts", first, behind), behind - first)
    figures = zip(VOLTAGE, (*during, *measured.sums("voltage_volts", earlier, first)), strict=True)
    columns = {}
    for name, values in figures:
        column = np.zeros(found.height, values.dtype)
        column[is_here] = values
        columns[name] = pl.Series(name, column)
    return found.with_columns(**columns)
