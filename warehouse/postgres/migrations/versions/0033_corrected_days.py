"""Days of which readings were corrected say so in their rows."""

from warehouse.postgres.migrate import run_sql_file

revision = "0033"
down_revision = "0030"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
