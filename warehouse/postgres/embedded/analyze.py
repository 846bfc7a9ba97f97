"""What the planner knows of all tables: PostgreSQL's own program gathers what an upgrade of the server left out."""

from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.embedded.cluster import program
from warehouse.postgres.embedded.files import ServerFiles


def analyze_all(home: Path, upkeep_url: str) -> None:
    """In every database. The server runs. A failure costs speed alone, until autovacuum comes by: the log has it."""
    parts = conninfo_to_dict(upkeep_url)
    environment = {
        "PGHOST": str(parts["host"]),
        "PGPORT": str(parts["port"]),
        "PGUSER": str(parts["user"]),
        "PGPASSWORD": str(parts["password"]),
        "PGDATABASE": str(parts["dbname"]),
    }
    account = account_for_home(home)
    command = [program("vacuumdb"), "--all", "--analyze-only", "--missing-stats-only", "--quiet"]
    with ServerFiles(home.resolve()).opened_log(account) as log:
        account.run(command, output=log, environment=environment)
