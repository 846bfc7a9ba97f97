"""How series are written: a list for each thing that is measured, null where it is not known."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import numpy as np
from pydantic import Field

from ingest_api.analytics.encoded_readings import instant
from ingest_api.http.read_answers import Table
from ingest_api.http.wire import Instant, Wire
from ingest_api.series.grid import Grid
from ingest_api.series.series import MarkedReading, Side
from ingest_api.series.series_reads import Device
from ingest_api.series.steps import Column

Values = list[float | None]


class Mark(Wire):
    """A reading that a person should see."""

    at: Instant
    side: Literal["ac", "dc"] = Field(description="The meter's, or the vehicle's own.", examples=["ac"])
    flag: str = Field(
        description="Of the energy rule: `glitch`, `jump`, `rollover`, `reset`, `rebase`; `late`: it came in hours "
        "after its day had ended (told for spans of up to two days).",
        examples=["reset"],
    )


class MappedMeter(Wire):
    """A meter, and when in the span it was the vehicle's."""

    meter_id: str = Field(examples=["meter-1"])
    from_ts: Instant
    to_ts: Instant


class _Series(Wire):
    from_ts: Instant = Field(description="Where the first point begins.")
    to_ts: Instant = Field(description="Where the last point's time ends.")
    step_seconds: int = Field(description="Point n begins at fromTs + n x stepSeconds.", examples=[60])
    ac_kw: Values = Field(
        description="Mean power at the meter over each point's time: a step of its register is spread over the step's "
        "time. Null in a gap (more than 15 expected intervals), and where less than half of the time is known.",
        examples=[[7.214, None]],
    )
    voltage: Values = Field(description="At the newest reading of each point's time.", examples=[[231.4, None]])
    marks: list[Mark] = Field(description="The newest 500, in order of time.")


class MeterSeries(_Series):
    """A meter over a span. A day that PostgreSQL no longer has is a gap."""

    meter_id: str = Field(examples=["meter-1"])


class VehicleSeries(_Series):
    """A vehicle, and the meters that were mapped to it. A day that PostgreSQL no longer has is a gap."""

    vehicle_id: str = Field(examples=["veh-1"])
    dc_kw: Values = Field(description="The same at the vehicle's own register.", examples=[[6.524, None]])
    soc: Values = Field(description="Percent, at the newest reading of each point's time.", examples=[[63.5, None]])
    battery_temp: Values = Field(description="Celsius, likewise.", examples=[[18.2, None]])
    meters: list[MappedMeter] = Field(description="Its meters in order of time; the newest 100.")


def meter_answer(grid: Grid, meter_id: str, ac: Side, marks: Sequence[MarkedReading]) -> MeterSeries:
    """A meter's series."""
    return MeterSeries(meter_id=meter_id, **_common(grid, ac, marks))


def vehicle_answer(
    grid: Grid, vehicle_id: str, sides: tuple[Side, Side], meters: Sequence[Device], marks: Sequence[MarkedReading]
) -> VehicleSeries:
    """A vehicle's series; ``sides``: AC and DC."""
    ac, dc = sides
    return VehicleSeries(
        vehicle_id=vehicle_id,
        dc_kw=_values(dc.kw, 3),
        soc=_values(dc.others["soc_percent"], 1),
        battery_temp=_values(dc.others["battery_temp_celsius"], 2),
        meters=[
            MappedMeter(meter_id=each.external_id, from_ts=each.counts_from, to_ts=each.counts_to) for each in meters
        ],
        **_common(grid, ac, marks),
    )


def table_of(grid: Grid, answer: _Series) -> Table:
    """A row a point: its instant and what was measured; marks and meters are left out."""
    names = [name for name, field in type(answer).model_fields.items() if field.annotation == Values]
    begins = [grid.start + timedelta(seconds=grid.step_s * place) for place in range(grid.points)]
    instants = [f"{begin:%Y-%m-%dT%H:%M:%SZ}" for begin in begins]
    columns = ["ts", *(str(type(answer).model_fields[name].alias) for name in names)]
    return Table(columns, list(zip(instants, *(getattr(answer, name) for name in names), strict=True)))


def _common(grid: Grid, ac: Side, marks: Sequence[MarkedReading]) -> dict[str, object]:
    return {
        "from_ts": grid.start,
        "to_ts": grid.end,
        "step_seconds": grid.step_s,
        "ac_kw": _values(ac.kw, 3),
        "voltage": _values(ac.others["voltage_volts"], 1),
        "marks": [Mark(at=instant(mark.us), side=mark.side, flag=mark.flag) for mark in marks],
    }


def _values(column: Column, digits: int) -> Values:
    """Rounded; -0.0 reads as a fault."""
    shown = np.round(column, digits) + 0.0
    return [None if value != value else value for value in shown.tolist()]  # noqa: PLR0124 - NaN alone is not itself
