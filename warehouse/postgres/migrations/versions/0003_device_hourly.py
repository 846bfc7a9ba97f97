"""What each device's registers gained in each closed hour of the last days."""

from warehouse.postgres.migrate import run_sql_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
