"""Whether the closed hours are to be written, and if not, why not."""

from datetime import date

import dagster as dg
import psycopg

from orchestration.assets.partitions import hour_key, range_tags
from orchestration.scheduling.day_plan import UNFINISHED, Plan
from orchestration.scheduling.past_runs import Outcome, past_runs, run_key
from orchestration.tags import PRIORITY_TAG
from warehouse.contract.partitions import utc_day
from warehouse.postgres.hours.device_hours import hours_to_write


def plan_hours(connection: psycopg.Connection, instance: dg.DagsterInstance, first_day: date, job_name: str) -> Plan:
    """One run for all hours that are missing; Dagster knows none before ``first_day``, but they are written too."""
    plan = Plan()
    if instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNFINISHED), limit=1):
        plan.remarks.append("a run is under way")
        return plan
    hours = [hour for hour in hours_to_write(connection) if utc_day(hour) >= first_day]
    if not hours:
        return plan
    # Once the next hour has closed this is another name, so hours that failed are tried again with it.
    rebuild = f"hours-to-{hour_key(hours[-1])}"
    past = past_runs(instance, rebuild)
    if past is None or past.outcome is Outcome.TO_BE_REPEATED:
        key = run_key(rebuild, past.attempts + 1 if past else 1)
        soon = {PRIORITY_TAG: "1"}  # seconds, ahead of days that wait in the queue
        plan.requests.append(dg.RunRequest(key, tags={**range_tags(hour_key(hours[0]), hour_key(hours[-1])), **soon}))
    else:
        plan.remarks.append(f"its run {past.run_id[:8]} {past.outcome.value}: {past.reason}")
    return plan
