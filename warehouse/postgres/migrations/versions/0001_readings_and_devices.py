"""Devices, history by UTC day, current state, mappings, quarantine, the ledger, late rows and imports."""

from warehouse.postgres.migrate import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_file(__file__)
