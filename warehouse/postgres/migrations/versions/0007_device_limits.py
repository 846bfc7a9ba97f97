"""How many devices were registered within the last hour is to be known at once."""

from warehouse.postgres.migrate import run_sql_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
