"""Facts of a period that a test writes down: what is not named is as usual, or null."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from warehouse.report.lake_facts import Facts
from warehouse.report.period import Length, Period

LAST = date(2026, 2, 8)
WEEK = Period.ending(Length.WEEK, LAST)
INSTANT = pl.Datetime("us", "UTC")
FINDINGS = pl.Schema(
    {
        **dict.fromkeys(("finding_id", "rule", "kind", "state", "severity", "subject_kind", "detail"), pl.String()),
        **dict.fromkeys(("vehicle_external_id", "vehicle_name", "meter_external_id", "meter_name"), pl.String()),
        **dict.fromkeys(("currency", "cause", "deciding_test", "why_undecided"), pl.String()),
        **dict.fromkeys(("opened_on", "closed_on", "day"), pl.Date()),
        **dict.fromkeys(("onset_from", "onset_at", "onset_until"), INSTANT),
        **dict.fromkeys(("points", "excess_kwh", "excess_low_kwh", "excess_high_kwh", "kwh_per_month"), pl.Float64()),
        **dict.fromkeys(("cost", "cost_per_month", "cause_probability"), pl.Float64()),
    }
)
FLEET_DAYS = pl.Schema(
    {
        "day": pl.Date(),
        **dict.fromkeys(("metered_ac_kwh", "delivered_dc_kwh", "unmapped_ac_kwh", "unmapped_dc_kwh"), pl.Float64()),
        **dict.fromkeys(("idle_kwh", "price_per_kwh"), pl.Float64()),
        "currency": pl.String(),
    }
)
LOSSES = pl.Schema(
    {
        "day": pl.Date(),
        "finding_count": pl.Int64(),
        "kwh_per_month": pl.Float64(),
        "cost_per_month": pl.Float64(),
        "currency": pl.String(),
    }
)
GAPS = pl.Schema(
    {
        "kind": pl.String(),
        "external_id": pl.String(),
        "display_name": pl.String(),
        "gap_count": pl.Int64(),
        "gap_minutes": pl.Float64(),
        "last_ended_at": INSTANT,
        "energy_kwh": pl.Float64(),
    }
)
STANDBY = pl.Schema(
    {
        "meter_external_id": pl.String(),
        "meter_name": pl.String(),
        "idle_kwh": pl.Float64(),
        "idle_hours": pl.Float64(),
        "idle_watts": pl.Float64(),
    }
)
PAIRS = pl.Schema({"session_count": pl.Int64(), "first_day": pl.Date()})


def finding(name: str = "one", **values: Any) -> dict[str, Any]:
    """An open loss of the pair van-1 at dock-1, of which a month costs 20 EUR."""
    usual = {
        "finding_id": name,
        "rule": "R1",
        "kind": "loss",
        "state": "open",
        "severity": "warning",
        "subject_kind": "pair",
        "vehicle_external_id": "van-1",
        "meter_external_id": "dock-1",
        "opened_on": LAST,
        "day": LAST,
        "onset_from": datetime(2026, 2, 3, 20, tzinfo=UTC),
        "onset_at": datetime(2026, 2, 4, 20, tzinfo=UTC),
        "onset_until": datetime(2026, 2, 5, 20, tzinfo=UTC),
        "points": 4.0,
        "excess_kwh": 12.0,
        "excess_low_kwh": 10.0,
        "excess_high_kwh": 14.0,
        "kwh_per_month": 40.0,
        "cost": 6.0,
        "cost_per_month": 20.0,
        "currency": "EUR",
        "cause": "undecided",
        "detail": "4.0 points of the efficiency are lost",
    }
    return {**usual, **values}


def fault(name: str = "clock", **values: Any) -> dict[str, Any]:
    """A clock that is off, of van-1."""
    figures = ("points", "excess_kwh", "excess_low_kwh", "excess_high_kwh", "kwh_per_month", "cost", "cost_per_month")
    of_clock = {"rule": "R8", "kind": "data", "subject_kind": "vehicle", "detail": "an hour behind", "cause": None}
    return finding(name, **{**dict.fromkeys(figures), **of_clock, **values})


def frame_of(findings: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows as ``list_findings.sql`` has them."""
    return pl.DataFrame(list(findings), FINDINGS)


def fleet_days(price: float | None = 0.5, currency: str | None = "EUR", days: int = 7) -> pl.DataFrame:
    """The last days of a fleet: 100 kWh AC a day, 90 of which reached batteries, and 2 of standby."""
    return pl.DataFrame(
        [(LAST - timedelta(days=back), 100.0, 90.0, 0.0, 0.0, 2.0, price, currency) for back in reversed(range(days))],
        FLEET_DAYS,
        orient="row",
    )


def facts(
    findings: Iterable[dict[str, Any]] = (),
    *,
    told_before: Iterable[str] = (),
    period: Period = WEEK,
    **frames: Any,
) -> Facts:
    """Facts of the week; ``frames``: other fields of ``Facts`` than those of a fleet whose pairs have 100 sessions."""
    of_fleet = frames.get("fleet_days", fleet_days())
    usual: dict[str, Any] = {
        "days": of_fleet["day"].to_list(),
        "losses_by_day": pl.DataFrame([(LAST, 1, 40.0, 20.0, "EUR")], LOSSES, orient="row"),
        "fleet_days": of_fleet,
        "standby": pl.DataFrame([("dock-1", None, 1.0, 100.0, 10.0)], STANDBY, orient="row"),
        "gaps": pl.DataFrame(schema=GAPS),
        "pairs": pl.DataFrame([(100, LAST - timedelta(days=99))], PAIRS, orient="row"),
        "meter_count": 1,
        "vehicle_count": 1,
        "has_findings": True,
    }
    return Facts(period=period, findings=frame_of(findings), told_before=frozenset(told_before), **{**usual, **frames})
