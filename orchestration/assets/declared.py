"""What the catalog declares of a dataset, and what was made of it, in Dagster's words."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

from dbt_like_sql.catalog import ColumnSource, Model
from orchestration.assets.code_references import code_of_model
from warehouse.lifecycle.daily_pipeline import EXPORTS
from warehouse.lifecycle.later_days import BOUNDARY_SAMPLES
from warehouse.lifecycle.pipeline_files import Made

POSTGRES, REPORTS, TODAY, EXPOSURES = "1_postgres", "6_reports", "7_today", "8_exposures"
GROUPS = {"lake": "2_lake", "staging": "3_staging", "rollups": "4_rollups", "marts": "5_marts"}
"""By layer. Dagster lists groups by name: the numbers keep them in the order of the story."""

TIERS = {"lake": "bronze", "staging": "silver", "rollups": "silver", "marts": "gold"}
"""By layer: as it came, made ready, and what is asked."""
GOLD, SOURCE = "gold", "source"

FRESH = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=30), fail_window=timedelta(hours=54))
"""Of the marts: a day closes every 24 h, and is in the lake within minutes. A second missing day is a failure."""
KINDS = {
    "export": {"postgres", "parquet"},
    "polars": {"polars", "parquet"},
    "sql": {"duckdb", "parquet"},
    "release": {"duckdb", "parquet"},
}


def asset_spec(model: Model, partitions: dg.PartitionsDefinition[str]) -> dg.AssetSpec:
    """The asset of a dataset."""
    return dg.AssetSpec(
        key=model.name,
        deps=dependencies(model),
        description=description(model),
        group_name=GROUPS[model.layer],
        owners=[f"team:{model.owner}"],
        kinds=KINDS["polars" if model.name in BOUNDARY_SAMPLES else model.kind],
        code_version=model.digest,
        partitions_def=partitions,
        freshness_policy=FRESH if model.layer == "marts" else None,
        tags=tags(model.domain, TIERS[model.layer]),
        metadata={"dagster/column_schema": column_schema(model), **code_of_model(model)},
    )


def tags(domain: str, tier: str) -> dict[str, str]:
    """The tags by which assets are chosen in Dagster, e.g. ``tag:tier=gold``: what it is about, and how far made."""
    return {"domain": domain, "tier": tier} if domain else {"tier": tier}


def dependencies(model: Model) -> list[dg.AssetDep]:
    """What a dataset is made from, or checked against: other datasets, and for an export a table of PostgreSQL."""
    if model.name == "carried_samples":
        # Of earlier days, and after its own day's, which a day that runs beside it looks for. Said without a mapping to
        # the day before: that would make three runs of each day of a backfill, and the ledger queues the rebuilds.
        return [dg.AssetDep("device_last")]
    table = [dg.AssetDep(table_key(model.name))] if model.name in EXPORTS else []
    return [*table, *(dg.AssetDep(name) for name in model.depends_on)]


def table_key(table: str) -> dg.AssetKey:
    """The asset of a table of PostgreSQL."""
    return dg.AssetKey(["postgres", str(table)])  # Dagster cannot send an enum to its other processes


def description(model: Model) -> str:
    """The page of a dataset in markdown: purpose, grain, its SQL, and where each column comes from."""
    parts = [model.description, f"Grain: {model.grain}", f"Key: {', '.join(model.key)}"]
    if model.lookback_days:
        parts.append(f"Looks back: {model.lookback}")
    if model.sql:
        parts.append(f"```sql\n{model.sql.strip()}\n```")
    if any(model.column_lineage.values()):
        came_from = {column: _sources(found) for column, found in model.column_lineage.items()}
        rows = [f"| {column} | {sources} |" for column, sources in came_from.items()]
        parts.append("\n".join(["| column | comes from |", "| --- | --- |", *rows]))
    return "\n\n".join(parts)


def column_schema(model: Model) -> dg.TableSchema:
    """The columns with their types and meaning."""
    in_key = dg.TableColumnConstraints(nullable=False, other=["key"])
    return dg.TableSchema(
        columns=[
            dg.TableColumn(each.name, each.type, each.description, in_key if each.name in model.key else None)
            for each in model.columns
        ]
    )


def what_was_made(made: Made) -> dict[str, Any]:
    """The metadata of a dataset's day."""
    return {
        "dagster/row_count": made.rows,
        "size_bytes": made.size_bytes,
        "version": made.version,
        "state": "made" if made.is_new else "current",
        "path": dg.MetadataValue.path(made.location),
        **({"gaps": made.gaps} if made.gaps else {}),
    }


def _sources(columns: Iterable[ColumnSource]) -> str:
    return ", ".join(f"{each.dataset}.{each.column}" for each in columns) or "a count or a constant"
