"""The one sensor: it reads the ledger and asks for a run of each closed day that the lake does not have as it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import dagster as dg
import psycopg

from orchestration.resources import Warehouse
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import Stream
from warehouse.postgres import ledger
from warehouse.postgres.ledger import DayToRun

EVERY_S = 5
MOST_UNDER_WAY = 4
"""Days that are queued or run at a time. One runs; the others wait where a person's own run can still come between."""

PARTITION_TAG = "dagster/partition"
RUN_KEY_TAG = "dagster/run_key"
WILL_RETRY_TAG = "dagster/will_retry"
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Wish:
    """A closed day that is to be run. ``is_held``: an import or a worker has it right now."""

    day: date
    run_key: str
    is_held: bool


@dataclass
class Plan:
    """What a look at the ledger comes to: days to ask for, and why not the others."""

    ask: list[Wish] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def closed_days_sensor(first_day: date, job_name: str) -> dg.SensorDefinition:
    """The sensor of a warehouse that begins at ``first_day``; ``job_name``: the job that runs a day."""

    @dg.sensor(job_name=job_name, minimum_interval_seconds=EVERY_S, default_status=dg.DefaultSensorStatus.RUNNING)
    def closed_days(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult:
        """Asks for a run of each closed day that the lake does not have as it is, oldest first."""
        try:
            with warehouse.connect() as connection:
                wishes = [_wish(connection, day) for day in ledger.days_to_run(connection)]
        except FleetwattError as error:
            return dg.SensorResult(skip_reason=f"{error.title}: {error.detail}")
        plan = plan_runs(wishes, first_day, days_under_way(context.instance), newest_runs(context.instance, wishes))
        requests = [dg.RunRequest(run_key=wish.run_key, partition_key=wish.day.isoformat()) for wish in plan.ask]
        why_none = "\n".join(plan.remarks) or "every closed day is in the lake"
        return dg.SensorResult(requests, skip_reason=None if requests else why_none)

    return closed_days


def plan_runs(wishes: Iterable[Wish], first_day: date, under_way: set[str], asked: Mapping[str, dg.DagsterRun]) -> Plan:
    """Decide which days to ask for. ``under_way``: days of unfinished runs; ``asked``: the newest run of each key."""
    plan = Plan()
    room = MOST_UNDER_WAY - len(under_way)
    for wish in wishes:
        if wish.day < first_day:
            plan.remarks.append(f"{wish.day} is before the first day; set FLEET_FIRST_DAY to it")
        elif wish.day.isoformat() in under_way:
            plan.remarks.append(f"{wish.day} is under way")
        elif wish.is_held:
            plan.remarks.append(f"{wish.day} is held by an import or another worker")
        elif run := asked.get(wish.run_key):
            plan.remarks.append(_why_not_again(wish.day, run))
        elif room > 0:
            plan.ask.append(wish)
            room -= 1
        else:
            plan.remarks.append(f"{wish.day} waits for its turn")
    return plan


def run_key(day: DayToRun, late_row_count: int) -> str:
    """Names what there is to do. A run's own progress leaves it as it is; anything from outside makes it another one.

    Each export counts as a version and, in the same transaction, as a request: the other requests came from outside.
    """
    outside_requests = day.requested - day.meter_version - day.vehicle_version
    return f"{day.day}, {late_row_count} late rows, {outside_requests} requests from outside"


def days_under_way(instance: dg.DagsterInstance) -> set[str]:
    """The days of unfinished runs, whoever asked for them."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return {run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags}


def newest_runs(instance: dg.DagsterInstance, wishes: Sequence[Wish]) -> dict[str, dg.DagsterRun]:
    """The newest run of each run key that was ever asked for."""
    keys = [wish.run_key for wish in wishes]
    runs = instance.get_runs(dg.RunsFilter(tags={RUN_KEY_TAG: keys})) if keys else []
    return {run.tags[RUN_KEY_TAG]: run for run in reversed(runs)}  # they come newest first


def _wish(connection: psycopg.Connection, day: DayToRun) -> Wish:
    late = sum(ledger.stream_day(connection, stream, day.day).late_row_count for stream in Stream)
    return Wish(day.day, run_key(day, late), ledger.is_held(connection, day.day))


def _why_not_again(day: date, run: dg.DagsterRun) -> str:
    if run.status == dg.DagsterRunStatus.FAILURE and run.tags.get(WILL_RETRY_TAG) == "true":
        return f"{day}: its run {run.run_id[:8]} broke off and is about to be repeated"
    ended = {dg.DagsterRunStatus.FAILURE: "failed", dg.DagsterRunStatus.CANCELED: "was canceled"}
    how = ended.get(run.status, "ended without building all of it")
    return (
        f"{day} waits for a person: its run {run.run_id[:8]} {how}. "
        f"When what it says is put right, re-execute it, or: fleetwatt run-day {day}"
    )
