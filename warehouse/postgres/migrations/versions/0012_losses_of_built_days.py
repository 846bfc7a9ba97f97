"""Days that were built before there were sessions, data faults and losses get them."""

from warehouse.postgres.migrate import run_sql_file, tell

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run the SQL file of the same name, and say what it asks for."""
    days, first, last = run_sql_file(__file__).one()
    if days:
        tell(
            f"the built days that have no sessions, data faults or losses yet ({days:,}, {first} to {last}) will be "
            "built anew, oldest first, from the exports as they are; fleetwatt status shows which are still to be"
        )
