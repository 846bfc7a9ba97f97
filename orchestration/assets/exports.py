"""What comes out of PostgreSQL: the readings of a sealed day, and the small tables beside them."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from dbt_like_sql.catalog import Catalog
from orchestration.assets.checks import check_specs, evaluations, ledger_evaluation, ledger_spec
from orchestration.assets.datasets import dataset_asset, told
from orchestration.assets.days import days_to_make
from orchestration.assets.declared import asset_spec
from orchestration.assets.partitions import A_WEEK_A_RUN
from orchestration.assets.resources import WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG
from warehouse.contract.partitions import Stream
from warehouse.lake.export import TABLES
from warehouse.lifecycle.daily_pipeline import DayWalk, Made


def export_assets(catalog: Catalog, partitions: dg.PartitionsDefinition[str]) -> Iterator[dg.AssetsDefinition]:
    """One asset a stream and a table."""
    for stream in Stream:
        yield _stream_asset(catalog, stream, partitions)
    for table in TABLES:
        yield _table_asset(catalog, table, partitions)


def _stream_asset(catalog: Catalog, stream: Stream, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Seals the day first, which is safe to repeat: whoever comes first, a run of the day or a click on one stream."""
    model = catalog.models[stream]

    @dg.multi_asset(
        name=model.name,
        specs=[asset_spec(model, partitions)],
        check_specs=[*check_specs(model), ledger_spec(model)],
        backfill_policy=A_WEEK_A_RUN,
        config_schema=NO_CONFIG,
    )
    def export(context: dg.AssetExecutionContext, warehouse: WarehouseParam) -> Iterator[dg.MaterializeResult[None]]:
        with told_plainly():
            walk = warehouse.walk(catalog)
            days = days_to_make(context, walk, [stream])
            made = [_exported(context, walk, stream, day) for day in days]
            yield from told(context, walk, [stream], made, _check)

    return export


def _exported(context: dg.AssetExecutionContext, walk: DayWalk, stream: Stream, day: date) -> Made:
    for sealed in walk.seal(day):
        context.log.info(f"sealed {sealed} of {day}")
    return walk.export(stream, day)


def _check(walk: DayWalk, made: Made) -> list[dg.AssetCheckResult]:
    return [*evaluations(walk, made), ledger_evaluation(walk, made)]


def _table_asset(catalog: Catalog, table: str, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    return dataset_asset(catalog, [table], partitions, lambda walk, day: [walk.export_table(table, day)])
