"""What became of runs that were asked for before: may it be tried again, or is it a person's turn?

A run that failed for a reason (a failed check, a damaged file, a full disk) would fail again. One that broke off (the
database was restarted under Dagster's own feet, the machine ran out of memory) is worth another try, and not many.
"""

import time
from enum import Enum
from typing import NamedTuple

import dagster as dg

MOST_ATTEMPTS = 4
PAUSE_S = 30
WILL_RETRY_TAG = "dagster/will_retry"


class Outcome(Enum):
    """How the newest of them ended; the value says it in a sentence about the run."""

    TO_BE_REPEATED = "broke off"
    NOT_YET = "broke off a moment ago"
    FAILED = "failed"
    BROKE_OFF_TOO_OFTEN = f"broke off like {MOST_ATTEMPTS - 1} before it"
    CANCELED = "was canceled"
    INCOMPLETE = "ended without building all of it"


class PastRuns(NamedTuple):
    """How many runs there were, whoever started them, and how the newest of them ended."""

    attempts: int
    run_id: str
    outcome: Outcome


def past_runs(instance: dg.DagsterInstance, tags: dict[str, str]) -> PastRuns | None:
    """What became of the finished runs with these tags; ``None`` if there are none."""
    records = instance.get_run_records(dg.RunsFilter(tags=tags))
    if not records:
        return None
    newest = records[0]
    return PastRuns(len(records), newest.dagster_run.run_id, _outcome(instance, newest, len(records)))


def _outcome(instance: dg.DagsterInstance, record: dg.RunRecord, attempts: int) -> Outcome:
    run = record.dagster_run
    if run.status == dg.DagsterRunStatus.CANCELED:
        return Outcome.CANCELED
    if run.status == dg.DagsterRunStatus.SUCCESS:
        return Outcome.INCOMPLETE
    if run.tags.get(WILL_RETRY_TAG) == "true":  # by Dagster itself
        return Outcome.NOT_YET
    if _has_reason(instance, run):
        return Outcome.FAILED
    if attempts >= MOST_ATTEMPTS:
        return Outcome.BROKE_OFF_TOO_OFTEN
    return Outcome.NOT_YET if time.time() - (record.end_time or 0) < PAUSE_S else Outcome.TO_BE_REPEATED


def _has_reason(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a step ended in a ``dagster.Failure``: our own errors and failed checks, but no exception by surprise."""
    failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return any(entry.get_dagster_event().step_failure_data.user_failure_data is not None for entry in failures)
