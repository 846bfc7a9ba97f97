"""``/``: is all well, what does it cost, what is to be repaired first. For programs: where everything is."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from ingest_api.analytics.fleet_answers import DEFAULT_HOURS, FleetAnswers, FleetPerformance
from ingest_api.dashboard.bars import Share, histogram, shares
from ingest_api.dashboard.shell import PageRoute, looker_of, show
from ingest_api.data_health.days import AskedDays, find_days
from ingest_api.database import AnalyticsDatabase, Database
from ingest_api.findings.finding_schemas import Finding
from ingest_api.findings.told_findings import find_page
from ingest_api.http.parts import part_of
from ingest_api.live.fleet_watch import FleetWatch
from ingest_api.live.now_schemas import DevicesNow, FleetStateNow
from ingest_api.pages.front_links import links_for_programs, wants_a_page
from ingest_api.registry.mapping_store import find_mappings
from ingest_api.settings import ApiSettings
from warehouse.contract.efficiency import surplus_kwh
from warehouse.contract.findings import ACTIVE, Severity
from warehouse.postgres.findings.finding_reads import Asked

router = APIRouter(include_in_schema=False, route_class=PageRoute)

WEEK_HOURS = 168
WORST = 8
DAYS = 60
"""Of the strip, today among them."""
FIRST = 5
"""Findings, those that cost most."""
MOST_COUNTED = 1000
_ANY_MAPPING = {"vehicle_id": None, "meter_id": None, "after": 0, "limit": 1}


@router.get("/")
async def get_fleet(request: Request) -> Response:
    """The page for a client that names HTML and does not rather have JSON; all others get the links."""
    if not wants_a_page(request):
        return await links_for_programs(request)
    looker = await looker_of(request)
    now = FleetStateNow.of(await part_of(request, FleetWatch).now.find())
    async with part_of(request, Database).connection() as connection:
        is_mapped = await find_mappings(connection, _ANY_MAPPING)
        page = await find_page(connection, Asked(states=ACTIVE, limit=MOST_COUNTED))
    if not is_mapped:
        known = {"meters": _known(now.meters), "vehicles": _known(now.vehicles)}
        return await show(request, "getting_started.html", looker, now=now, **known)
    day = await part_of(request, FleetAnswers).answer(DEFAULT_HOURS, WORST)
    week = await part_of(request, FleetAnswers).answer(WEEK_HOURS, 0)
    async with part_of(request, AnalyticsDatabase).connection() as connection:
        days = await find_days(connection, _newest_days())
    threshold = part_of(request, ApiSettings).efficiency_threshold
    return await show(
        request,
        "fleet.html",
        looker,
        now=now,
        day=day,
        against_week=_points(day, week),
        flow=shares(_flow(day)),
        spread=histogram(day.bins, threshold),
        threshold=threshold,
        days=list(reversed(days)),
        day_states=Counter(each.state for each in days),
        devices={"vehicles": _shares(now.vehicles), "meters": _shares(now.meters)},
        **_told(page.items),
    )


def _newest_days() -> AskedDays:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    return AskedDays(since=tomorrow - timedelta(days=DAYS), until=tomorrow, limit=DAYS)


def _known(devices: DevicesNow) -> int:
    return devices.online + devices.stale + devices.offline


def _shares(devices: DevicesNow) -> list[Share]:
    return shares({name: getattr(devices, name) for name in ("online", "stale", "offline", "unseen")})


def _points(day: FleetPerformance, week: FleetPerformance) -> float | None:
    """By how many hundredths the efficiency differs from that of the week."""
    if day.efficiency_ratio is None or week.efficiency_ratio is None:
        return None
    return 100 * (day.efficiency_ratio - week.efficiency_ratio)


def _flow(day: FleetPerformance) -> dict[str, float]:
    """Where the AC of the vehicles that have a ratio went, kWh."""
    if day.ac_kwh is None or day.dc_kwh is None:
        return {}
    lost_kwh = -surplus_kwh(day.ac_kwh, day.dc_kwh)
    return {"battery": day.dc_kwh, "lost": lost_kwh} if lost_kwh >= 0 else {}


def _told(findings: list[Finding]) -> dict[str, Any]:
    """What was found, in figures, and what of it costs most."""
    severities = Counter(each.severity for each in findings)
    costs = [each for each in findings if each.cost_per_month is not None]
    currencies = {each.currency for each in costs}
    return {
        "first": findings[:FIRST],
        "severities": {each: severities[each] for each in reversed(Severity)},
        "cost_per_month": sum(each.cost_per_month or 0.0 for each in costs),
        "kwh_per_month": sum(each.kwh_per_month or 0.0 for each in findings),
        "currency": currencies.pop() if len(currencies) == 1 else None,
    }
