"""What to say of a role of the user's own that may do more than Fleetwatt needs."""

import psycopg

from warehouse import sqlfiles


def superuser_remark(connection: psycopg.Connection) -> str | None:
    """A sentence where the connection's role is a superuser; else ``None``."""
    if connection.execute(sqlfiles.load("warehouse.postgres", "find_superuser")).fetchone() is None:
        return None
    return (
        f"the role {connection.info.user} of FLEET_DATABASE_URL is a superuser: who takes over a part of Fleetwatt "
        "could run commands on the database's machine; give it a role that owns its databases and is no superuser"
    )
