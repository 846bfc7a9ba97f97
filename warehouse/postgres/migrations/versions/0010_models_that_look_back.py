"""What a model was when it made a version of a file, and what it then read of earlier days."""

from warehouse.postgres.migrate import run_sql_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
