"""A statement that is run again and again, without the driver's cursor: that costs a small batch more than its rows.

The driver's own protocol does the waiting, so a ``LoopConnection`` lets the loop go on here as anywhere else.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg import generators
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

BOOL_OID = 16
BINARY_BOOL = (b"\x00", b"\x01")

_numbers = count(1)


class PreparedStatement:
    """A statement that PostgreSQL has planned, for as long as the connection lives; it returns nothing."""

    def __init__(self, connection: psycopg.Connection[Any], query: bytes, types: Mapping[str, int]) -> None:
        """``types``: the oids of its ``%(named)s`` parameters. The connection is in autocommit."""
        self._connection = connection
        self._name = b"fleetwatt_%d" % next(_numbers)  # a connection may serve several
        self._query = query % {each.encode(): b"$%d" % number for number, each in enumerate(types, start=1)}
        self._types = types
        self._formats = [Format.BINARY] * len(types)
        self._is_prepared = False

    def execute(self, parameters: Mapping[str, bytes]) -> None:
        """Run it by itself, in no transaction, with these values in PostgreSQL's binary format.

        Raises the driver's errors.
        """
        values = [parameters[name] for name in self._types]
        with self._connection.lock:  # as the driver's cursors do: nobody else may send anything before the answer
            if not self._is_prepared:
                self._prepare()
            try:
                self._run(values)
            except psycopg.errors.InvalidSqlStatementName:  # after a rollback the driver has everything forgotten
                self._prepare()
                self._run(values)

    def _prepare(self) -> None:
        self._connection.pgconn.send_prepare(self._name, self._query, list(self._types.values()))
        self._finish()
        self._is_prepared = True

    def _run(self, values: Sequence[bytes]) -> None:
        self._connection.pgconn.send_query_prepared(self._name, values, self._formats)
        self._finish()

    def _finish(self) -> None:
        results: list[PGresult] = self._connection.wait(generators.execute(self._connection.pgconn))
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(result, self._connection.info.encoding)
