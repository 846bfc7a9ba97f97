"""A finding as people and programs get it, alike in the API, on the command line and in webhooks."""

from collections.abc import Mapping
from typing import Any

from warehouse.contract.findings import State

_AS_THEY_ARE = (
    *("revision", "rule_version", "name", "kind", "subject_kind", "assigned_to", "opened_on", "day"),
    *("onset_from", "onset_at", "onset_until", "resolved_at", "resolved_because", "resolved_by", "points", "z"),
    *("excess_kwh", "excess_low_kwh", "excess_high_kwh", "kwh_per_month", "cost", "currency"),
    *("cause", "cause_probability", "deciding_test", "session_count", "session_ids", "detail"),
)


def short_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """The least that names a finding and says what it is worth; ``row``: those columns, as for ``finding_fields``."""
    return {
        "id": row["finding_id"],
        "rule": row["rule"],
        "severity": row["severity"],
        "state": row["current_state"],
        "subject": subject_words(row),
        "cost_per_month": row["cost_per_month"],
    }


def finding_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """All that is told of a finding, by its name in snake case; JSON has the same names in camel case.

    ``row``: the columns of ``findings``, with ``current_state``, ``vehicle_external_id`` and ``meter_external_id``.
    """
    return short_fields(row) | {
        "snoozed_until": row["snoozed_until"] if row["current_state"] == State.SNOOZED else None,
        "vehicle_id": row["vehicle_external_id"],
        "meter_id": row["meter_external_id"],
        **{name: row[name] for name in _AS_THEY_ARE},
    }


def subject_words(row: Mapping[str, Any]) -> str:
    """Whose a finding is, as the mart says it, with the ids that the devices have now."""
    kind, vehicle, meter = row["subject_kind"], row["vehicle_external_id"], row["meter_external_id"]
    words = {"vehicle": f"vehicle {vehicle}", "meter": f"meter {meter}"}.get(
        kind, f"vehicle {vehicle} at meter {meter}"
    )
    is_known = (vehicle or kind == "meter") and (meter or kind == "vehicle")
    return words if is_known else str(row["subject"])
