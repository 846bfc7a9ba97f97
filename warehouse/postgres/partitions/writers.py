"""Waiting for those who write: what their statements stored counts for a snapshot only once it is committed."""

import time

import psycopg

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream

POLL_S = 0.05


def wait_for_writers(connection: psycopg.Connection, stream: Stream) -> None:
    """Wait until every transaction that may have written to the stream by now has ended; it blocks nobody."""
    query, parameters = sqlfiles.load("warehouse.postgres.partitions", "find_writers"), {"parent": stream.value}
    writers = set(connection.execute(query, parameters).fetchall())
    while writers:
        time.sleep(POLL_S)
        writers &= set(connection.execute(query, parameters).fetchall())
