"""Whether there is something to be told of findings, and if not, why not."""

from datetime import datetime

import dagster as dg
import psycopg

from orchestration.scheduling.day_plan import UNFINISHED, Plan
from orchestration.scheduling.past_runs import Outcome, past_runs, run_key
from orchestration.tags import PRIORITY_TAG
from warehouse.alert_settings import AlertSettings
from warehouse.alerts.outbox import work_to_do


def plan_alerts(
    connection: psycopg.Connection,
    instance: dg.DagsterInstance,
    settings: AlertSettings,
    job_name: str,
    now: datetime,
) -> Plan:
    """One run for all that is to be told and sent."""
    plan = Plan()
    if instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNFINISHED), limit=1):
        plan.remarks.append("a run is under way")
        return plan
    work = work_to_do(connection, settings, now)
    if not work:
        return plan
    # Whatever is decided or sent makes this another name: a run that failed is tried again with the next thing to do.
    name = "alerts-" + "-".join(map(str, work))
    past = past_runs(instance, name)
    if past is None or past.outcome is Outcome.TO_BE_REPEATED:
        key = run_key(name, past.attempts + 1 if past else 1)
        plan.requests.append(dg.RunRequest(key, tags={PRIORITY_TAG: "1"}))  # seconds, ahead of days in the queue
    else:
        plan.remarks.append(f"its run {past.run_id[:8]} {past.outcome.value}: {past.reason}")
    return plan
