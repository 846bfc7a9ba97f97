"""What datasets and columns are made from, as trees that end at the tables of PostgreSQL."""

from collections.abc import Container

from rich.tree import Tree

from dbt_like_sql.catalog import Catalog, ColumnSource, Model
from orchestration.cli.models.shown import MADE_BY
from warehouse.lake.provenance import TABLES_OF_POSTGRES

_AGAIN = ", see above"


def dataset_tree(catalog: Catalog, model: Model, among: Container[str], seen: set[str]) -> Tree:
    """What a dataset reads of ``among``, and so on; what was shown above is not taken apart again."""
    reads = [name for name in model.depends_on if name in among]
    is_table = model.name in TABLES_OF_POSTGRES
    again = model.name in seen and (reads or is_table)
    seen.add(model.name)
    tree = Tree(f"{model.name} ({MADE_BY[model.kind]}){_AGAIN if again else ''}")
    for name in () if again else reads:
        tree.add(dataset_tree(catalog, catalog.models[name], among, seen))
    if is_table and not again:
        tree.add(f"PostgreSQL: {model.name}")
    return tree


def column_tree(catalog: Catalog, source: ColumnSource, seen: set[ColumnSource]) -> Tree:
    """What a column is computed from, and so on; what was shown above is not taken apart again."""
    model = catalog.models[source.dataset]
    sources = model.column_lineage.get(source.column, ())
    is_table = model.name in TABLES_OF_POSTGRES
    remark = "" if model.kind == "sql" else f" ({MADE_BY[model.kind]})"
    if not sources and not is_table:
        remark = f"{remark} (a constant, the day, or a count of rows)"
    again = source in seen and (sources or is_table)
    seen.add(source)
    tree = Tree(f"{source.dataset}.{source.column}{remark}{_AGAIN if again else ''}")
    for each in () if again else sources:
        tree.add(column_tree(catalog, each, seen))
    if is_table and not again:
        tree.add(f"PostgreSQL: {source.dataset}.{source.column}")
    return tree
