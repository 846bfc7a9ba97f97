"""The URLs of a home's server, by its pid file and the passwords beside its data, and whether it lets somebody in."""

from pathlib import Path

import psycopg

from warehouse.postgres.embedded.cluster import DATABASE, ROLE, SUPERUSER, read_password, role_password
from warehouse.postgres.embedded.process import recorded_port

UPKEEP_DATABASE = "postgres"
"""No role but the superuser owns anything there."""
_CONNECT_SECONDS = 2


def role_url(data: Path) -> str | None:
    """The ordinary role's, whether or not anybody answers there; None: there is no port or no such role yet."""
    port, password = recorded_port(data), role_password(data)
    return _url(ROLE, password, port, DATABASE) if port and password else None


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
