"""How a vehicle's days are written."""

from datetime import date

from pydantic import Field

from ingest_api.database import Row
from ingest_api.http.wire import Wire, rounded
from warehouse.contract.efficiency import LOW_COVERAGE, Status


class VehicleDay(Wire):
    """A UTC day of a vehicle to which a meter was mapped at some moment of it. What is missing is null, never 0."""

    day: date = Field(examples=["2026-02-08"])
    ac_kwh: float | None = Field(description="AC that its meters counted for it.", examples=[12.12])
    dc_kwh: float | None = Field(description="DC that reached the battery while a meter was mapped.", examples=[10.33])
    efficiency_ratio: float | None = Field(description="dcKwh / acKwh, never capped.", examples=[0.8523])
    status: Status = Field(examples=["ok"])
    lost_against_threshold_kwh: float | None = Field(
        description="AC beyond what the same DC takes at 0.85; null where the vehicle did not charge, or its edges "
        "decide the day.",
        examples=[0.0],
    )
    lost_against_target_kwh: float | None = Field(description="The same at 0.9.", examples=[0.642])
    standby_kwh: float | None = Field(
        description="AC less DC of a vehicle that only stood by (`low_energy`); else null.", examples=[None]
    )
    mapped_hours: float = Field(description="How much of the day a mapping holds.", examples=[24.0])
    ac_coverage: float | None = Field(description="AC readings present / expected, at most 1.", examples=[0.998])
    dc_coverage: float | None = Field(description="DC readings present / expected, at most 1.", examples=[1.0])
    mean_battery_temp: float | None = Field(description="Celsius.", examples=[18.21])
    flags: dict[str, int] = Field(
        description="How often each flag of the energy rule was raised; `corrected`: readings that corrections left "
        "out or gave another value; `low_coverage` (sides below 0.9), `partly_mapped` and `coarse_edge` where they "
        "apply.",
        examples=[{"gap": 1}],
    )


class VehicleDays(Wire):
    """A page of days, newest first."""

    items: list[VehicleDay]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


def day_of(row: Row) -> VehicleDay:
    """A row of ``list_vehicle_days``."""
    coverages = row["ac_coverage_ratio"], row["dc_coverage_ratio"]
    flags = {
        **(row["flags"] or {}),
        "low_coverage": sum((each or 0) < LOW_COVERAGE for each in coverages),
        "partly_mapped": int(row["partly_mapped"]),
        "coarse_edge": int(row["coarse_edge"]),
    }
    return VehicleDay(
        day=row["day"],
        efficiency_ratio=rounded(row["efficiency_ratio"], 4),
        status=Status(row["status"]),
        ac_coverage=rounded(coverages[0], 3),
        dc_coverage=rounded(coverages[1], 3),
        mean_battery_temp=rounded(row["mean_battery_temp_celsius"], 2),
        **{name: rounded(row[name], 3) for name in _IN_THOUSANDTHS},
        flags={flag: count for flag, count in flags.items() if count},
    )


_IN_THOUSANDTHS = (
    *("ac_kwh", "dc_kwh", "lost_against_threshold_kwh", "lost_against_target_kwh"),
    *("standby_kwh", "mapped_hours"),
)
