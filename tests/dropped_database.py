"""The end of a test's database."""

import time

import psycopg
from psycopg.sql import SQL, Identifier

DROPPED_WITHIN_S = 30.0


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drop it, whoever is connected to it."""
    deadline = time.monotonic() + DROPPED_WITHIN_S
    while True:
        try:
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            # A worker of autovacuum is the superuser's, so an ordinary role cannot end it; it ends by itself.
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
