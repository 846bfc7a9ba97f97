"""Which columns a column is computed from, as Dagster and what listens to it (OpenLineage, catalogs) read it."""

from collections.abc import Mapping

import dagster as dg

from dbt_like_sql.catalog import Model
from orchestration.assets.declared import table_key
from warehouse.lifecycle.daily_pipeline import EXPORTS


def column_lineage(model: Model) -> Mapping[str, dg.TableColumnLineage]:
    """Metadata of a materialization; empty where no column's origin is declared.

    An export has the columns of its table. A count or a constant comes from no column.
    """
    if model.name in EXPORTS:
        table = table_key(model.name)
        found = {each.name: [dg.TableColumnDep(table, each.name)] for each in model.columns}
    else:
        found = {
            column: [dg.TableColumnDep(dg.AssetKey(each.dataset), each.column) for each in sources]
            for column, sources in model.column_lineage.items()
            if sources
        }
    return {"dagster/column_lineage": dg.TableColumnLineage(found)} if found else {}
