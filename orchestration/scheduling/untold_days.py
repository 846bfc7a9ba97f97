"""Days that are in the lake without a run of Dagster's, by the command line or a first start: Dagster is told of them.

Else its pages would show them as missing.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import psycopg

from dbt_like_sql.catalog import Catalog
from orchestration.assets.datasets import DAY_REPORT
from orchestration.assets.declared import what_was_made
from orchestration.scheduling.day_plan import days_under_way
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.pipeline_files import Made
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import list_current_files, oldest_releases

AT_ONCE = 3
"""Days, some forty events each: a look shall take seconds."""


def tell_of_days(
    connection: psycopg.Connection,
    instance: dg.DagsterInstance,
    catalog: Catalog,
    lake: Lake,
    first_day: date,
    known: set[date],
) -> list[dg.AssetMaterialization]:
    """What was made of some of the days that Dagster knows nothing of, the oldest first.

    ``known``: those that need not be looked for any more; what Dagster knows is added.
    """
    # Looked at first, and what is to be run is left out: a run tells of its days itself.
    busy = set[date]().union(*days_under_way(instance), (each.day for each in day_ledger.days_to_run(connection)))
    released = {each.day for each in oldest_releases(connection) if each.day >= first_day} - busy
    if not released - known:
        return []
    known |= {date.fromisoformat(day) for day in instance.get_materialized_partitions(DAY_REPORT)}
    untold = sorted(released - known)
    return [event for day in untold[:AT_ONCE] for event in _events(connection, catalog, lake, day)]


def _events(
    connection: psycopg.Connection, catalog: Catalog, lake: Lake, day: date
) -> Iterator[dg.AssetMaterialization]:
    for file in list_current_files(connection, catalog.models, day):
        location = lake.location(file)
        made = Made(file.dataset, day, file.row_count, file.size_bytes, file.version, location, is_new=True)
        yield dg.AssetMaterialization(file.dataset, metadata=what_was_made(made), partition=day.isoformat())
    yield dg.AssetMaterialization(DAY_REPORT, partition=day.isoformat())
