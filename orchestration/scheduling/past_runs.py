"""What became of earlier runs of a queued rebuild: may it be tried again, or does it wait for a person?

A run that failed for a reason (a failed check, a damaged file, a full disk) would fail again. One that broke off (the
database was restarted under Dagster's own feet, the machine ran out of memory) is worth another try, later and later.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import date
from enum import Enum
from typing import NamedTuple

import dagster as dg

from orchestration.tags import ASSET_PARTITION_RANGE_START_TAG, RUN_KEY_TAG, WILL_RETRY_TAG

MOST_ATTEMPTS = 8
FIRST_PAUSE_S = 30
"""Each further attempt waits twice as long as the one before: eight of them are spread over an hour."""

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
EVENTS_WITH_ERRORS = {
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.ENGINE_EVENT,
}


class Outcome(Enum):
    """How the newest of them ended; the value says it in a sentence about the run."""

    TO_BE_REPEATED = "broke off"
    NOT_YET = "broke off a moment ago"
    FAILED = "failed"
    BROKE_OFF_TOO_OFTEN = f"broke off, as it did in {MOST_ATTEMPTS - 1} attempts before"
    CANCELED = "was canceled"
    INCOMPLETE = "ended without building all of it"


class Failure(NamedTuple):
    """Why a run failed."""

    reason: str
    is_told: bool
    """Whether a step ended in a ``dagster.Failure``: our own errors and failed checks, but no exception by surprise."""


class PastRuns(NamedTuple):
    """How many attempts there were, and how the newest run ended, whoever started that one."""

    attempts: int
    run_id: str
    outcome: Outcome
    reason: str = ""


def run_key(rebuild: str, attempt: int) -> str:
    """The key of the runs of one attempt at a queued rebuild: Dagster starts one run a key, and its own retries of it.

    ``rebuild``: the name of the queued rebuild, of a day or of hours.
    """
    return f"{rebuild}.attempt-{attempt}"


def past_runs(instance: dg.DagsterInstance, rebuild: str) -> PastRuns | None:
    """What became of the finished runs of a queued rebuild; ``None`` if there are none."""
    keys = [run_key(rebuild, attempt + 1) for attempt in range(MOST_ATTEMPTS)]
    records = instance.get_run_records(dg.RunsFilter(tags={RUN_KEY_TAG: keys}, statuses=FINISHED))
    if not records:
        return None
    newest = records[0].dagster_run
    # Dagster repeats a run whose worker died by itself, under the same key: that is one attempt.
    attempts = len({record.dagster_run.tags[RUN_KEY_TAG] for record in records})
    if newest.status == dg.DagsterRunStatus.CANCELED:
        return PastRuns(attempts, newest.run_id, Outcome.CANCELED)
    if newest.status == dg.DagsterRunStatus.SUCCESS:
        return PastRuns(attempts, newest.run_id, Outcome.INCOMPLETE)
    failure = failure_of(instance, newest.run_id)
    return PastRuns(attempts, newest.run_id, _outcome(records[0], failure, attempts), failure.reason)


def together_key(rebuilds: Iterable[str]) -> str:
    """The key of a run for several days: the names of their queued rebuilds."""
    return " ".join(rebuilds)


def run_together(instance: dg.DagsterInstance, first_days: Iterable[date], rebuild: str) -> dg.DagsterRun | None:
    """The newest finished run of several days that this queued rebuild was part of; ``None`` if there is none.

    ``first_days``: the days that such a run may have begun with.
    """
    may_begin_at = {ASSET_PARTITION_RANGE_START_TAG: [str(day) for day in first_days]}
    runs = instance.get_runs(dg.RunsFilter(tags=may_begin_at, statuses=FINISHED))
    return next((run for run in runs if rebuild in run.tags.get(RUN_KEY_TAG, "").split()), None)


def failure_of(instance: dg.DagsterInstance, run_id: str) -> Failure:
    """Why a run failed, in the words of the step that failed if it has any."""
    surprises = []
    for event in _events_with_errors(instance, run_id):
        if event.is_step_failure:
            told = event.step_failure_data.user_failure_data
            if told is not None:
                return Failure(str(told.description), is_told=True)
        if error := getattr(event.event_specific_data, "error", None):
            while error.cause:
                error = error.cause
            surprises.append(f"{event.step_key}: {error.message}" if event.step_key else error.message)
    return Failure(surprises[0].strip() if surprises else "its process was lost", is_told=False)


def _outcome(record: dg.RunRecord, failure: Failure, attempts: int) -> Outcome:
    if record.dagster_run.tags.get(WILL_RETRY_TAG) == "true":  # by Dagster itself
        return Outcome.NOT_YET
    if failure.is_told:
        return Outcome.FAILED
    if attempts >= MOST_ATTEMPTS:
        return Outcome.BROKE_OFF_TOO_OFTEN
    pause_s = FIRST_PAUSE_S * 2 ** (attempts - 1)
    return Outcome.NOT_YET if time.time() - (record.end_time or 0) < pause_s else Outcome.TO_BE_REPEATED


def _events_with_errors(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.DagsterEvent]:
    for entry in instance.all_logs(run_id, of_type=EVENTS_WITH_ERRORS):
        if entry.dagster_event:
            yield entry.dagster_event
