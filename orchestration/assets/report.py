"""The end of a day: when all of it is built and checked, the ledger hears so, and the day's figures are told."""

from typing import Any

import dagster as dg
import polars as pl

from dbt_like_sql.catalog import Catalog
from orchestration.assets.code_references import code_of_module
from orchestration.assets.days import days_to_make
from orchestration.assets.declared import GOLD, REPORTS, tags
from orchestration.assets.partitions import A_WEEK_A_RUN
from orchestration.assets.pools import CLOSED_DAYS
from orchestration.assets.resources import WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG

FIGURES = "daily_fleet_efficiency"


def report_asset(catalog: Catalog, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Depends on whatever nothing else depends on, and so on everything."""
    last = [name for name in catalog.models if not catalog.used_by(name)]

    @dg.multi_asset(
        name="day_report",
        specs=[
            dg.AssetSpec(
                "day_report",
                deps=last,
                group_name=REPORTS,
                description="The day is done: all its models are built and checked. Its figures are plotted over time.",
                owners=[f"team:{catalog.models[FIGURES].owner}"],
                kinds={"python"},
                tags=tags(catalog.models[FIGURES].domain, GOLD),
                metadata=code_of_module(__file__),
                partitions_def=partitions,
            )
        ],
        backfill_policy=A_WEEK_A_RUN,
        pool=CLOSED_DAYS,
        config_schema=NO_CONFIG,
    )
    def day_report(context: dg.AssetExecutionContext, warehouse: WarehouseParam) -> None:
        with told_plainly():
            pipeline = warehouse.pipeline(catalog)
            for day in days_to_make(context, pipeline, ["day_report"]):
                figures = pl.read_parquet(pipeline.verified(FIGURES, day)).row(0, named=True)
                if _is_of_a_part(context.run):
                    for name in catalog.models:
                        pipeline.require_checks(name, day)
                if not pipeline.finish(day):
                    context.log.info(f"{day}: another run of the day is under way, and ends what is left")
                readable = {name: _readable(figure) for name, figure in figures.items()}
                context.add_asset_metadata(readable, partition_key=day.isoformat())

    return day_report


def _is_of_a_part(run: dg.DagsterRun) -> bool:
    """Whether a person chose what is run: then the other assets' checks, which block it, may have failed before."""
    return bool(run.asset_selection or run.step_keys_to_execute)


def _readable(figure: Any) -> Any:
    """A sum of registers has more digits than they have."""
    return round(figure, 4) if isinstance(figure, float) else figure
