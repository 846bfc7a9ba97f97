"""A bounded quarantine: the beginning of what was refused, who sent it, and counts that go on where no row is kept."""

from warehouse.postgres.migrate import run_sql_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
