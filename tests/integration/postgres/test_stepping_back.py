"""PostgreSQL's processes step back with whoever they work for."""

import os
import subprocess
import sys

import psutil

SCRIPT = """
import os, sys
from warehouse.lake.postgres_arrow import arrow_connection
from warehouse.postgres.connection import connect

os.setpriority(os.PRIO_PROCESS, 0, int(sys.argv[2]))
with connect(sys.argv[1]) as connection, arrow_connection(sys.argv[1]) as source, source.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    print(connection.info.backend_pid, *cursor.fetchone(), flush=True)
    sys.stdin.read()
"""


def niceness_of_servers(url: str, own: int) -> list[int]:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, url, str(own)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        pids = map(int, process.stdout.readline().split())
        found = [psutil.Process(pid).nice() for pid in pids]
        process.stdin.close()
    assert process.returncode == 0
    return found


def test_a_server_process_is_as_nice_as_its_client(database_url: str) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness_of_servers(database_url, own + 3) == [own + 3] * 2
    assert niceness_of_servers(database_url, own) == [own] * 2
