"""Findings and their events as alerts see them: for tests of what is told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from warehouse.contract.findings import Event
from warehouse.postgres.alerts.alert_events import FindingEvent

NOW = datetime(2026, 2, 8, 9, 30, tzinfo=UTC)


def finding(number: int = 1, **given: Any) -> dict[str, Any]:
    """A row of the table as JSON has it."""
    return {
        "finding_id": str(UUID(int=number)),
        "rule": "R1",
        "rule_version": 1,
        "name": "excess_loss",
        "kind": "loss",
        "severity": "warning",
        "subject": f"vehicle veh-{number} at meter meter-{number}",
        "subject_kind": "pair",
        "vehicle_id": number,
        "meter_id": number,
        "state": "open",
        "current_state": given.get("state", "open"),
        "snoozed_until": None,
        "assigned_to": None,
        "opened_on": "2026-02-07",
        "resolved_at": None,
        "resolved_because": None,
        "resolved_by": None,
        "onset_from": "2026-01-28T17:00:00+00:00",
        "onset_at": "2026-01-30T17:00:00+00:00",
        "onset_until": "2026-02-01T17:00:00+00:00",
        "cause": "charger",
        "cause_probability": 0.93,
        "deciding_test": None,
        "points": 5.1,
        "z": 6.2,
        "excess_kwh": 12.5,
        "excess_low_kwh": 10.0,
        "excess_high_kwh": 15.0,
        "kwh_per_month": 14.0,
        "cost": 3.75,
        "cost_per_month": 4.2,
        "currency": "EUR",
        "session_count": 2,
        "session_ids": ["a", "b"],
        "detail": "it loses 5.1 points more than expected",
        "day": "2026-02-07",
        "revision": 1,
        **given,
    }


def event(event_id: int, what: Event, number: int = 1, row: dict[str, Any] | None = None, **given: Any) -> FindingEvent:
    """An event of the finding with this number; ``row``: what else its columns say now."""
    return FindingEvent(
        **{
            "event_id": event_id,
            "event": what.value,
            "actor": "pipeline",
            "note": None,
            "happened_at": NOW - timedelta(hours=1),
            "meter": f"meter-{number}",
            "vehicle": f"veh-{number}",
            "finding": finding(number, **(row or {})),
            **given,
        }
    )
