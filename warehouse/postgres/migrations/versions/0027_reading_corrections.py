"""What people said of false readings, and the readings as they count by it."""

from warehouse.postgres.migrate import run_sql_file

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
