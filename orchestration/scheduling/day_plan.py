"""Which closed days are to be run, which are not, and why not: decided by the ledger and by what became of past runs.

The sensor acts on it, ``fleetwatt status`` shows it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

import dagster as dg
import psycopg

from orchestration.assets.partitions import MOST_TOGETHER, days_of_run, range_tags
from orchestration.scheduling.past_runs import Outcome, PastRuns, past_runs, run_key, run_together, together_key
from orchestration.tags import DAYS_TAG, WHY_TAG
from warehouse.contract.partitions import Stream
from warehouse.counted import counted
from warehouse.postgres.ledger import day_ledger, day_locks
from warehouse.postgres.ledger.day_ledger import DayToRun
from warehouse.postgres.ledger.partition_figures import partitions_bytes

MOST_UNDER_WAY = 4
"""Runs that are queued or run at a time. One runs; the others wait where a person's own run can still come between."""
SMALL_BYTES = 64_000_000
"""In PostgreSQL, of both streams: a twenty-fifth of a day of ten thousand meters and vehicles."""

UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class QueuedRebuild:
    """A day that is to be built, for the first time or again, and what keeps it from being built now."""

    name: str
    is_held: bool
    """Whether an import or a worker has the day now."""
    past: PastRuns | None
    """What came of the runs requested for it before."""
    goes_along: bool
    """Whether it may be done in one run with its neighbours: it is small, and no run was requested for it yet."""


@dataclass
class Plan:
    """The runs to request, and for each of the other days why none is requested."""

    requests: list[dg.RunRequest] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def plan_days(connection: psycopg.Connection, instance: dg.DagsterInstance, first_day: date) -> Plan:
    """Look at the ledger and at Dagster's runs. No run is requested for days before ``first_day``."""
    # Looked at first: a run that ends in between is still under way, and not one that left something undone.
    under_way = days_under_way(instance)
    return plan_runs(day_ledger.days_to_run(connection), first_day, under_way, partial(look_at, connection, instance))


def plan_runs(
    days: Iterable[DayToRun],
    first_day: date,
    under_way: Sequence[Collection[date]],
    look: Callable[[DayToRun], QueuedRebuild],
) -> Plan:
    """Decide for which days to request runs, and which of them share one.

    ``under_way``: the days of each unfinished run. ``look`` is called only for days that could have a run now.
    """
    plan, waiting = Plan(), 0
    busy = set[date]().union(*under_way)
    runs: list[list[_DayOfRun]] = []
    for day in days:
        has_place = len(under_way) + len(runs) < MOST_UNDER_WAY
        may_go_along = bool(runs) and _has_room_for(runs[-1], day.day)
        if day.day < first_day:
            plan.remarks.append(
                f"{day.day} is before Dagster's first partition, {first_day}, which is moved back within seconds; but "
                "not before FLEET_FIRST_DAY"
            )
        elif day.day in busy:
            plan.remarks.append(f"{day.day} is under way")
        elif not has_place and not may_go_along:
            waiting += 1
        elif remark := why_not(day.day, rebuild := look(day)):
            plan.remarks.append(remark)
        elif may_go_along and rebuild.goes_along:
            runs[-1].append(_DayOfRun(day, rebuild))
        elif has_place:
            runs.append([_DayOfRun(day, rebuild)])
        else:
            waiting += 1
    plan.requests = [_request(run) for run in runs]
    if waiting:
        plan.remarks.append(counted(waiting, "later day waits for its turn", "later days wait for their turn"))
    return plan


def rebuild_name(day: DayToRun, late_row_count: int) -> str:
    """The name of a day's queued rebuild. A run's own progress leaves it the same; any change from outside makes it
    another one.

    Each export counts as a version and, in the same transaction, as a request: the other requests came from outside.
    """
    outside_requests = day.requested - day.meter_version - day.vehicle_version
    return f"{day.day}.late-{late_row_count}.requests-{outside_requests}"


def look_at(connection: psycopg.Connection, instance: dg.DagsterInstance, day: DayToRun) -> QueuedRebuild:
    """The queued rebuild of a day."""
    late = sum(day_ledger.stream_day(connection, stream, day.day).late_row_count for stream in Stream)
    name = rebuild_name(day, late)
    past = past_runs(instance, name)
    first_days = [day.day - timedelta(days=number) for number in range(MOST_TOGETHER)]
    together = None if past else run_together(instance, first_days, name)
    if together and together.status == dg.DagsterRunStatus.CANCELED:
        past = PastRuns(1, together.run_id, Outcome.CANCELED)
    is_new = past is None and together is None and day.is_unexported
    goes_along = is_new and partitions_bytes(connection, day.day) <= SMALL_BYTES
    return QueuedRebuild(name, day_locks.is_held(connection, day.day), past, goes_along)


def days_under_way(instance: dg.DagsterInstance) -> list[list[date]]:
    """The days of each unfinished run that has any, whoever started it."""
    return [days for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) if (days := days_of_run(run))]


def why_not(day: date, rebuild: QueuedRebuild) -> str:
    """Why no run is requested for a day; empty where one is."""
    past = rebuild.past
    if rebuild.is_held:
        return f"{day} is held by an import or another worker"
    if past is None or past.outcome is Outcome.TO_BE_REPEATED:
        return ""
    if past.outcome is Outcome.NOT_YET:
        return f"{day}: its run {past.run_id[:8]} broke off and is soon repeated: {past.reason}"
    reason = f": {past.reason}" if past.reason else ""
    return (
        f"{day} waits for a person: its run {past.run_id[:8]} {past.outcome.value}{reason}\n"
        f"When that is put right, re-execute the run, or: fleetwatt run-day {day}"
    )


class _DayOfRun(NamedTuple):
    """A day that is to be run."""

    day: DayToRun
    rebuild: QueuedRebuild


def _has_room_for(run: Sequence[_DayOfRun], day: date) -> bool:
    return run[-1].rebuild.goes_along and len(run) < MOST_TOGETHER and day - run[-1].day.day == timedelta(days=1)


def _request(run: Sequence[_DayOfRun]) -> dg.RunRequest:
    first, last = run[0], run[-1]
    why = {WHY_TAG: _why(first.day)}
    first_day, last_day = (each.day.day.isoformat() for each in (first, last))
    if first is last:
        key = run_key(first.rebuild.name, first.rebuild.past.attempts + 1 if first.rebuild.past else 1)
        return dg.RunRequest(key, partition_key=first_day, tags={DAYS_TAG: first_day, **why})
    key = together_key(each.rebuild.name for each in run)
    days = {DAYS_TAG: f"{first_day} to {last_day}", **range_tags(first_day, last_day)}
    return dg.RunRequest(key, tags={**days, **why})


def _why(day: DayToRun) -> str:
    if day.is_unexported:
        return "day closed"
    return "late readings" if day.is_dirty else "inputs changed"
