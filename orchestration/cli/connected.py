"""The database of a home, for commands that have one thing to do with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from orchestration.cli.options import read_settings
from orchestration.home.folder import database
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings


@contextmanager
def connected_to_home(home: Path | None) -> Iterator[psycopg.Connection]:
    """A connection to the database of the home that was named, else of the settings. Raises as ``database``."""
    with database(read_settings(FleetSettings, home=home)) as url, connect(url) as connection:
        yield connection
