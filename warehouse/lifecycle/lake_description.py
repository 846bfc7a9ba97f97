"""Writes down, in the lake itself, what readers see of it."""

import psycopg

from dbt_like_sql.catalog import Catalog
from warehouse.lake.lake_readme import explain_lake
from warehouse.lake.snapshot import released_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger.lake_locks import lake_described
from warehouse.postgres.ledger.lake_overview import published_datasets


def describe_lake(connection: psycopg.Connection, lake: Lake, catalog: Catalog) -> None:
    """Bring ``README.md``, ``files.json`` and ``views.sql`` up to date, one process at a time.

    Raises:
        LakeNotExplainedError: one cannot be written.
    """
    with lake_described(connection):
        explain_lake(released_snapshot(connection, lake), catalog, published_datasets(connection))
