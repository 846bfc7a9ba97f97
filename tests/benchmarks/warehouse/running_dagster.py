"""Dagster as the product starts it, with daemon and code server, on a database of ours: its ledger and its runs."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from urllib.parse import urlsplit, urlunsplit

import httpx

from orchestration.assets.partitions import range_tags
from orchestration.dagster_runtime.instance import LOCATION
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.warehouse.product import fleetwatt, wait_for_page
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from tests.dropped_database import drop_database
from tests.ports import free_port
from warehouse.postgres.connection import connect

BUILT_WITHIN_S = 900.0
POLL_S = 0.1
LAUNCH = """
    mutation($parameters: ExecutionParams!) {
        launchRun(executionParams: $parameters) { __typename ... on PythonError { message } }
    }
"""
_DATABASES = count(1)


@dataclass(frozen=True)
class Run:
    """One of Dagster's runs. Seconds since 1970: requested by the sensor, begun and ended by its process."""

    day: date
    asked_at: float
    began_at: float
    ended_at: float


@dataclass(frozen=True)
class RunningDagster:
    """Dagster at work on a place."""

    place: Place
    page: str
    storage_url: str
    memory: PeakMemory

    def build(self, days: Iterable[date], as_one_run: bool = False) -> float:
        """Let the grace of these days be over at once; the seconds until the ledger says that the last one is built.

        Both ends are the database's clock. ``as_one_run``: a person has just started a run of all of them.

        Raises:
            RuntimeError: it does not come to that.
        """
        wanted = sorted(days)
        with connect(self.place.url) as connection:
            ((began,),) = connection.execute("SELECT clock_timestamp()").fetchall()
            if as_one_run:
                self._start(wanted[0], wanted[-1])
            self.place.close(wanted)
            built = "SELECT count(*), max(built_at) FROM day_builds WHERE day = ANY(%s) AND built = requested"
            deadline = time.monotonic() + BUILT_WITHIN_S
            while True:
                found, ended = self._row(connection.execute(built, [wanted]).fetchone())
                if found == len(wanted) and ended is not None:
                    return float((ended - began).total_seconds())
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{found} of {len(wanted)} days are built; {self._failures()}")
                time.sleep(POLL_S)

    def runs(self) -> list[Run]:
        """The runs of a single day that have ended well, oldest first."""
        query = """
            SELECT tags.value, extract(epoch FROM runs.create_timestamp), runs.start_time, runs.end_time
            FROM runs JOIN run_tags AS tags ON tags.run_id = runs.run_id AND tags.key = 'dagster/partition'
            WHERE runs.status = 'SUCCESS' ORDER BY runs.id
        """
        deadline = time.monotonic() + BUILT_WITHIN_S
        while self._unfinished():
            if time.monotonic() > deadline:
                raise RuntimeError("a run does not end")
            time.sleep(POLL_S)
        with connect(self.storage_url) as connection:
            found = connection.execute(query.encode()).fetchall()
        return [Run(date.fromisoformat(day), float(asked), began, ended) for day, asked, began, ended in found]

    def step_seconds(self) -> list[tuple[str, float]]:
        """What each step of all runs took, in the order in which they ended."""
        query = """
            SELECT step_key, extract(epoch FROM max(timestamp) - min(timestamp)) FROM event_logs
            WHERE dagster_event_type IN ('STEP_START', 'STEP_SUCCESS') AND step_key IS NOT NULL
            GROUP BY run_id, step_key ORDER BY max(timestamp)
        """
        with connect(self.storage_url) as connection:
            return [(step, float(seconds)) for step, seconds in connection.execute(query.encode()).fetchall()]

    def has_looked(self) -> bool:
        """Whether its sensor has looked at the ledger yet."""
        with connect(self.storage_url) as connection:
            ((ticks,),) = connection.execute("SELECT count(*) FROM job_ticks WHERE status = 'SKIPPED'").fetchall()
        return bool(ticks)

    def _start(self, first: date, last: date) -> None:
        """A run of more days than a backfill's runs have, which a person may start all the same."""
        tags = [{"key": key, "value": value} for key, value in range_tags(str(first), str(last)).items()]
        job = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION, "pipelineName": "run_day"}
        parameters = {"selector": job, "executionMetadata": {"tags": tags}}
        asked = {"query": LAUNCH, "variables": {"parameters": parameters}}
        answer = httpx.post(f"{self.page}/graphql", json=asked, timeout=BUILT_WITHIN_S, trust_env=False).json()
        if answer.get("data", {}).get("launchRun", {}).get("__typename") != "LaunchRunSuccess":
            raise RuntimeError(f"Dagster does not start the run: {answer}")

    def _unfinished(self) -> bool:
        with connect(self.storage_url) as connection:
            ended = "('SUCCESS', 'FAILURE', 'CANCELED')"
            row = connection.execute(f"SELECT count(*) FROM runs WHERE status NOT IN {ended}".encode()).fetchone()
        return bool(row and row[0])

    def _failures(self) -> str:
        with connect(self.storage_url) as connection:
            rows = connection.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall()
        return f"runs: {dict(rows)}"

    @staticmethod
    def _row(row: tuple[int, datetime | None] | None) -> tuple[int, datetime | None]:
        return row or (0, None)


@contextmanager
def running_dagster(stand: WarehouseStand, place: Place) -> Iterator[RunningDagster]:
    """Start it and wait until its sensor has looked at the ledger once; at the end its database is dropped."""
    database, port = f"dagster_{next(_DATABASES)}", free_port()
    place.lake.mkdir(parents=True)
    log = place.home.parent / f"{place.home.name}.log"  # in a home of their own they look for nothing else
    environment = {
        "FLEET_DATABASE_URL": place.url,
        "FLEET_DAGSTER_DATABASE": database,
        "FLEET_HOME": str(place.home),
        "FLEET_DAGSTER_PORT": str(port),
    }
    storage_url = urlunsplit(urlsplit(place.url)._replace(path=f"/{database}"))
    try:
        with fleetwatt("dagster", log=log, environment=environment) as process:
            wait_for_page(process, port, "/server_info", log)
            with PeakMemory(process.pid) as memory:
                dagster = RunningDagster(place, f"http://127.0.0.1:{port}", storage_url, memory)
                while not dagster.has_looked():
                    time.sleep(POLL_S)
                yield dagster
    finally:
        with connect(place.url) as connection:
            drop_database(connection, database)
