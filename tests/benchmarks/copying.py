"""The yardstick of everything that comes in bulk: one stream of raw binary COPY into the product's own tables."""

import time
from collections.abc import Callable

import psycopg
from psycopg.sql import SQL, Identifier

from tests.benchmarks.fleet import Fleet
from warehouse.postgres.partitions.partition_rows import COLUMNS


def copying(connection: psycopg.Connection, fleet: Fleet, readings: int) -> Callable[[], float]:
    """A contender that copies at least so many readings in one transaction; returns readings a second."""

    def copy() -> float:
        count, rows = fleet.copy_rows(readings)
        began = time.perf_counter()
        with connection.transaction():
            for kind, data in rows.items():
                statement = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                    Identifier(kind.readings), SQL(", ").join(map(Identifier, COLUMNS[kind.readings]))
                )
                with connection.cursor().copy(statement) as stream:
                    stream.write(data)
        return count / (time.perf_counter() - began)

    return copy
