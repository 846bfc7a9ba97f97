"""Which meter feeds which vehicle, and when."""

from datetime import UTC, datetime

from warehouse.simulation.clock import DAY_S, EPOCH_S
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.habits import Kind

PLUGGED_IN_S = 60
"""A vehicle is plugged in for this long before it charges and after."""


def mapping_history(fleet: Fleet, start: datetime, end: datetime) -> list[dict[str, str]]:
    """The mappings of ``[start, end)``: of a pair since always, at a depot as long as a vehicle is plugged in."""
    start_s, end_s = int(start.timestamp()), int(end.timestamp())
    shared = fleet.layout.in_depot
    known = [each for each, in_depot in zip(fleet.mappings(), shared.tolist(), strict=True) if not in_depot]
    if not shared.any():
        return known
    page = fleet.world.page(max((start_s - EPOCH_S) // DAY_S, 0), (end_s - EPOCH_S) // DAY_S + 1)
    charges, needs = page.charges, page.charges.needs
    wanted = (needs.kind == Kind.PAIR) & shared[needs.vehicle]
    wanted &= (charges.start_s < end_s) & (charges.end_s >= start_s)
    plugged_in = [
        {
            "vehicleId": fleet.vehicle_ids[vehicle],
            "meterId": fleet.meter_ids[charger],
            "validFrom": _instant(begin_s - PLUGGED_IN_S),
            "validTo": _instant(finish_s + PLUGGED_IN_S),
        }
        for vehicle, charger, begin_s, finish_s in zip(
            needs.vehicle[wanted].tolist(),
            needs.charger[wanted].tolist(),
            charges.start_s[wanted].tolist(),
            charges.end_s[wanted].tolist(),
            strict=True,
        )
    ]
    return known + sorted(plugged_in, key=lambda each: (each["validFrom"], each["vehicleId"]))


def _instant(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
