"""Alerts of findings: what became of each event, and the messages that are to be delivered."""

from warehouse.postgres.migrate import run_sql_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
