"""Days of a drawn fleet as the daily pipeline makes them: each takes off the lags that the day before knew."""

from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from tests.unit.sessions.drawn import DAY, LONG_BEFORE, Drawn
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.clock import clock_lags
from warehouse.data_faults.fault_day import Carried, FaultInputs, faults_of_day
from warehouse.sessions.schemas import OPEN_ISLANDS
from warehouse.sessions.session_day import DaySessions, SessionInputs, sessions_of_day


class DrawnDay(NamedTuple):
    """A day of the fleet."""

    day: date
    sessions: DaySessions
    faults: Carried


def days_of(drawn: Drawn, count: int, *, takes_lags_off: bool = True) -> list[DrawnDay]:
    """The first days of a fleet, one after the other. Devices are called by their numbers."""
    made: list[DrawnDay] = []
    open_islands, faults = pl.DataFrame(schema=OPEN_ISLANDS), Carried.nothing()
    for begin, end in pairwise([LONG_BEFORE, *(DAY + timedelta(days=number) for number in range(1, count + 1))]):
        day = (end - timedelta(days=1)).date()
        lags = clock_lags(faults.data_faults if takes_lags_off else Carried.nothing().data_faults)
        inputs = drawn.inputs(begin, end, open_islands)._replace(clock_lags=lags)
        found = sessions_of_day(inputs, day)
        open_islands = found.open_islands
        faults = faults_of_day(_fault_inputs(inputs, found, faults), day)
        made.append(DrawnDay(day, found, faults))
    return made


def _fault_inputs(inputs: SessionInputs, found: DaySessions, carried: Carried) -> FaultInputs:
    last = [
        frame.group_by("device_id")
        .agg(pl.col("ts").max())
        .select(pl.lit(kind.value).alias("kind"), "device_id", "ts")
        .collect()
        for kind, frame in inputs.readings.items()
    ]
    names = {"external_id": pl.col("device_id").cast(pl.String), "model": pl.lit(None, pl.String)}
    return FaultInputs(
        found.charging_sessions,
        found.daily_standby,
        inputs.flagged_steps,
        pl.concat(last),
        {kind: inputs.devices[kind].with_columns(**names) for kind in DeviceKind},
        inputs.mappings,
        carried,
    )
