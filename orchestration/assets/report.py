"""The end of a day: when all of it is built and checked, the ledger hears so, and the day's figures are told."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from dbt_like_sql.catalog import Catalog
from orchestration.assets.checks import check_specs, evaluations
from orchestration.assets.code_references import code_of_module
from orchestration.assets.datasets import DAY_REPORT, told
from orchestration.assets.days import days_to_make
from orchestration.assets.declared import GOLD, REPORTS, asset_spec, tags
from orchestration.assets.partitions import A_WEEK_A_RUN
from orchestration.assets.pools import CLOSED_DAYS
from orchestration.assets.resources import WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG
from warehouse.lifecycle.daily_pipeline import DailyPipeline

FIGURES = "daily_fleet_efficiency"


def report_asset(catalog: Catalog, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Depends on whatever no other model is made from, and so on all of them."""
    models = [model for model in catalog.in_order() if model.kind != "release"]
    read = {name for model in models for name in model.depends_on}
    last = [model.name for model in models if model.name not in read]

    @dg.multi_asset(
        name=DAY_REPORT.to_user_string(),
        specs=[
            dg.AssetSpec(
                DAY_REPORT,
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
            for day in days_to_make(context, pipeline, [DAY_REPORT.to_user_string()]):
                figures = pl.read_parquet(pipeline.verified(FIGURES, day)).row(0, named=True)
                if _is_of_a_part(context.run):
                    for name in catalog.models:
                        pipeline.checks.require(name, day)
                if not pipeline.releases.finish(day):
                    context.log.info(f"{day}: another run of the day is under way, and ends what is left")
                readable = {name: _readable(figure) for name, figure in figures.items()}
                shown = {**readable, **what_was_restated(pipeline, day)}
                context.add_asset_metadata(shown, partition_key=day.isoformat())

    return day_report


def _is_of_a_part(run: dg.DagsterRun) -> bool:
    """Whether a person chose what is run: then the other assets' checks, which block it, may have failed before."""
    return bool(run.asset_selection or run.step_keys_to_execute)


def restatements_assets(catalog: Catalog, partitions: dg.PartitionsDefinition[str]) -> Iterator[dg.AssetsDefinition]:
    """What releases of days restated: written with the release, and told here.

    Comes after ``day_report``, which releases a day; where some models are built by themselves, it releases them.
    """
    model = catalog.release_log
    if model is None:
        return

    @dg.multi_asset(
        name=model.name,
        specs=[asset_spec(model, partitions).merge_attributes(deps=[DAY_REPORT])],
        check_specs=check_specs(model),
        pool=CLOSED_DAYS,
        backfill_policy=A_WEEK_A_RUN,
        config_schema=NO_CONFIG,
    )
    def restatements(
        context: dg.AssetExecutionContext, warehouse: WarehouseParam
    ) -> Iterator[dg.MaterializeResult[None]]:
        with told_plainly():
            pipeline = warehouse.pipeline(catalog)
            days = days_to_make(context, pipeline, [model.name])
            for day in days:
                pipeline.releases.add(day, ())
                context.add_asset_metadata(what_was_restated(pipeline, day), model.name, day.isoformat())
            made = [each for day in days for each in pipeline.releases.restatements(day)]
            yield from told(context, pipeline, [model.name], made, evaluations)

    yield restatements


def what_was_restated(pipeline: DailyPipeline, day: date) -> dict[str, Any]:
    """The metadata of a released day: which release readers see, and what it changed of what they saw before."""
    newest = pipeline.releases.newest(day)
    return {"release": newest.release, "restated": newest.summary or "nothing"}


def _readable(figure: Any) -> Any:
    """A sum of registers has more digits than they have."""
    return round(figure, 4) if isinstance(figure, float) else figure
