"""Findings, what people made of them, and each event of their lives."""

from warehouse.postgres.migrate import run_sql_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
