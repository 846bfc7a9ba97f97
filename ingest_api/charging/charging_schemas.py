"""How sessions and standby are written."""

from datetime import date

from pydantic import Field

from ingest_api.database import Row
from ingest_api.http.wire import Instant, Wire, rounded


class ChargingSession(Wire):
    """A charge as both registers saw it. What a side does not know is null, never 0."""

    session_id: str = Field(examples=["meter-11-1770544800"])
    kind: str = Field(
        description="`charge`: of both sides; `ac_only`, `dc_only`: of one; `implausible`, `shared_meter` and `cut` "
        "judge nothing.",
        examples=["charge"],
    )
    vehicle_id: str | None = Field(examples=["veh-1"])
    meter_id: str | None = Field(examples=["meter-1"])
    day: date = Field(description="The UTC day on which it was known to have ended.", examples=["2026-02-08"])
    started_at: Instant = Field(examples=["2026-02-08T18:02:00.000Z"])
    ended_at: Instant = Field(examples=["2026-02-08T20:31:00.000Z"])
    ac_kwh: float | None = Field(examples=[12.12])
    dc_kwh: float | None = Field(examples=[10.83])
    efficiency_ratio: float | None = Field(description="dcKwh / acKwh.", examples=[0.8936])
    ac_hours: float | None = Field(description="How long AC flowed, pauses left out.", examples=[2.48])
    dc_hours: float | None = Field(examples=[2.46])
    ac_mean_kw: float | None = Field(examples=[4.89])
    dc_mean_kw: float | None = Field(examples=[4.4])
    ac_plateau_kw: float | None = Field(description="Median power of the middle half.", examples=[7.21])
    dc_plateau_kw: float | None = Field(examples=[6.52])
    mean_voltage: float | None = Field(examples=[231.4])
    soc_start: float | None = Field(description="Percent.", examples=[41.0])
    soc_end: float | None = Field(description="Percent.", examples=[63.5])
    mean_battery_temp: float | None = Field(description="Celsius.", examples=[18.2])
    ac_coverage: float | None = Field(description="Readings present / expected, at most 1.", examples=[1.0])
    dc_coverage: float | None = Field(examples=[0.994])
    ac_flags: list[str] = Field(description="What the energy rule flagged.", examples=[[]])
    dc_flags: list[str] = Field(examples=[[]])
    is_qualified: bool = Field(description="Whether it tells of efficiency.", examples=[True])


class Sessions(Wire):
    """A page of sessions, newest first."""

    items: list[ChargingSession]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


class StandbyDay(Wire):
    """What a meter's register gained on a UTC day, by what it was."""

    day: date = Field(examples=["2026-02-08"])
    idle_watts: float | None = Field(
        description="Mean power between sessions; null without idle hours.", examples=[6.4]
    )
    idle_hours: float = Field(description="Time between sessions that readings cover.", examples=[20.1])
    idle_kwh: float = Field(description="Energy of that time.", examples=[0.129])
    between_kwh: float = Field(description="Energy that is neither idle nor a session's.", examples=[0.004])
    session_kwh: float = Field(description="Energy of the sessions that ended on the day.", examples=[12.12])


class StandbyDays(Wire):
    """A page of days, newest first."""

    items: list[StandbyDay]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


def session_of(row: Row) -> ChargingSession:
    """A row of ``list_sessions``."""
    return ChargingSession(
        session_id=row["session_id"],
        kind=row["kind"],
        vehicle_id=row["vehicle_external_id"],
        meter_id=row["meter_external_id"],
        day=row["day"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        efficiency_ratio=rounded(row["efficiency_ratio"], 4),
        mean_voltage=rounded(row["mean_voltage_volts"], 1),
        soc_start=rounded(row["soc_start_percent"], 1),
        soc_end=rounded(row["soc_end_percent"], 1),
        mean_battery_temp=rounded(row["mean_battery_temp_celsius"], 2),
        **{name: rounded(row[name], 3) for name in _IN_THOUSANDTHS},
        ac_flags=_words(row["ac_flags"]),
        dc_flags=_words(row["dc_flags"]),
        is_qualified=row["is_qualified"],
    )


_IN_THOUSANDTHS = (
    *("ac_kwh", "dc_kwh", "ac_hours", "dc_hours", "ac_mean_kw", "dc_mean_kw", "ac_plateau_kw", "dc_plateau_kw"),
    *("ac_coverage", "dc_coverage"),
)


def standby_of(row: Row) -> StandbyDay:
    """A row of ``list_standby``."""
    return StandbyDay(
        day=row["day"],
        idle_watts=rounded(row["idle_watts"], 2),
        idle_hours=round(row["idle_hours"], 3),
        idle_kwh=round(row["idle_kwh"], 3),
        between_kwh=round(row["between_kwh"], 3),
        session_kwh=round(row["session_kwh"], 3),
    )


def _words(flags: str) -> list[str]:
    return flags.split(",") if flags else []
