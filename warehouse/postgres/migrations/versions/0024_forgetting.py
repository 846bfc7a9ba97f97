"""What is forgotten of devices: on its way, done, and what the fleet's sums keep of it."""

from warehouse.postgres.migrate import run_sql_file

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
