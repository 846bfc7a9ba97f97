"""The one sensor: it reads the ledger and asks for a run of each closed day that the lake does not have as it is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import dagster as dg
import psycopg

from orchestration.past_runs import Outcome, PastRuns, past_runs
from orchestration.resources import Warehouse
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import Stream
from warehouse.postgres import ledger
from warehouse.postgres.ledger import DayToRun

EVERY_S = 5
MOST_UNDER_WAY = 4
"""Days that are queued or run at a time. One runs; the others wait where a person's own run can still come between."""

PARTITION_TAG = "dagster/partition"
WISH_TAG = "fleetwatt/wish"
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


def closed_days_sensor(first_day: date, job_name: str) -> dg.SensorDefinition:
    """The sensor of a warehouse that begins at ``first_day``; ``job_name``: the job that runs a day."""

    @dg.sensor(job_name=job_name, minimum_interval_seconds=EVERY_S, default_status=dg.DefaultSensorStatus.RUNNING)
    def closed_days(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult:
        """Asks for a run of each closed day that the lake does not have as it is, oldest first."""
        try:
            with warehouse.connect() as connection:
                look = partial(look_at, connection, context.instance)
                plan = plan_runs(ledger.days_to_run(connection), first_day, days_under_way(context.instance), look)
        except FleetwattError as error:
            return dg.SensorResult(skip_reason=f"{error.title}: {error.detail}")
        why_none = "\n".join(plan.remarks) or "every closed day is in the lake"
        return dg.SensorResult(plan.requests, skip_reason=None if plan.requests else why_none)

    return closed_days


def plan_runs(days: Iterable[DayToRun], first_day: date, under_way: set[str], look: Callable[[DayToRun], Wish]) -> Plan:
    """Decide which days to ask for. ``under_way``: the days of unfinished runs; ``look`` is taken where it matters."""
    plan, waiting = Plan(), 0
    for day in days:
        if day.day < first_day:
            plan.remarks.append(f"{day.day} is before the first day; set FLEET_FIRST_DAY to it")
        elif day.day.isoformat() in under_way:
            plan.remarks.append(f"{day.day} is under way")
        elif len(under_way) + len(plan.requests) >= MOST_UNDER_WAY:
            waiting += 1
        else:
            _ask_or_say_why_not(plan, day.day, look(day))
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
    return Wish(name, ledger.is_held(connection, day.day), past_runs(instance, {WISH_TAG: name}))


def days_under_way(instance: dg.DagsterInstance) -> set[str]:
    """The days of unfinished runs, whoever asked for them."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return {run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags}


def _ask_or_say_why_not(plan: Plan, day: date, wish: Wish) -> None:
    attempt = wish.past.attempts + 1 if wish.past else 1
    if wish.is_held:
        plan.remarks.append(f"{day} is held by an import or another worker")
    elif wish.past is None or wish.past.outcome is Outcome.TO_BE_REPEATED:
        key = f"{wish.name}.attempt-{attempt}"
        plan.requests.append(dg.RunRequest(key, partition_key=day.isoformat(), tags={WISH_TAG: wish.name}))
    elif wish.past.outcome is Outcome.NOT_YET:
        plan.remarks.append(f"{day}: its run {wish.past.run_id[:8]} broke off and is soon repeated")
    else:
        plan.remarks.append(
            f"{day} waits for a person: its run {wish.past.run_id[:8]} {wish.past.outcome.value}. "
            f"When what it says is put right, re-execute it, or: fleetwatt run-day {day}"
        )
