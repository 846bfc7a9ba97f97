"""What a release changed of what readers saw before, and which late rows an import brought."""

from warehouse.postgres.migrate import run_sql_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
