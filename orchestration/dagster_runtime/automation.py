"""What Dagster does by itself, and what it means where somebody stops it."""

from collections.abc import Sequence

MEANS = {
    "closed_days": "closed days are not exported",
    "closed_hours": "closed hours are not written",
    "daily_maintenance": "partitions are not made ahead, files not checked, old days not dropped",
    "daily_report": "the report for people is not written",
    "failed_runs": "failed runs are not told",
    "untold_findings": "findings are not told",
}
"""Our sensors and schedules, by name."""


def what_is_stopped(stopped: Sequence[str]) -> str:
    """In a sentence."""
    if not stopped:
        return "everything that Dagster does by itself runs"
    return "stopped in Dagster: " + "; ".join(f"{name} ({MEANS.get(name, 'unknown')})" for name in stopped)
