"""``GET /v1/analytics/performance/{vehicleId}``: the question of the dashboards."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from ingest_api.analytics.performance import Performance, Window, measure
from ingest_api.database import AnalyticsDatabase
from ingest_api.findings.finding_schemas import OpenFinding
from ingest_api.http.openapi import problems
from ingest_api.http.parts import part_of
from ingest_api.http.plain_requests import AskedInteger, PlainRequests
from ingest_api.http.wire import AskedInstant, Instant, Wire, checked_device_id, rounded
from ingest_api.settings import ApiSettings
from warehouse.contract.efficiency import LEAST_LOW_ENERGY_KWH, LOW_COVERAGE, LOW_ENERGY_KWH_A_DAY, Status
from warehouse.contract.errors import InvalidRequestError

router = APIRouter(prefix="/v1/analytics", tags=["analytics"], route_class=PlainRequests)


class PerformanceAnswer(Wire):
    """Charging efficiency of one vehicle over `[fromTs, toTs)`. What is missing is null, never 0."""

    vehicle_id: str = Field(examples=["veh-1"])
    meter_id: str | None = Field(description="The meter mapped at the window's end.", examples=["meter-1"])
    window_hours: int = Field(examples=[24])
    ac_kwh: float | None = Field(description="AC energy that the meter counted, kWh.", examples=[12.12])
    dc_kwh: float | None = Field(description="DC energy that reached the battery, kWh.", examples=[10.33])
    efficiency_ratio: float | None = Field(
        description="dcKwh / acKwh, never capped; null where a side has no reading, AC is 0 or the meter is shared.",
        examples=[0.8527],
    )
    avg_battery_temp: float | None = Field(description="Mean battery temperature, Celsius.", examples=[33.12])
    from_ts: Instant = Field(examples=["2026-02-08T04:00:00.000Z"])
    to_ts: Instant = Field(examples=["2026-02-09T04:00:00.000Z"])
    meter_ids: list[str] = Field(description="All meters that count in the window.", examples=[["meter-1"]])
    ac_coverage: float = Field(description="AC readings present / expected, at most 1.", examples=[0.998])
    dc_coverage: float = Field(description="DC readings present / expected, at most 1.", examples=[1.0])
    ac_energy_kind: str = Field(description="What the meter's field means.", examples=["counter"])
    dc_energy_kind: str = Field(description="What the vehicle's field means.", examples=["counter"])
    span_from: Instant | None = Field(
        description="Where AC and DC begin or end apart, both are cut to their common span: its first reading. "
        "Energies, ratio and status are then of this span; null where they are of the window.",
        examples=[None],
    )
    span_to: Instant | None = Field(description="Its last reading.", examples=[None])
    status: Status = Field(
        description="The first that applies. `low_energy`: AC and DC are both below "
        f"{LOW_ENERGY_KWH_A_DAY:g} kWh a day (at least {LEAST_LOW_ENERGY_KWH:g} kWh): "
        "the vehicle only stood by.",
        examples=["ok"],
    )
    flags: dict[str, int] = Field(
        description="How often each flag of the energy rule was raised; "
        f"`low_coverage` (sides below {LOW_COVERAGE:g}), `low_energy` "
        "(as the status), `edge_mismatch` (AC and DC begin or end further apart than two readings) and `partly_mapped` "
        "where they apply; `corrected`: readings that corrections left out or gave another value.",
        examples=[{}],
    )
    findings: list[OpenFinding] = Field(
        description="What is known to be wrong with this vehicle and its meters and nobody has settled, "
        "the most expensive first; `GET /v1/findings/{id}` has the rest."
    )

    @classmethod
    def of(cls, measured: Performance) -> "PerformanceAnswer":
        """Write the measured numbers: rounded here and nowhere before."""
        return cls(
            vehicle_id=measured.vehicle_id,
            meter_id=measured.meter_id,
            window_hours=measured.window.hours,
            ac_kwh=rounded(measured.ac_kwh, 3),
            dc_kwh=rounded(measured.dc_kwh, 3),
            efficiency_ratio=rounded(measured.efficiency_ratio, 4),
            avg_battery_temp=rounded(measured.avg_battery_temp_celsius, 2),
            from_ts=measured.window.start,
            to_ts=measured.window.end,
            meter_ids=list(measured.meter_ids),
            ac_coverage=round(measured.ac_coverage, 3),
            dc_coverage=round(measured.dc_coverage, 3),
            ac_energy_kind=measured.ac_energy_kind,
            dc_energy_kind=measured.dc_energy_kind,
            span_from=measured.span.first if measured.span else None,
            span_to=measured.span.last if measured.span else None,
            status=measured.status,
            flags=dict(measured.flags),
            findings=[OpenFinding.of(finding) for finding in measured.findings],
        )


@router.get(
    "/performance/{vehicleId}",
    summary="Energy, efficiency and battery temperature of the last hours",
    responses=problems(404, 410, 422, 503),
)
async def get_performance(
    request: Request,
    vehicleId: str,  # noqa: N803 - the parameter's public name
    hours: Annotated[AskedInteger, Query(ge=1, le=168, description="Length of the window.")] = 24,
    at: Annotated[
        AskedInstant | None, Query(description="End of the window, exclusive; not ahead of now. Default: now.")
    ] = None,
) -> PerformanceAnswer:
    """AC and DC energy, their ratio and the mean battery temperature over `[at - hours, at)`."""
    settings = part_of(request, ApiSettings)
    now = datetime.now(UTC)
    end = at or now
    if end > now + settings.accepted_ahead:
        raise InvalidRequestError("at lies in the future; leave it out for the window that ends now")
    window = Window(end - timedelta(hours=hours), end)
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        measured = await measure(connection, checked_device_id(vehicleId), window, settings.efficiency_threshold)
    return PerformanceAnswer.of(measured)
