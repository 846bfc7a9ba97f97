"""Who reads the datasets, outside of the lake. Dagster only shows them, after what they read."""

from collections.abc import Iterator

import dagster as dg

from dbt_like_sql.catalog import Catalog, Exposure
from orchestration.assets.code_references import code_of_exposure
from orchestration.assets.declared import EXPOSURES, GOLD, table_key, tags
from orchestration.assets.device_hourly import DEVICE_HOURLY
from warehouse.lifecycle.daily_pipeline import EXPORTS


def exposure_specs(catalog: Catalog) -> Iterator[dg.AssetSpec]:
    """One external asset an exposure."""
    for exposure in catalog.exposures.values():
        yield dg.AssetSpec(
            key=exposure_key(exposure.name),
            deps=[*exposure.reads, *(_table_key(name) for name in exposure.reads_tables)],
            group_name=EXPOSURES,
            description=_description(exposure),
            owners=[f"team:{exposure.owner}"],
            kinds={exposure.kind},
            tags=tags("efficiency", GOLD),
            metadata=code_of_exposure(exposure),
        )


def exposure_key(name: str) -> dg.AssetKey:
    """The asset of an exposure."""
    return dg.AssetKey(["exposures", name])


def _table_key(name: str) -> dg.AssetKey:
    return table_key(name) if name in EXPORTS else DEVICE_HOURLY


def _description(exposure: Exposure) -> str:
    return f"{exposure.description}\n\nWhere: {exposure.where}\n\nDeclared in {exposure.path}"
