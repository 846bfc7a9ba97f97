"""Imports files of readings from any past day, in the shape of ``POST /v1/telemetry``.

Safe to repeat and to kill: chunk by chunk is stored by the same statements as posted telemetry, an interrupted import
goes on at its chunk, and a finished one run again finds only duplicates. Its rows always count as late, so a day that
was exported already is exported again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream, midnight, partition_name
from warehouse.contract.readings import AcceptedWindow
from warehouse.contract.tables import DeviceKind
from warehouse.lake.paths import Lake
from warehouse.lake.reading_files import Chunk, chunks, digest
from warehouse.lake.restore import restore_dropped
from warehouse.one_ahead import one_ahead
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import holding_days
from warehouse.postgres.partitions import make_partitions
from warehouse.postgres.quarantine import QuarantineQuota
from warehouse.postgres.reading_store import Outcome, ReadingStore
from warehouse.settings import FleetSettings
from warehouse.telemetry import Rejection, Telemetry, decode_lines

_PACKAGE = "warehouse.postgres"
MAX_REPORTED = 100


@dataclass
class ImportReport:
    """What became of a file's lines (the rows of Parquet).

    ``refused`` holds the first 100, their ``index`` being the line number from 1.
    """

    lines_skipped: int = 0
    """Done by an earlier, interrupted import of the same file."""
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    refused: list[Rejection] = field(default_factory=list)
    days: set[date] = field(default_factory=set)
    counted_only: int = 0
    """Of the conflicts and the rejected, those whose bytes are not kept in quarantine."""

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

    def note_counted_only(self, by_code: Mapping[str, int]) -> None:
        """Count items that the quarantine had no room for."""
        self.counted_only += sum(by_code.values())


Progress = Callable[[float, ImportReport], None]
"""Told after each chunk: the share of the file read so far (0..1), and the report as it stands."""


def import_file(
    url: str, path: Path, settings: FleetSettings, progress: Progress = lambda _share, _report: None
) -> ImportReport:
    """Import one file. Until it ends, the days it touches are held; one that was dropped is brought back first.

    A reading from before ``settings.first_day`` is refused (``timestamp_too_old``): the warehouse has no such day.

    Raises:
        UnreadableReadingsError: no such file, or a damaged one; what came before the damage is stored.
        MissingFileError, DamagedFileError: a dropped day cannot be brought back, and so nothing is added to it.
        DatabaseUnavailableError: run it again to go on.
    """
    file_sha256 = digest(path)
    with connect(url) as connection, holding_days(connection) as hold:
        begin = {"file_sha256": file_sha256, "file_name": path.name}
        ((lines_done,),) = connection.execute(sqlfiles.load(_PACKAGE, "begin_import"), begin).fetchall()
        report = ImportReport(lines_skipped=lines_done)
        store = ReadingStore(
            connection, QuarantineQuota.of(settings), always_late=True, note_counted_only=report.note_counted_only
        )
        partitions: set[tuple[Stream, date]] = set()
        for chunk, telemetry in one_ahead(_decoded(path, lines_done, settings)):
            touched = _partitions_of(telemetry)
            for day in sorted({day for _, day in touched - partitions} - report.days):
                hold(day)
                make_partitions(connection, [day], settings.grace)
                restore_dropped(connection, Lake(settings.lake), day)
                report.days.add(day)
            partitions |= touched
            (outcome,) = store.store([telemetry], source=path.name)
            report.add(outcome, first_line=lines_done + 1)
            lines_done += len(chunk.lines)
            _advance(connection, file_sha256, lines_done, is_finished=False)
            progress(chunk.share, report)
        _vacuum(connection, partitions)
        _advance(connection, file_sha256, lines_done, is_finished=True)
    return report


def _decoded(path: Path, skip: int, settings: FleetSettings) -> Iterator[tuple[Chunk, Telemetry]]:
    for chunk in chunks(path, skip):
        window = AcceptedWindow(midnight(settings.first_day), datetime.now(UTC) + settings.accepted_ahead)
        yield chunk, decode_lines(chunk.lines, window, absent_sensor_is_null=True)


def _partitions_of(telemetry: Telemetry) -> set[tuple[Stream, date]]:
    return {(kind.readings, day) for kind in DeviceKind for day in telemetry.days(kind)}


def _advance(connection: psycopg.Connection, file_sha256: bytes, lines_done: int, *, is_finished: bool) -> None:
    parameters = {"file_sha256": file_sha256, "lines_done": lines_done, "is_finished": is_finished}
    connection.execute(sqlfiles.load(_PACKAGE, "advance_import"), parameters)


def _vacuum(connection: psycopg.Connection, partitions: set[tuple[Stream, date]]) -> None:
    """So that window queries over what was just imported are index-only."""
    for stream, day in sorted(partitions):
        connection.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(partition_name(stream, day))))
