"""How a dataset of the lake becomes an asset: the walk makes it, its declared checks are run, both are told."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

import dagster as dg

from dbt_like_sql.catalog import Model
from orchestration.assets.declared import asset_spec, materialized
from orchestration.assets.previews import preview
from orchestration.checks import check_specs, evaluations, require_passed
from orchestration.partitions import day_of
from orchestration.resources import Warehouse, told_plainly
from warehouse.day import DayWalk, Made

Make = Callable[[DayWalk, date], Iterable[Made]]


def dataset_asset(models: Sequence[Model], partitions: dg.PartitionsDefinition[str], make: Make) -> dg.AssetsDefinition:
    """The asset of a dataset, or of several that one step makes together."""
    by_name = {model.name: model for model in models}

    @dg.multi_asset(
        name="_and_".join(model.name for model in models),
        specs=[asset_spec(model, partitions) for model in models],
        check_specs=[spec for model in models for spec in check_specs(model)],
    )
    def build(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[dg.MaterializeResult[None]]:
        walk, day = warehouse.walk, day_of(context)
        with told_plainly():
            made = list(make(walk, day))
            checks = {each.dataset: evaluations(walk, each) for each in made}
            for each in made:
                shown = preview(by_name[str(each.dataset)], walk, day)
                yield materialized(each, walk.lake, checks[each.dataset], shown)
            require_passed(checks)

    return build
