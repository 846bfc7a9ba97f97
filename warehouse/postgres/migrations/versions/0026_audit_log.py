"""Who did what: the audit log."""

from warehouse.postgres.migrate import run_sql_file

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
