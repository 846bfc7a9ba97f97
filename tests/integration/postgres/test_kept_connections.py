"""Connections that serve several steps of one piece of work, one after the other."""

from threading import Thread

import psycopg
import pytest

from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.postgres.connection import connect, connections_kept

HELD = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND objid = 7 AND datname = current_database()
"""


def server_process(url: str) -> int:
    with connect(url) as connection:
        return connection.info.backend_pid


def test_the_next_step_gets_the_connection_of_the_one_before(database_url: str) -> None:
    with connections_kept():
        first = server_process(database_url)
        assert server_process(database_url) == first
        with connect(database_url) as one, connect(database_url) as other:
            assert one.info.backend_pid == first != other.info.backend_pid
    assert one.closed
    assert other.closed
    assert server_process(database_url) != first, "outside each has its own"


def test_what_a_step_locked_is_free_after_it(database_url: str) -> None:
    with connections_kept():
        with connect(database_url) as connection:
            connection.execute("SELECT pg_advisory_lock(7)")
        with connect(database_url) as connection:
            assert connection.execute(HELD).fetchall() == [(0,)]


def test_one_that_the_server_ended_meanwhile_is_not_given(database_url: str) -> None:
    with connections_kept():
        first = server_process(database_url)
        with connect(database_url) as one, connect(database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [one.info.backend_pid])
            with pytest.raises(psycopg.OperationalError):
                one.execute("SELECT 1")
        with connect(database_url) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
            assert connection.info.backend_pid != first


def test_a_step_that_fails_leaves_no_connection_behind(database_url: str) -> None:
    with connections_kept():
        with pytest.raises(DatabaseUnavailableError), connect(database_url) as broken:
            raise psycopg.OperationalError("gone")
        assert broken.closed
        with pytest.raises(ValueError, match="no number"), connect(database_url) as failed:
            raise ValueError("no number")
        assert failed.closed


def test_another_thread_has_its_own(database_url: str) -> None:
    found: list[int] = []
    with connections_kept():
        first = server_process(database_url)
        other = Thread(target=lambda: found.append(server_process(database_url)))
        other.start()
        other.join()
    assert found != [first]
