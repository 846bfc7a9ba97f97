"""The energy rule as PostgreSQL runs it: one text, set into every statement that applies it.

Its numbers are those of ``warehouse.contract.energy``. They are set in as literals, not bound: the text of a statement
is the same as long as the process lives, so it stays prepared, and the planner sees constants.
"""

from collections.abc import Mapping

from psycopg.sql import Composable, Composed, Literal

from warehouse import sqlfiles
from warehouse.contract import energy

CONSTANTS: Mapping[str, Literal] = {
    "tolerance_kwh": Literal(energy.TOLERANCE_KWH),
    "longest_run": Literal(energy.LONGEST_RUN),
    "rolls_over_from": Literal(energy.ROLLS_OVER_FROM),
    "rolls_over_to": Literal(energy.ROLLS_OVER_TO),
    "restarts_below": Literal(energy.RESTARTS_BELOW),
    "gap_intervals": Literal(energy.GAP_INTERVALS),
}
"""By their names in SQL. Those of the limits are in functions that a migration makes."""


def with_the_rule(package: str, name: str, **clauses: Composable) -> Composed:
    """The statement ``<package>/sql/<name>.sql`` with these clauses, the constants and ``classify_steps.sql`` in it."""
    classified_steps = sqlfiles.load("warehouse.postgres.hours", "classify_steps").format(**CONSTANTS)
    return sqlfiles.load(package, name).format(classified_steps=classified_steps, **CONSTANTS, **clauses)
