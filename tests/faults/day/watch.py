"""What is to be seen of a worker from outside: its sessions in PostgreSQL, the ledger, the files it writes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from tests.faults.day.history import DAY
from tests.faults.day.site import Site
from tests.faults.day.waiting import until
from warehouse import sqlfiles
from warehouse.contract.partitions import PartitionState, Stream, partition_name
from warehouse.lake.storage.keys import folder_of
from warehouse.lake.storage.lake import key_of
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_files import LakeFile, find_lake_file, list_versions

_PACKAGE = "tests.faults.day"


@dataclass(frozen=True)
class Watch:
    """Looks at a site by a connection of its own."""

    site: Site
    connection: psycopg.Connection

    def is_doing(self, statement: str) -> bool:
        """Whether another session is at a statement that begins like this."""
        return self._has("find_statement", {"statement": f"{statement}%"})

    def has_sessions(self) -> bool:
        """Whether anybody else is connected; a killed worker's sessions end a moment after it."""
        return self._has("find_statement", {"statement": "%"})

    def states(self, day: date = DAY) -> dict[Stream, PartitionState]:
        """The state of the day's streams."""
        rows = self.connection.execute(sqlfiles.load(_PACKAGE, "list_states"), {"day": day}).fetchall()
        return {Stream(stream): PartitionState(state) for stream, state in rows}

    def published(self, dataset: str, day: date = DAY) -> LakeFile | None:
        """What the ledger says of a file."""
        return find_lake_file(self.connection, dataset, day)

    def versions(self, day: date = DAY) -> dict[str, int]:
        """The confirmed versions of the day's datasets."""
        rows = self.connection.execute(sqlfiles.load(_PACKAGE, "list_versions"), {"day": day}).fetchall()
        return {dataset: version for dataset, version in rows if version}

    def written_aside(self) -> dict[str, int]:
        """What is written beside the lake right now, or was by who was killed: the datasets, and how many bytes."""
        found = {}
        for path in self.site.lake.root.glob(".aside/*.parquet"):
            with suppress(FileNotFoundError):  # published in between
                found[path.name.removesuffix(f"-{DAY}.parquet")] = path.stat().st_size
        return found

    def is_put_and_unknown(self, dataset: str) -> bool:
        """Whether a file of the day is in its place, and the ledger does not know it."""
        known = {str(key_of(file)) for file in list_versions(self.connection, dataset, DAY)}
        return any(key not in known for key in self.site.lake.store.list(folder_of(dataset, DAY)))

    def has_table(self, stream: Stream, suffix: str = "") -> bool:
        """Whether the day's table is there, attached or not."""
        return self._has("find_table", {"name": f"{partition_name(stream, DAY)}{suffix}"})

    def imported_lines(self) -> int | None:
        """How far an unfinished import has come; None where there is none."""
        row = self.connection.execute(sqlfiles.load(_PACKAGE, "find_unfinished_import")).fetchone()
        return int(row[0]) if row else None

    def somebody_waits(self) -> bool:
        """Whether a session waits for a day that another one holds."""
        return self._has("find_waiting_session", {})

    def wait_until_alone(self) -> None:
        """Returns when the sessions of killed workers have ended."""
        until(lambda: not self.has_sessions())

    def _has(self, query: str, parameters: Mapping[str, Any]) -> bool:
        return self.connection.execute(sqlfiles.load(_PACKAGE, query), parameters).fetchone() is not None


@contextmanager
def watching(site: Site) -> Iterator[Watch]:
    """A watch, until the end of the block."""
    with connect(site.url) as connection:
        yield Watch(site, connection)
