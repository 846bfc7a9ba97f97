"""The energy rule as PostgreSQL runs it: one text, set into every statement that applies it."""

from psycopg.sql import Composable, Composed

from warehouse import sqlfiles


def with_the_rule(package: str, name: str, **clauses: Composable) -> Composed:
    """The statement ``<package>/sql/<name>.sql`` with ``judge_steps.sql`` in it, and with these clauses."""
    judged_steps = sqlfiles.load("warehouse.postgres.hours", "judge_steps")
    return sqlfiles.load(package, name).format(judged_steps=judged_steps, **clauses)
