"""Forgets what Dagster's old runs wrote, so that its database stays small and the UI quick.

With a run its materializations go, and the UI would show a day that is in the lake as missing, without its figures. So
the materializations of a run that made what is current for some day are kept, however old: a tenth of what it wrote.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, cast

import dagster as dg
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy import delete, func, select

from orchestration.assets.device_hourly import DEVICE_HOURLY
from orchestration.scheduling.past_runs import FINISHED

KEPT_FOR = timedelta(days=90)
RUNS_AT_A_TIME = 100
MADE = dg.DagsterEventType.ASSET_MATERIALIZATION


class Forgotten(NamedTuple):
    """How many old runs are gone, and of how many the materializations stay."""

    forgotten: int
    kept: int


def forget_old_runs(instance: dg.DagsterInstance, now: datetime) -> Forgotten:
    """Forget finished runs of more than 90 days ago. Safe to repeat and to kill."""
    storage = cast("SqlEventLogStorage", instance.event_log_storage)
    old = set(_old_runs(instance, now - KEPT_FOR))
    kept = old & _current_runs(storage, set(instance.all_asset_keys()) - {DEVICE_HOURLY})  # whose old hours are gone
    for run_id in old:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    _forget_all_but_what_was_made(storage, old)
    for run_id in old - kept:
        instance.delete_run(run_id)
    return Forgotten(len(old - kept), len(kept))


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    old, cursor = dg.RunsFilter(statuses=FINISHED, created_before=before), None
    while page := instance.get_runs(old, cursor=cursor, limit=RUNS_AT_A_TIME):
        yield from (run.run_id for run in page)
        cursor = page[-1].run_id


def _current_runs(storage: SqlEventLogStorage, assets: Collection[dg.AssetKey]) -> set[str]:
    """The runs that made the newest version of some asset's day."""
    newest = [storage.get_latest_storage_id_by_partition(asset, MADE).values() for asset in assets]
    ids = [event_id for of_asset in newest for event_id in of_asset]
    with storage.index_connection() as connection:
        return set(connection.execute(select(Events.c.run_id).where(Events.c.id.in_(ids)).distinct()).scalars())


def _forget_all_but_what_was_made(storage: SqlEventLogStorage, runs: Collection[str]) -> None:
    """Dagster itself has no way to forget a part of a run, and forgets its checks in no way."""
    newest = select(func.max(Checks.c.id)).group_by(Checks.c.asset_key, Checks.c.check_name)
    with storage.index_connection() as connection:
        connection.execute(delete(Checks).where(Checks.c.run_id.in_(runs), Checks.c.id.not_in(newest)))
        connection.execute(
            delete(Events).where(Events.c.run_id.in_(runs), Events.c.dagster_event_type.is_distinct_from(MADE.value))
        )
