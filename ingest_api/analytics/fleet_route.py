"""``GET /v1/analytics/fleet``: the same question as of one vehicle, asked of all of them at once."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field

from ingest_api.analytics.fleet_answers import (
    DEFAULT_HOURS,
    MOST_LISTED,
    Bin,
    FleetAnswers,
    FleetPerformance,
    Group,
    GroupedBy,
    VehicleInFleet,
)
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.wire import Instant, Wire, rounded
from warehouse.contract.efficiency import RATIO_BINS, Status

router = APIRouter(prefix="/v1/analytics", tags=["analytics"], route_class=PlainRequests)


class FleetVehicle(Wire):
    """One vehicle's whole hours, rated as `/v1/analytics/performance` rates a window."""

    vehicle_id: str = Field(examples=["veh-1"])
    ac_kwh: float | None = Field(description="AC energy that its meters counted for it, kWh.", examples=[12.12])
    dc_kwh: float | None = Field(description="DC energy that reached the battery, kWh.", examples=[9.33])
    efficiency_ratio: float | None = Field(description="dcKwh / acKwh, never capped.", examples=[0.7698])
    ac_coverage: float = Field(description="AC readings present / expected, at most 1.", examples=[0.998])
    dc_coverage: float = Field(description="DC readings present / expected, at most 1.", examples=[1.0])
    status: Status = Field(examples=["below_threshold"])
    flags: dict[str, int] = Field(
        description="How often each flag of the energy rule was raised; `low_coverage` and `partly_mapped` where they "
        "apply.",
        examples=[{"gap": 1}],
    )

    @classmethod
    def of(cls, vehicle: VehicleInFleet) -> "FleetVehicle":
        """Write the measured numbers: rounded here and nowhere before."""
        return cls(
            vehicle_id=vehicle.vehicle_id,
            ac_kwh=rounded(vehicle.ac_kwh, 3),
            dc_kwh=rounded(vehicle.dc_kwh, 3),
            efficiency_ratio=rounded(vehicle.efficiency_ratio, 4),
            ac_coverage=round(vehicle.ac_coverage, 3),
            dc_coverage=round(vehicle.dc_coverage, 3),
            status=vehicle.status,
            flags=dict(vehicle.flags),
        )


class RatioBin(Wire):
    """Vehicles whose shown ratio lies in `[fromRatio, toRatio)`. The first bin is open below, the last above."""

    from_ratio: float | None = Field(examples=[0.85])
    to_ratio: float | None = Field(examples=[0.9])
    vehicles: int = Field(examples=[6120])
    ac_kwh: float = Field(description="Their AC energy, kWh.", examples=[74174.4])

    @classmethod
    def of(cls, each: Bin) -> "RatioBin":
        """Write a bin."""
        return cls(
            from_ratio=each.from_ratio, to_ratio=each.to_ratio, vehicles=each.vehicles, ac_kwh=round(each.ac_kwh, 3)
        )


class FleetGroup(Wire):
    """Vehicles that have something in common; a vehicle with two tags is in both groups."""

    name: str | None = Field(description="null: the vehicles of which it is not known.", examples=["Depot north"])
    vehicles: int = Field(examples=[120])
    below_threshold: int = Field(description="Those with this status.", examples=[3])
    ac_kwh: float | None = Field(description="Of those that have a ratio, kWh.", examples=[1454.4])
    dc_kwh: float | None = Field(description="Of those that have a ratio, kWh.", examples=[1279.9])
    efficiency_ratio: float | None = Field(description="dcKwh / acKwh, a ratio of sums.", examples=[0.88])

    @classmethod
    def of(cls, group: Group) -> "FleetGroup":
        """Write a group: rounded here and nowhere before."""
        return cls(
            name=group.name,
            vehicles=group.vehicles,
            below_threshold=group.below_threshold,
            ac_kwh=rounded(group.ac_kwh, 3),
            dc_kwh=rounded(group.dc_kwh, 3),
            efficiency_ratio=rounded(group.efficiency_ratio, 4),
        )


