"""Which models are to be built again because a day that they look back on changed: a run a day, of these alone.

What is missing, or was made by an older text of a model, is left to a person: ``fleetwatt models build``.
"""

from collections.abc import Collection
from datetime import date, timedelta
from hashlib import sha256
from itertools import groupby

import dagster as dg
import psycopg

from dbt_like_sql.catalog import Catalog
from orchestration.scheduling.day_plan import MOST_UNDER_WAY, Plan, QueuedRebuild, days_under_way, plan_days, why_not
from orchestration.scheduling.past_runs import past_runs, run_key
from orchestration.tags import DAYS_TAG, WHY_TAG
from warehouse.counted import counted
from warehouse.lifecycle.lagging_models import LaggingModel, outdated_models
from warehouse.postgres.ledger import day_ledger, day_locks


def plan_all(connection: psycopg.Connection, instance: dg.DagsterInstance, first_day: date, catalog: Catalog) -> Plan:
    """The runs to request of whole days, and then of models that look back on days which changed."""
    if day_locks.are_many_being_made(connection):
        return Plan(remarks=["another process makes all days that wait, the oldest first"])
    plan = plan_days(connection, instance, first_day)
    outdated = [each for each in outdated_models(connection, catalog) if each.day >= first_day]
    if not outdated:
        return plan
    under_way = days_under_way(instance)
    whole_days = {each.day for each in day_ledger.days_to_run(connection)}
    busy = whole_days.union(*under_way)
    waiting = 0
    for day, group in groupby(outdated, key=lambda each: each.day):
        models = list(group)
        if day in busy:  # it is run as a whole, or under way: this is done with it or looked at again
            continue
        if len(plan.requests) + len(under_way) >= MOST_UNDER_WAY or _waits_for_earlier(models, catalog, busy):
            waiting += 1
            continue
        rebuild = _rebuild(connection, instance, day, models)
        if remark := why_not(day, rebuild):
            plan.remarks.append(remark)
        else:
            plan.requests.append(_request(day, rebuild, models, catalog))
    if waiting:
        them = counted(waiting, "day that looks back on one", "days that look back on some")
        plan.remarks.append(f"{them} that changed: to be built in turn")
    return plan


def _waits_for_earlier(models: Collection[LaggingModel], catalog: Catalog, busy: Collection[date]) -> bool:
    """Whether a day is to be run yet that it looks back on: built now, it would be built again."""
    return any(
        each.day - timedelta(days=catalog.models[each.dataset].lookback_days) <= day < each.day
        for each in models
        for day in busy
    )


def _rebuild(
    connection: psycopg.Connection, instance: dg.DagsterInstance, day: date, models: Collection[LaggingModel]
) -> QueuedRebuild:
    states = " ".join(f"{each.dataset} {each.state}" for each in models)
    name = f"{day}.lookback-{sha256(states.encode()).hexdigest()[:16]}"
    return QueuedRebuild(name, day_locks.is_held(connection, day), past_runs(instance, name), goes_along=False)


def _request(day: date, rebuild: QueuedRebuild, models: Collection[LaggingModel], catalog: Catalog) -> dg.RunRequest:
    names = catalog.with_downstream(each.dataset for each in models)
    return dg.RunRequest(
        run_key(rebuild.name, rebuild.past.attempts + 1 if rebuild.past else 1),
        partition_key=day.isoformat(),
        asset_selection=[dg.AssetKey(name) for name in names],
        tags={DAYS_TAG: day.isoformat(), WHY_TAG: "a day it looks back on changed"},
    )
