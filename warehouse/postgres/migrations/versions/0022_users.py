"""People who sign in, their sessions, and failed sign-ins."""

from warehouse.postgres.migrate import run_sql_file

revision = "0022"
down_revision = "0018"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
