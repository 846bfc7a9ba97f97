"""Imports files of readings from any past day: NDJSON in the shape of ``POST /v1/telemetry``, plain or gzip.

Safe to repeat and to kill: chunk by chunk is stored by the same statements as posted telemetry, an interrupted import
goes on at its chunk, and a finished one run again finds only duplicates. Its rows always count as late, so a day that
was exported already is exported again.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import Stream, partition_name, utc_day
from warehouse.contract.readings import AcceptedWindow
from warehouse.postgres.ledger import holding_days
from warehouse.postgres.partitions import make_partitions
from warehouse.postgres.reading_batch import kind_of
from warehouse.postgres.reading_store import Outcome, ReadingStore
from warehouse.settings import FleetSettings
from warehouse.telemetry import Rejection, Telemetry, decode_lines

_PACKAGE = "warehouse.postgres"
_GZIP_MAGIC = b"\x1f\x8b"
CHUNK_LINES = 20_000
MAX_REPORTED = 100


class UnreadableFileError(FleetwattError):
    """The file cannot be read"""

    code = "unreadable_file"


@dataclass
class ImportReport:
    """What became of a file's lines. ``refused`` holds the first 100, their ``index`` being the line number from 1."""

    lines_skipped: int = 0
    """Done by an earlier, interrupted import of the same file."""
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    refused: list[Rejection] = field(default_factory=list)
    days: set[date] = field(default_factory=set)

    @property
    def lines(self) -> int:
        """The readings and broken lines that this run dealt with."""
        return self.accepted + self.duplicates + self.conflicts + self.rejected

    def add(self, outcome: Outcome, first_line: int) -> None:
        """Count the outcome of a chunk that begins at this line number."""
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        self.conflicts += len(outcome.conflicts)
        self.rejected += len(outcome.rejections)
        for each in sorted([*outcome.rejections, *outcome.conflicts])[: MAX_REPORTED - len(self.refused)]:
            self.refused.append(Rejection(first_line + each.index, each.code, each.pointer, each.detail))


Progress = Callable[[int, ImportReport], None]
"""Told after each chunk: bytes of the file read so far, and the report as it stands."""


def import_file(
    connection: psycopg.Connection,
    path: Path,
    settings: FleetSettings,
    progress: Progress = lambda _read, _report: None,
) -> ImportReport:
    """Import one file. The connection must be in autocommit; until it ends, the days touched are held.

    A reading from before ``settings.first_day`` is refused (``timestamp_too_old``): the warehouse has no such day.

    Raises:
        UnreadableFileError: no such file, or a damaged gzip; what came before the damage is stored.
        DatabaseUnavailableError: run it again to go on.
    """
    file_sha256 = _digest(path)
    begin = {"file_sha256": file_sha256, "file_name": path.name}
    ((lines_done,),) = connection.execute(sqlfiles.load(_PACKAGE, "begin_import"), begin).fetchall()
    report = ImportReport(lines_skipped=lines_done)
    store = ReadingStore(connection, always_late=True)
    earliest = datetime.combine(settings.first_day, time(), UTC)
    partitions: set[tuple[Stream, date]] = set()
    with holding_days(connection) as hold:
        for chunk, bytes_read in _chunks(path, skip=lines_done):
            window = AcceptedWindow(earliest, datetime.now(UTC) + settings.accepted_ahead)
            telemetry = decode_lines(chunk, window, absent_sensor_is_null=True)
            new = _partitions_of(telemetry) - partitions
            for day in sorted({day for _, day in new} - report.days):
                hold(day)
                make_partitions(connection, [day], settings.grace)
                report.days.add(day)
            partitions |= new
            (outcome,) = store.store([telemetry], source=path.name)
            report.add(outcome, first_line=lines_done + 1)
            lines_done += len(chunk)
            _advance(connection, file_sha256, lines_done, is_finished=False)
            progress(bytes_read, report)
        _vacuum(connection, partitions)
        _advance(connection, file_sha256, lines_done, is_finished=True)
    return report


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror}") from error


def _chunks(path: Path, skip: int) -> Iterator[tuple[list[bytes], int]]:
    """The lines of the file in chunks, and how many bytes of it were read for them."""
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        lines: Iterator[bytes] = gzip.GzipFile(fileobj=raw) if is_gzip else raw
        try:
            for _ in islice(lines, skip):
                pass
            while chunk := list(islice(lines, CHUNK_LINES)):
                yield chunk, raw.tell()
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UnreadableFileError(f"{path} is a damaged gzip file: {error}") from error


def _partitions_of(telemetry: Telemetry) -> set[tuple[Stream, date]]:
    return {(kind_of(reading).readings, utc_day(reading.ts)) for reading in telemetry.readings}


def _advance(connection: psycopg.Connection, file_sha256: bytes, lines_done: int, *, is_finished: bool) -> None:
    parameters = {"file_sha256": file_sha256, "lines_done": lines_done, "is_finished": is_finished}
    connection.execute(sqlfiles.load(_PACKAGE, "advance_import"), parameters)


def _vacuum(connection: psycopg.Connection, partitions: set[tuple[Stream, date]]) -> None:
    """So that window queries over what was just imported are index-only."""
    for stream, day in sorted(partitions):
        connection.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(partition_name(stream, day))))
