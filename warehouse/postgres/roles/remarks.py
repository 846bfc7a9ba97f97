"""What to say of a database in which everything works as one role."""

from collections.abc import Collection

import psycopg

from warehouse import sqlfiles
from warehouse.contract.database_roles import Role


def one_role_remark(connection: psycopg.Connection, apart: Collection[Role]) -> str | None:
    """A sentence where the pipeline, whose connection this is, works as the tables' owner; else ``None``.

    ``apart``: the roles that the settings name.
    """
    row = connection.execute(sqlfiles.load("warehouse.postgres.roles", "find_owner")).fetchone()
    if row is None or not row[1]:
        return None
    who = "the pipeline works as the role" if apart else "everything works as the one role"
    return (
        f"{who} {connection.info.user}, which owns the tables; roles that may do less: "
        'docs/deployment.md, "Roles that own nothing"'
    )
