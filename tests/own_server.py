"""A database in a server of somebody's own: its owner is no superuser, and may make roles and databases."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
from psycopg.sql import SQL, Identifier, Literal

from tests.conftest import Server
from tests.dropped_database import drop_database
from warehouse.contract.database_roles import APART, Role
from warehouse.postgres.connection import connect

PASSWORD = "p@ss/w:rd"  # noqa: S105 - made for tests
_numbers = count()


@dataclass(frozen=True)
class OwnServer:
    """The owner's address, and those of roles that are not made yet, all of one database."""

    url: str
    addresses: Mapping[Role, str]
    dagsters: str
    """The name of Dagster's database, which is not made yet."""

    @property
    def settings(self) -> dict[str, str]:
        """The variables that name all of them."""
        return {
            "FLEET_DATABASE_URL": self.url,
            "FLEET_INGEST_URL": self.addresses[Role.INGEST],
            "FLEET_PIPELINE_URL": self.addresses[Role.PIPELINE],
            "FLEET_READ_DSN": self.addresses[Role.READ],
            "FLEET_DAGSTER_DATABASE": self.dagsters,
        }


def own_server_in(postgres_server: Server) -> Iterator[OwnServer]:
    """For a fixture: it is made in the server of the tests, and nothing of it is left."""
    if postgres_server.apart.keys() != set(APART):
        pytest.skip("in this server the pipeline works as the owner")
    owner = f"owner_{os.getpid()}_{next(_numbers)}"
    named = {role: f"{owner}_{role.name.lower()}" for role in APART}
    where = urlsplit(postgres_server.admin_url)
    place = where.netloc.rpartition("@")[2]

    def address(name: str) -> str:
        return urlunsplit(where._replace(netloc=f"{name}:{quote(PASSWORD, safe='')}@{place}", path=f"/{owner}"))

    with connect(postgres_server.admin_url) as admin:
        make = SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}")
        admin.execute(make.format(Identifier(owner), Literal(PASSWORD)))
        admin.execute(SQL("CREATE DATABASE {0} TEMPLATE template0 OWNER {0}").format(Identifier(owner)))
        dagsters = f"{owner}_dagster"
        try:
            yield OwnServer(address(owner), {role: address(name) for role, name in named.items()}, dagsters)
        finally:
            drop_database(admin, dagsters)
            drop_database(admin, owner)
            for name in [*named.values(), owner]:
                admin.execute(SQL("DROP ROLE IF EXISTS {}").format(Identifier(name)))
