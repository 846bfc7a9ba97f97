"""By whose token a device was registered: new devices are counted by token."""

from warehouse.postgres.migrate import run_sql_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
