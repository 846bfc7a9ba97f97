"""Imports files of readings from any past day, in the shape of ``POST /v1/telemetry``.

Safe to repeat and to kill: chunk by chunk is stored by the same statements as posted telemetry, an interrupted import
goes on at its chunk, and a finished one run again finds only duplicates. Its rows always count as late, so a day that
was exported already is exported again.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import Stream, midnight, partition_name
from warehouse.contract.readings import AcceptedWindow
from warehouse.contract.tables import DeviceKind
from warehouse.decoding.telemetry import Rejection, Telemetry, decode_lines
from warehouse.lake.opened_file import OpenedFile, opened
from warehouse.lake.publish import DamagedFileError, MissingFileError
from warehouse.lake.reading_files import Chunk, UnreadableReadingsError, chunks
from warehouse.lake.restore import RestoreMismatchError, restore_dropped
from warehouse.lifecycle.one_ahead import one_ahead
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_locks import holding_days
from warehouse.postgres.ledger.import_progress import advance_import, begin_import
from warehouse.postgres.partitions.creation import make_partitions
from warehouse.postgres.readings.device_quota import DeviceQuota, DeviceRoom
from warehouse.postgres.readings.quarantine import QuarantineQuota
from warehouse.postgres.readings.reading_store import Outcome, ReadingStore
from warehouse.settings import FleetSettings

MAX_REPORTED = 100


@dataclass
class ImportReport:
    """What became of a file's lines (the rows of Parquet).

    ``refused`` holds the first 100, their ``index`` being the line number from 1.
    """

    lines_skipped: int = 0
    """Done by an earlier, interrupted import of the same file."""
    lines_done: int = 0
    """The line of the file up to which it was read, by this import and by earlier ones."""
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    refused: list[Rejection] = field(default_factory=list)
    days: set[date] = field(default_factory=set)
    counted_only: int = 0
    """Of the conflicts and the rejected, those whose bytes are not kept in quarantine."""
    failure: FleetwattError | None = None
    """Why it was not read to its end; what came before is stored and counted. It does not name the file."""

    @property
    def lines(self) -> int:
        """The readings and broken lines that this run dealt with."""
        return self.accepted + self.duplicates + self.conflicts + self.rejected

    def add(self, outcome: Outcome, lines: int) -> None:
        """Count the outcome of the next so many lines, blank ones included."""
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        self.conflicts += len(outcome.conflicts)
        self.rejected += len(outcome.rejections)
        for each in sorted([*outcome.rejections, *outcome.conflicts])[: MAX_REPORTED - len(self.refused)]:
            line = self.lines_done + 1 + each.index
            self.refused.append(Rejection(line, each.code, each.pointer, each.detail))
        self.lines_done += lines

    def note_counted_only(self, by_code: Mapping[str, int]) -> None:
        """Count items that the quarantine had no room for."""
        self.counted_only += sum(by_code.values())


Progress = Callable[[float, ImportReport], None]
"""Told after each chunk: the share of the file read so far (0..1), and the report so far."""


def import_file(
    url: str, path: Path, settings: FleetSettings, progress: Progress = lambda _share, _report: None
) -> ImportReport:
    """Import one file, or what comes through a pipe. Until it ends, the days it touches are held.

    A day that was dropped is brought back first; where that cannot be, nothing is added to it. A reading from before
    ``settings.first_day`` is refused (``timestamp_too_old``): the warehouse has no such day. What is wrong with the
    file or with such a day is in the report.

    Raises:
        DatabaseUnavailableError: run it again to go on.
    """
    report = ImportReport()
    try:
        with opened(path, settings.home) as file:
            _import(url, file, settings, report, progress)
    except (UnreadableReadingsError, MissingFileError, DamagedFileError, RestoreMismatchError) as error:
        report.failure = error
    return report


def _import(url: str, file: OpenedFile, settings: FleetSettings, report: ImportReport, progress: Progress) -> None:
    lake = open_lake_folder(url, settings.lake)
    with connect(url) as connection, holding_days(connection) as hold:
        lines_done = begin_import(connection, file.sha256, file.name)
        report.lines_skipped = report.lines_done = lines_done
        store = ReadingStore(
            connection,
            QuarantineQuota.of(settings),
            is_import=True,
            room=DeviceRoom(DeviceQuota.of(settings)._replace(max_new_per_hour=None)),  # it is at hand, and no stranger
            note_counted_only=report.note_counted_only,
        )
        partitions: set[tuple[Stream, date]] = set()
        try:
            with closing(_decoded(file, lines_done, settings)) as decoded, closing(one_ahead(decoded)) as ahead:
                for chunk, telemetry in ahead:
                    touched = _partitions_of(telemetry)
                    for day in sorted({day for _, day in touched - partitions} - report.days):
                        hold(day)
                        make_partitions(connection, [day], settings.grace)
                        restore_dropped(connection, lake, day)
                        report.days.add(day)
                    partitions |= touched
                    (outcome,) = store.store([telemetry], source=file.name)
                    report.add(outcome, len(chunk.lines))
                    advance_import(connection, file.sha256, report.lines_done, is_finished=False)
                    progress(chunk.share, report)
            file.require_unchanged()
        except UnreadableReadingsError as error:  # it has no more to give: this is its end
            report.failure = UnreadableReadingsError(_with_place(error, report))
        _vacuum(connection, partitions)
        advance_import(connection, file.sha256, report.lines_done, is_finished=True)


def _with_place(error: UnreadableReadingsError, report: ImportReport) -> str:
    return f"{error.detail} (up to line {report.lines_done:,})" if report.lines_done else error.detail


def _decoded(file: OpenedFile, skip: int, settings: FleetSettings) -> Generator[tuple[Chunk, Telemetry]]:
    for chunk in chunks(file.file, file.size_bytes, skip):
        window = AcceptedWindow(midnight(settings.first_day), datetime.now(UTC) + settings.accepted_ahead)
        yield chunk, decode_lines(chunk.lines, window, absent_sensor_is_null=True, cut_lines=chunk.cut_lines)


def _partitions_of(telemetry: Telemetry) -> set[tuple[Stream, date]]:
    return {(kind.readings, day) for kind in DeviceKind for day in telemetry.days(kind)}


def _vacuum(connection: psycopg.Connection, partitions: set[tuple[Stream, date]]) -> None:
    """So that window queries over what was just imported are index-only."""
    for stream, day in sorted(partitions):
        connection.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(partition_name(stream, day))))
