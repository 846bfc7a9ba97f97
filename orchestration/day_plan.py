"""Which closed days are to be run, which are not, and why not: decided by the ledger and by what became of past runs.

The sensor acts on it, ``fleetwatt status`` shows it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import dagster as dg
import psycopg

from orchestration.partitions import days_of_run
from orchestration.past_runs import Outcome, PastRuns, past_runs, run_key
from warehouse.contract.partitions import Stream
from warehouse.postgres import ledger
from warehouse.postgres.ledger import DayToRun

MOST_UNDER_WAY = 4
"""Days that are queued or run at a time. One runs; the others wait where a person's own run can still come between."""

WHY_TAG = "fleetwatt/why"
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Wish:
    """What there is to do for a day, whether an import or a worker has the day now, and what came of asking before."""

    name: str
    is_held: bool
    past: PastRuns | None


@dataclass
class Plan:
    """What a look at the ledger comes to: what to ask for, and why not the rest."""

    requests: list[dg.RunRequest] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def plan_days(connection: psycopg.Connection, instance: dg.DagsterInstance, first_day: date) -> Plan:
    """Look at the ledger and at Dagster's runs. Days before ``first_day`` are never asked for."""
    # Looked at first: a run that ends in between is still under way, and not one that left something undone.
    under_way = days_under_way(instance)
    return plan_runs(ledger.days_to_run(connection), first_day, under_way, partial(look_at, connection, instance))


def plan_runs(
    days: Iterable[DayToRun], first_day: date, under_way: set[date], look: Callable[[DayToRun], Wish]
) -> Plan:
    """Decide which days to ask for. ``under_way``: the days of unfinished runs; ``look`` is taken where it matters."""
    plan, waiting = Plan(), 0
    for day in days:
        if day.day < first_day:
            plan.remarks.append(f"{day.day} is before the first day; set FLEET_FIRST_DAY to it")
        elif day.day in under_way:
            plan.remarks.append(f"{day.day} is under way")
        elif len(under_way) + len(plan.requests) >= MOST_UNDER_WAY:
            waiting += 1
        else:
            _ask_or_say_why_not(plan, day, look(day))
    if waiting:
        plan.remarks.append(f"{waiting} later days wait for their turn")
    return plan


def wish_name(day: DayToRun, late_row_count: int) -> str:
    """Names what there is to do. A run's own progress leaves it as it is; anything from outside makes it another one.

    Each export counts as a version and, in the same transaction, as a request: the other requests came from outside.
    """
    outside_requests = day.requested - day.meter_version - day.vehicle_version
    return f"{day.day}.late-{late_row_count}.requests-{outside_requests}"


def look_at(connection: psycopg.Connection, instance: dg.DagsterInstance, day: DayToRun) -> Wish:
    """The wish that a day comes to."""
    late = sum(ledger.stream_day(connection, stream, day.day).late_row_count for stream in Stream)
    name = wish_name(day, late)
    return Wish(name, ledger.is_held(connection, day.day), past_runs(instance, name))


def days_under_way(instance: dg.DagsterInstance) -> set[date]:
    """The days of unfinished runs, whoever asked for them."""
    return {day for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) for day in days_of_run(run)}


def _ask_or_say_why_not(plan: Plan, day: DayToRun, wish: Wish) -> None:
    past = wish.past
    if wish.is_held:
        plan.remarks.append(f"{day.day} is held by an import or another worker")
    elif past is None or past.outcome is Outcome.TO_BE_REPEATED:
        key = run_key(wish.name, past.attempts + 1 if past else 1)
        plan.requests.append(dg.RunRequest(key, partition_key=day.day.isoformat(), tags={WHY_TAG: _why(day)}))
    elif past.outcome is Outcome.NOT_YET:
        plan.remarks.append(f"{day.day}: its run {past.run_id[:8]} broke off and is soon repeated: {past.reason}")
    else:
        reason = f": {past.reason}" if past.reason else ""
        plan.remarks.append(
            f"{day.day} waits for a person: its run {past.run_id[:8]} {past.outcome.value}{reason}\n"
            f"When that is put right, re-execute the run, or: fleetwatt run-day {day.day}"
        )


def _why(day: DayToRun) -> str:
    if day.is_unexported:
        return "day closed"
    return "late readings" if day.is_dirty else "inputs changed"
