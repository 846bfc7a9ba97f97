"""Who makes a dataset, in words."""

from dbt_like_sql.model import Model
from warehouse.contract.partitions import Stream
from warehouse.lake.export import DECISIONS, TABLES

TABLES_OF_POSTGRES: frozenset[str] = frozenset([*Stream, *TABLES])
"""The datasets that are a table of PostgreSQL, exported."""
ENERGY = ("hourly_energy", "flagged_steps")
"""What the energy rule makes of a day, in one step."""


def made_by(model: Model) -> str:
    """The end of a sentence that begins with "made by"."""
    if model.name in TABLES_OF_POSTGRES | DECISIONS.keys():
        what = "what people decided" if model.name in DECISIONS else f"PostgreSQL's table {model.name}"
        return f"the export of {what}"
    if model.is_seed:
        return f"the rows of {model.path}"
    if model.sql:
        return f"the SELECT in {model.path}"
    if model.kind == "release":
        return "the release of a day, which compares it with what readers saw before"
    if model.name in ENERGY:
        return "the energy rule"
    return "a rule in Polars" if model.kind == "polars" else "Fleetwatt itself"
