"""What a device does now, told from its current state; where it stands, and what people call it by."""

from warehouse.postgres.migrate import run_sql_file

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