class FleetAnswer(Wire):
    """Charging efficiency of the fleet over the whole hours of `[fromTs, toTs)`. What is missing is null, never 0.

    An hour owns each step whose later reading lies in it, so the step into the window counts here, and does not in
    `/v1/analytics/performance`, which speaks of the readings inside its window alone. In all else both agree.
    """

    window_hours: int = Field(examples=[24])
    grain: Literal["hour"] = Field(description="Whole closed hours only; the running one is not in it.")
    from_ts: Instant = Field(examples=["2026-02-08T04:00:00.000Z"])
    to_ts: Instant = Field(
        description="The end of the newest closed hour that is there.", examples=["2026-02-09T04:00:00.000Z"]
    )
    as_of: Instant | None = Field(
        description="When that hour was written, or any was last put right; null where none is. Later readings, "
        "for whatever hour, are in the answer from the next hour on.",
        examples=["2026-02-09T04:02:21.512Z"],
    )
    hours_covered: int = Field(description="Hours of the window that are there.", examples=[24])
    missing_hours: list[Instant] = Field(
        description="Begins of the hours that are not there: nothing in the answer speaks of them.", examples=[[]]
    )
    vehicles: int = Field(description="Vehicles to which a meter was mapped at some moment.", examples=[10000])
    statuses: dict[str, int] = Field(
        description="How many of them have each status.",
        examples=[
            {
                "no_readings": 12,
                "no_ac": 3,
                "shared_meter": 2,
                "dc_exceeds_ac": 1,
                "low_energy": 1280,
                "below_threshold": 82,
                "ok": 8620,
            }
        ],
    )
    ac_kwh: float | None = Field(description="AC of the vehicles that have a ratio, kWh.", examples=[121200.0])
    dc_kwh: float | None = Field(description="DC of the vehicles that have a ratio, kWh.", examples=[106656.0])
    efficiency_ratio: float | None = Field(
        description="dcKwh / acKwh, a ratio of sums; null where no vehicle has one.", examples=[0.88]
    )
    metered_ac_kwh: float | None = Field(
        description="AC of all meters, mapped or not, each once, kWh.", examples=[121344.5]
    )
    delivered_dc_kwh: float | None = Field(description="DC of all vehicles, mapped or not, kWh.", examples=[106701.2])
    standby_kwh: float | None = Field(
        description="AC less DC of the vehicles that only stood by (`low_energy`), kWh; null where none did.",
        examples=[192.4],
    )
    ac_coverage: float | None = Field(description="Mean of the vehicles' AC coverages.", examples=[0.998])
    dc_coverage: float | None = Field(description="Mean of the vehicles' DC coverages.", examples=[0.999])
    distribution: list[RatioBin] = Field(
        description=f"How the ratios are spread, in bins of {1 / RATIO_BINS:g}, empty ones too; of the vehicles that "
        "`worst` may list."
    )
    worst: list[FleetVehicle] = Field(
        description="The lowest ratios, lowest first, of vehicles that did more than stand by (`low_energy`), and that "
        "report often enough, as their meters do, to tell the window's edges."
    )

    groups: list[FleetGroup] = Field(
        description="With `group`: the vehicles by what they have in common, the most AC first, 200 at most. A label "
        "that was changed counts from the next hour on."
    )

    @classmethod
    def of(cls, measured: FleetPerformance, group: GroupedBy | None) -> "FleetAnswer":
        """Write the measured numbers: rounded here and nowhere before."""
        return cls(
            groups=[FleetGroup.of(each) for each in measured.groups[group]] if group else [],
            window_hours=measured.window.hours,
            grain="hour",
            from_ts=measured.window.start,
            to_ts=measured.window.end,
            as_of=measured.written_at,
            hours_covered=measured.window.hours - len(measured.missing_hours),
            missing_hours=list(measured.missing_hours),
            vehicles=sum(measured.statuses.values()),
            statuses=dict(measured.statuses),
            ac_kwh=rounded(measured.ac_kwh, 3),
            dc_kwh=rounded(measured.dc_kwh, 3),
            efficiency_ratio=rounded(measured.efficiency_ratio, 4),
            metered_ac_kwh=rounded(measured.metered_ac_kwh, 3),
            delivered_dc_kwh=rounded(measured.delivered_dc_kwh, 3),
            standby_kwh=rounded(measured.standby_kwh, 3),
            ac_coverage=rounded(measured.ac_coverage, 3),
            dc_coverage=rounded(measured.dc_coverage, 3),
            distribution=[RatioBin.of(each) for each in measured.bins],
            worst=[FleetVehicle.of(vehicle) for vehicle in measured.worst],
        )


@router.get("/fleet", summary="The fleet's efficiency over the last closed hours", responses=problems(422, 503))
async def get_fleet(
    request: Request,
    hours: Annotated[
        AskedInteger, Query(ge=1, le=168, description="Whole hours, up to the newest that is there.")
    ] = DEFAULT_HOURS,
    worst: Annotated[
        AskedInteger, Query(ge=0, le=MOST_LISTED, description="How many of the worst vehicles to list.")
    ] = 10,
    group: Annotated[
        GroupedBy | None, Query(description="By the charger's model, by site (the charger's, else its own) or by tag.")
    ] = None,
) -> FleetAnswer:
    """Totals, how the vehicles' ratios are spread, and the worst of them, with how fresh all of it is."""
    return FleetAnswer.of(await part_of(request, FleetAnswers).answer(hours, worst), group)
