"""The URLs of a home's server, by its pid file and the passwords in its files, and whether it lets somebody in."""

from pathlib import Path
from urllib.parse import quote

import psycopg

from warehouse.contract.database_roles import Role
from warehouse.postgres.embedded.cluster import DATABASE, SUPERUSER, read_password, role_password
from warehouse.postgres.embedded.files import data_of
from warehouse.postgres.embedded.process import recorded_port
from warehouse.postgres.embedded.role_secrets import password_of

UPKEEP_DATABASE = "postgres"
"""No role but the superuser owns anything there."""
_CONNECT_SECONDS = 2


def role_url(home: Path, role: Role = Role.OWNER, database: str = DATABASE) -> str | None:
    """A role's, whether or not anybody answers there; None: there is no port or no such role yet."""
    data = data_of(home)
    port = recorded_port(data)
    password = role_password(data) if role == Role.OWNER else password_of(home, role)
    return _url(role, password, port, quote(database, safe="")) if port and password else None


def upkeep_url(data: Path) -> str | None:
    """The superuser's, whether or not anybody answers there; None: the pid file has no port."""
    port = recorded_port(data)
    return _url(SUPERUSER, read_password(data), port, UPKEEP_DATABASE) if port else None


def refusal(url: str) -> str | None:
    """Why no connection can be made now; None: one was made."""
    try:
        psycopg.connect(url, connect_timeout=_CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        return str(error)
    return None


def _url(user: str, password: str, port: int, database: str) -> str:
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"
