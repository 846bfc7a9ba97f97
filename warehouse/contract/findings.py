"""What a finding is called and worth, alike in the lake, in PostgreSQL and in what people are told."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

DAYS_A_MONTH = 30.0
"""Losses and costs are told for so many days."""
CONFIDENCE_SIGMAS = 1.96
"""Energies are told with the interval that holds the true one with 95 % probability."""
CRITICAL_POINTS = 8.0
"""From so many points of the efficiency on a loss is critical."""
SAME_FINDING_DAYS = 14
"""What comes back within so many days is the same finding."""
WORSE_FACTOR = 1.5
"""A finding got worse where its points or its kWh a month are this many times what was told last."""


PIPELINE = "pipeline"
"""Who it is that opens, closes and reopens by itself; no person is called so."""


class State(StrEnum):
    """Where a finding stands. ``open`` also where a snooze ran out."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"


ACTIVE = (State.OPEN, State.ACKNOWLEDGED, State.SNOOZED)
"""What is not over: somebody has it before them, or will."""


class Event(StrEnum):
    """What becomes of a finding."""

    OPENED = "opened"
    WORSE = "worse"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    NOTED = "noted"


class Severity(StrEnum):
    """The last is the worst."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


def subject_words(row: Mapping[str, Any]) -> str:
    """Whose a finding is, as the mart says it, with the ids that the devices have now.

    ``row``: columns of ``findings``, with ``vehicle_external_id`` and ``meter_external_id``.
    """
    kind, vehicle, meter = row["subject_kind"], row["vehicle_external_id"], row["meter_external_id"]
    words = {"vehicle": f"vehicle {vehicle}", "meter": f"meter {meter}"}.get(
        kind, f"vehicle {vehicle} at meter {meter}"
    )
    is_known = (vehicle or kind == "meter") and (meter or kind == "vehicle")
    return words if is_known else str(row["subject"])
