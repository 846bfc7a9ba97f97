"""The newest days' sessions and standby, for the API."""

from warehouse.postgres.migrate import run_sql_file

revision = "0017"
down_revision = "0014"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
