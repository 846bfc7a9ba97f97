"""How a dataset of the lake becomes an asset: the daily pipeline makes it, its checks are run, both are told."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

import dagster as dg

from dbt_like_sql.catalog import Catalog
from orchestration.assets.checks import check_specs, evaluations, nothing_to_check, over_days, require_passed
from orchestration.assets.column_lineage import column_lineage
from orchestration.assets.days import days_to_make
from orchestration.assets.declared import asset_spec, what_was_made
from orchestration.assets.partitions import A_WEEK_A_RUN
from orchestration.assets.pools import CLOSED_DAYS
from orchestration.assets.previews import preview
from orchestration.assets.resources import WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.pipeline_files import Made

DAY_REPORT = dg.AssetKey("day_report")
"""The end of a day."""
Make = Callable[[DailyPipeline, date], Iterable[Made]]
Check = Callable[[DailyPipeline, Made], Sequence[dg.AssetCheckResult]]


def dataset_asset(
    catalog: Catalog, names: Sequence[str], partitions: dg.PartitionsDefinition[str], make: Make, step: str = ""
) -> dg.AssetsDefinition:
    """The asset of a dataset, or of several that one ``step`` makes together; of one the step is called as it is."""
    models = [catalog.models[name] for name in names]

    @dg.multi_asset(
        name=step or names[0],
        specs=[asset_spec(model, partitions) for model in models],
        check_specs=[spec for model in models for spec in check_specs(model)],
        backfill_policy=A_WEEK_A_RUN,
        pool=CLOSED_DAYS,
        config_schema=NO_CONFIG,
    )
    def build(context: dg.AssetExecutionContext, warehouse: WarehouseParam) -> Iterator[dg.MaterializeResult[None]]:
        with told_plainly():
            pipeline = warehouse.pipeline(catalog)
            made = [each for day in days_to_make(context, pipeline, names) for each in make(pipeline, day)]
            yield from told(context, pipeline, names, made, evaluations)
            if not is_released_later(context, catalog):
                for day in sorted({each.day for each in made}):
                    pipeline.releases.add(day, names)

    return build


def is_released_later(context: dg.AssetExecutionContext, catalog: Catalog) -> bool:
    """Whether the run has a later step that lets readers see what it makes, all at once and once every check passed.

    What is built without one is seen when its own checks have passed.
    """
    selected = context.run.asset_selection
    log = catalog.release_log
    return selected is None or DAY_REPORT in selected or (log is not None and dg.AssetKey(log.name) in selected)


def told(
    context: dg.AssetExecutionContext, pipeline: DailyPipeline, names: Sequence[str], made: Sequence[Made], check: Check
) -> Iterator[dg.MaterializeResult[None]]:
    """Check what a step made of these datasets, and tell: by day what it is, of all days together what checks found.

    Raises:
        dagster.Failure: a check failed.
    """
    results = {name: over_days(check(pipeline, each) for each in made if each.dataset == name) for name in names}
    if not made:
        results = {name: nothing_to_check(context.selected_asset_check_keys, name) for name in names}
    for each in made:
        model = pipeline.catalog.models[each.dataset]
        if each.gaps:
            context.log.warning(f"{each.day}: {each.dataset}: {each.gaps}")
        shown = {**what_was_made(each), **column_lineage(model), **preview(model, pipeline, each.day)}
        context.add_asset_metadata(shown, str(each.dataset), each.day.isoformat())
    for name in names:
        yield dg.MaterializeResult(asset_key=str(name), check_results=results[name])
    require_passed(results)
