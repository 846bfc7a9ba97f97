"""Machines' tokens: what they may, and until when."""

from warehouse.postgres.migrate import run_sql_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
