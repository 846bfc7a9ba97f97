"""Arrow between PostgreSQL and DuckDB: the driver's connection, and what its errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_postgresql.dbapi as adbc
import duckdb

from warehouse.contract.errors import DatabaseUnavailableError

_SOURCE_FAILED = "Arrow source"
"""What DuckDB says when the stream that it reads from breaks off."""


@contextmanager
def arrow_connection(url: str) -> Iterator[adbc.Connection]:
    """A connection that sends and takes Arrow, in a transaction of its own; what was not committed is undone.

    Raises:
        DatabaseUnavailableError: it cannot be reached, or goes away within the block.
    """
    try:
        with adbc.connect(url) as connection:
            yield connection
    except (adbc.OperationalError, adbc.InternalError) as error:
        raise DatabaseUnavailableError(_one_line(error)) from error
    except duckdb.InvalidInputException as error:
        if _SOURCE_FAILED not in str(error):
            raise
        raise DatabaseUnavailableError(_one_line(error)) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
