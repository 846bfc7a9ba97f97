"""A register rolls over where it is declared to; what the energy rule of before booked of higher ones is restated."""

from warehouse.postgres.migrate import run_sql_file, tell

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the SQL file of the same name, and say what it asks for."""
    days, first, last = run_sql_file(__file__).one()
    if days:
        tell(
            f"the energy rule changed: the models of the exported days on which registers with a rolloverKwh report "
            f"({days:,}, {first} to {last}) will be built anew, from the exports as they are"
        )
