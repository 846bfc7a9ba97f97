"""The newest days' efficiency for the API; the reading before the newest one of each device, for its power."""

from warehouse.postgres.migrate import run_sql_file

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
