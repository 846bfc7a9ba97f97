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
from orchestration.assets.pools import CLOSED_DAYS
from orchestration.assets.resources import WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG
from warehouse.contract.partitions import Stream
from warehouse.lake.export import DECISIONS, TABLES
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.pipeline_files import Made


def export_assets(catalog: Catalog, partitions: dg.PartitionsDefinition[str]) -> Iterator[dg.AssetsDefinition]:
    """One asset a stream and a table."""
    for stream in Stream:
        yield _stream_asset(catalog, stream, partitions)
    for table in (*TABLES, *DECISIONS):
        yield _table_asset(catalog, table, partitions)


def _stream_asset(catalog: Catalog, stream: Stream, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Seals the day first, which is safe to repeat: whoever comes first, a run of the day or a click on one stream."""
    model = catalog.models[stream]

    @dg.multi_asset(
        name=model.name,
        specs=[asset_spec(model, partitions)],
        check_specs=[*check_specs(model), ledger_spec(model)],
        backfill_policy=A_WEEK_A_RUN,
        pool=CLOSED_DAYS,
        config_schema=NO_CONFIG,
    )
    def export(context: dg.AssetExecutionContext, warehouse: WarehouseParam) -> Iterator[dg.MaterializeResult[None]]:
        with told_plainly():
            pipeline = warehouse.pipeline(catalog)
            days = days_to_make(context, pipeline, [stream])
            made = [_exported(context, pipeline, stream, day) for day in days]
            yield from told(context, pipeline, [stream], made, _check)

    return export


def _exported(context: dg.AssetExecutionContext, pipeline: DailyPipeline, stream: Stream, day: date) -> Made:
    for sealed in pipeline.seal(day):
        context.log.info(f"sealed {sealed} of {day}")
    return pipeline.export(stream, day)


def _check(pipeline: DailyPipeline, made: Made) -> list[dg.AssetCheckResult]:
    return [*evaluations(pipeline, made), ledger_evaluation(pipeline, made)]


def _table_asset(catalog: Catalog, table: str, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    return dataset_asset(catalog, [table], partitions, lambda pipeline, day: [pipeline.export_table(table, day)])
