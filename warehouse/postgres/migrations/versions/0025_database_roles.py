"""Roles that own nothing: what the pipeline does to partitions, by functions of the owner."""

from warehouse.postgres.migrate import run_sql_file

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
