"""What the ledger knows of exports, the lake's files, and which days are to be built."""

from warehouse.postgres.migrate import run_sql_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
