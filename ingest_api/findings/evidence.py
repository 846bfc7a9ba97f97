"""What a finding is based on, as far as PostgreSQL has it."""

from collections.abc import Sequence
from datetime import date, timedelta

from ingest_api.charging.charging_reads import Chosen, StandbySpan, list_chosen_sessions, list_standby
from ingest_api.charging.charging_schemas import session_of, standby_of
from ingest_api.database import Connection
from ingest_api.database import Row as DatabaseRow
from ingest_api.findings.finding_schemas import FindingEvidence, Row
from ingest_api.http.wire import rounded
from warehouse.contract.efficiency import efficiency_ratio
from warehouse.contract.findings import Rule
from warehouse.contract.partitions import midnight, utc_day

MOST = 50
"""Sessions, or days, that one answer has."""


async def find_evidence(connection: Connection, finding: Row) -> FindingEvidence:
    """The newest sessions behind a finding, or days of standby, and what was expected of them.

    By their ids where the rule has named them, else those of the pair since the onset, until it was over.
    """
    if finding["rule"] == Rule.LEAKAGE:
        since = utc_day(finding["onset_at"]) if finding["onset_at"] else None
        span = StandbySpan(finding["meter_id"], since, _until(finding), MOST, "")
        days, _ = await list_standby(connection, span)
        sessions: list[DatabaseRow] = []
    else:
        days, sessions = [], await list_chosen_sessions(connection, _chosen(finding))
    observed = _ratio(sessions)
    points = finding["points"]
    return FindingEvidence(
        sessions=[session_of(row) for row in sessions],
        standby=[standby_of(row) for row in days],
        efficiency_ratio=rounded(observed, 4),
        expected_ratio=None if observed is None or points is None else rounded(observed + points / 100, 4),
    )


def _chosen(finding: Row) -> Chosen:
    return Chosen(
        session_ids=finding["session_ids"],
        vehicle_id=finding["vehicle_id"],
        meter_id=finding["meter_id"],
        since=finding["onset_at"],
        until=midnight(_until(finding)),
        limit=MOST,
    )


def _until(finding: Row) -> date:
    """The day after the last one that shows it: what is closed is told of for long, beside what is better by then."""
    is_over = finding["resolved_on"] is not None and finding["told_state"] != "open"
    last: date = finding["resolved_on"] if is_over else finding["day"]
    return last + timedelta(days=1)


def _ratio(sessions: Sequence[DatabaseRow]) -> float | None:
    telling = [row for row in sessions if row["is_qualified"]]
    if not telling:
        return None
    return float(efficiency_ratio(sum(row["ac_kwh"] for row in telling), sum(row["dc_kwh"] for row in telling)))
