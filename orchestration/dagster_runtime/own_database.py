"""Dagster's own database beside the fleet's: whose it is, by which address it is found, and how it is made."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from warehouse.contract.database_roles import Role
from warehouse.contract.errors import FleetwattError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.ownership import hand_over, is_owner
from warehouse.postgres.roles.settling import name_in
from warehouse.postgres.server_fitness import JOB_CONNECTIONS, require_fit_session
from warehouse.postgres.session import option, settings_of
from warehouse.settings import FleetSettings


class DagsterDatabaseError(FleetwattError):
    """Dagster's database cannot be used"""

    code = "dagster_database"


def address_of_database(settings: FleetSettings, database_url: str, *, make: bool = False) -> str:
    """By which Dagster's database is found: that of the home's server has a role of its own, elsewhere it is ours.

    Raises:
        DagsterDatabaseError: the role is not let in.
        HomeError, ServerStartError: with ``make``, where it is to be made: there is no server to make it in.
    """
    if settings.names_a_database:
        return database_url
    server = EmbeddedPostgres(settings.home)
    if make:
        return server.dagsters_database(settings.dagster_database)
    if url := server.running_url(Role.DAGSTER, settings.dagster_database):
        return url
    raise DagsterDatabaseError(f"{settings.dagster_database} does not let {Role.DAGSTER} in; start the platform again")


def make_database(database_url: str, name: str) -> None:
    """Make Dagster's database in the server of ``database_url``, if it is not there.

    Raises:
        DagsterDatabaseError: it is not there and we may not make it.
    """
    with connect(database_url) as connection:
        if has_database(connection, name):
            return
        try:
            # In the template's encoding, which may be any, not every text of an event could be stored.
            make = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
            connection.execute(SQL(make).format(Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise DagsterDatabaseError(
                f"{connection.info.user} may not make the database {name}; as an administrator run: "
                f"CREATE DATABASE {name} OWNER {connection.info.user}"
            ) from error


def give_to_pipeline(settings: FleetSettings, owner_url: str, addresses: Mapping[Role, str]) -> None:
    """Make Dagster's database for the role that the pipeline works as, in a server that is not the home's own.

    ``addresses``: of the roles that own nothing, as far as there are any. Without one of the pipeline's, Dagster makes
    its database itself.

    Raises: as ``give_database``.
    """
    role = name_in(addresses.get(Role.PIPELINE, ""))
    if settings.names_a_database and role and role != name_in(owner_url):
        give_database(owner_url, settings.dagster_database, role)


def give_database(owner_url: str, name: str, role: str) -> None:
    """Make Dagster's database as the fleet's owner, for a role that may make none; one of before is given to it.

    Raises:
        DagsterDatabaseError: the owner may not.
    """
    make_database(owner_url, name)
    with connect(make_conninfo(storage_url(owner_url, name), options="-c search_path=pg_catalog")) as connection:
        if is_owner(connection, name, role):
            return
        owner = connection.info.user
        try:
            with connection.transaction():
                if connection.execute("SELECT pg_has_role(%s, 'SET')", [role]).fetchone() == (False,):
                    grant = SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE")
                    connection.execute(grant.format(Identifier(role), Identifier(owner)))
                hand_over(connection, role, of=owner)
        except psycopg.errors.InsufficientPrivilege as error:
            raise DagsterDatabaseError(
                f"{owner} may not give the database {name} to {role}; as an administrator run: "
                f"ALTER ROLE {owner} CREATEDB; GRANT {role} TO {owner}"
            ) from error


def require_usable(database_url: str, name: str) -> None:
    """See that Dagster can make its tables in its database, before its processes try to, again and again.

    Raises:
        DagsterDatabaseError: its role may not.
        DatabaseUnfitError: the database cannot be used as it is set up.
    """
    url = storage_url(database_url, name)
    with connect(url) as connection:
        require_fit_session(connection, url, JOB_CONNECTIONS)
        if connection.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')").fetchone() != (True,):
            raise DagsterDatabaseError(
                f"{connection.info.user} may not make tables in the database {name}; as an administrator run: "
                f"ALTER DATABASE {name} OWNER TO {connection.info.user}"
            )


def has_database(connection: psycopg.Connection, name: str) -> bool:
    """Whether the server has a database of this name."""
    return bool(connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())


def storage_url(database_url: str, name: str) -> str:
    """The address of Dagster's database, written so that both libpq and SQLAlchemy read it."""
    given = {key: str(value) for key, value in conninfo_to_dict(database_url).items() if value is not None}
    user, password, host, port = (given.pop(key, "") for key in ("user", "password", "host", "port"))
    given.pop("dbname", None)
    theirs = settings_of(given.pop("options", ""))
    theirs.pop("search_path", None)  # where the fleet's tables are, in another database
    if theirs:
        given["options"] = " ".join(option(name, value) for name, value in theirs.items())
    if host.startswith("/"):  # the folder of a socket
        given["host"], host = host, ""
    secret = f":{quote(password, safe='')}" if password else ""
    account = f"{quote(user, safe='')}{secret}@" if user else ""
    address = f"{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
    options = f"?{urlencode(given, quote_via=quote)}" if given else ""
    return f"postgresql://{account}{address}/{quote(name, safe='')}{options}"
