"""The tables of PostgreSQL that the lake is exported from. Dagster only shows them: the API and imports fill them."""

from collections.abc import Iterator

import dagster as dg

from dbt_like_sql.catalog import Catalog
from orchestration.assets.code_references import code_of_model
from orchestration.assets.declared import POSTGRES, SOURCE, column_schema, table_key, tags
from warehouse.lifecycle.daily_pipeline import EXPORTS


def table_specs(catalog: Catalog) -> Iterator[dg.AssetSpec]:
    """One external asset a table."""
    for name in EXPORTS:
        model = catalog.models[name]
        yield dg.AssetSpec(
            key=table_key(name),
            group_name=POSTGRES,
            description=f"The table `{name}` of PostgreSQL. {model.description}",
            owners=[f"team:{model.owner}"],
            kinds={"postgres"},
            tags=tags(model.domain, SOURCE),
            metadata={"dagster/column_schema": column_schema(model), **code_of_model(model)},
        )
