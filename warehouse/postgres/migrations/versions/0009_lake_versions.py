"""The lake keeps versions: a new file for each, and the ledger says which one is current."""

from warehouse.postgres.migrate import run_sql_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the SQL file of the same name. The files themselves are renamed by whoever next opens the lake."""
    run_sql_file(__file__)
