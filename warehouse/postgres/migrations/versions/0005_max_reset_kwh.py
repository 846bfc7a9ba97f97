"""A limit to what a register books that restarted; what the energy rule of before booked is restated."""

from alembic import op

from warehouse import sqlfiles
from warehouse.postgres.migrate import run_sql_file, tell

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the SQL file of the same name, and say what it asks for."""
    run_sql_file(__file__)
    query = sqlfiles.load("warehouse.postgres.ledger", "count_exported_days")
    days, first, last = op.get_bind().exec_driver_sql(query.as_string()).one()
    if days:
        tell(
            f"the energy rule changed: the models of all exported days ({days:,}, {first} to {last}) will be built "
            "anew, from the exports as they are; fleetwatt status shows which are still to be"
        )
