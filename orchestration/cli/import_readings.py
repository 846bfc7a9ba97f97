"""``fleetwatt import``: files of readings from any past day."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from orchestration.cli.by_hand import note_run
from orchestration.cli.options import AsJson, Home, as_user_wrote, notes, read_settings
from orchestration.home.database import database
from warehouse.counted import counted
from warehouse.lake.opened_file import require_readable
from warehouse.lake.reading_files import UnreadableReadingsError
from warehouse.lifecycle.readings_import import ImportReport, import_file
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings
from warehouse.visible import visible

SOME_LINES_REFUSED = 3
MAX_SHOWN = 20


def import_readings(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="NDJSON (plain, gzip or zstd) or Parquet; - is stdin.",
            show_default=False,
            callback=as_user_wrote,
        ),
    ],
    *,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Import readings of any past day: a line or row is a reading as POST /v1/telemetry takes it.

    A sensor's field that is left out counts as null. Safe to repeat: what is stored already is a duplicate; an
    interrupted import goes on where it was. What is wrong with one file does not keep the others from being read.

    \b
    Exit code: 0 every line is stored, 1 a file could not be read, or not to its end, 3 some lines were refused (they
    are listed; quarantine keeps them).
        fleetwatt import readings.ndjson.gz
        zcat readings-*.gz | fleetwatt import -
    """
    settings = read_settings(FleetSettings, home=home)
    found = [(path, _what_is_wrong(path)) for path in files]
    done: list[tuple[Path, ImportReport]] = []
    try:
        if all(failed for _, failed in found):  # a server would be started for nothing
            done += [(path, failed) for path, failed in found if failed]
        else:
            with database(settings) as url, _progress() as progress:
                with connect(url) as connection:
                    note_run(connection, "import", files=files)
                for path, failed in found:
                    done.append((path, failed or _import(url, path, settings, progress)))
    finally:
        _tell(done, as_json=as_json)
    if any(report.failure for _, report in done):
        raise typer.Exit(1)
    if any(report.rejected + report.conflicts for _, report in done):
        raise typer.Exit(SOME_LINES_REFUSED)


def _what_is_wrong(path: Path) -> ImportReport | None:
    try:
        require_readable(path)
    except UnreadableReadingsError as error:
        return ImportReport(failure=error)
    return None


def _import(url: str, path: Path, settings: FleetSettings, progress: Progress) -> ImportReport:
    task = progress.add_task(visible(path.name), total=1.0, counts="")
    return import_file(url, path, settings, _Bar(progress, task).show)


def _tell(reports: list[tuple[Path, ImportReport]], *, as_json: bool) -> None:
    if as_json:
        json.dump([{"file": str(path), **_as_dict(report)} for path, report in reports], sys.stdout)
        sys.stdout.write("\n")
    for path, report in reports:
        if not as_json:
            _print_report(path, report)
        if report.failure:
            notes.print(f"{report.failure.title}: ", style="bold red", end="")
            notes.print(f"{path}: {report.failure.detail}")


class _Bar:
    """The progress bar of one file."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def show(self, share: float, report: ImportReport) -> None:
        elapsed = self._progress.tasks[self._task].elapsed
        rate = f", {report.lines / elapsed:,.0f}/s" if elapsed else ""
        self._progress.update(self._task, completed=share, counts=f"{counted(report.lines, 'reading')}{rate}")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
        console=notes,
    )


def _print_report(path: Path, report: ImportReport) -> None:
    if report.failure and not report.lines_done:
        return
    days = f"{min(report.days)} to {max(report.days)}" if report.days else "no day"
    went_on = f", went on after line {report.lines_skipped:,}" if report.lines_skipped else ""
    notes.print(
        f"{path}: {report.accepted:,} stored, {counted(report.duplicates, 'duplicate')}, "
        f"{counted(report.conflicts, 'conflict')}, {report.rejected:,} rejected; {days}{went_on}"
    )
    if not report.refused:
        return
    table = Table("line", "code", "field", "why")
    for refusal in report.refused[:MAX_SHOWN]:
        table.add_row(f"{refusal.index:,}", refusal.code, visible(refusal.pointer), visible(refusal.detail))
    notes.print(table, soft_wrap=False)
    codes = {refusal.code for refusal in report.refused}
    if "timestamp_too_old" in codes:
        notes.print("to take in earlier days, set FLEET_FIRST_DAY")
    if "naive_timestamp" in codes:
        notes.print("nothing says whose time that is; in Parquet, cast it to a timestamp in UTC (INT96 has no zone)")
    hidden = report.rejected + report.conflicts - min(len(report.refused), MAX_SHOWN)
    if hidden:
        notes.print(f"and {hidden:,} more")
    kept = "in quarantined_readings, with the first 4 KiB of their bytes"
    if report.counted_only:
        kept = f"{kept}, but for {counted(report.counted_only, 'that is', 'that are')} only counted: a file shows where"
    notes.print(f"what was refused is {kept}")


def _as_dict(report: ImportReport) -> dict[str, Any]:
    return {
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "conflicts": report.conflicts,
        "rejected": report.rejected,
        "countedOnly": report.counted_only,
        "linesSkipped": report.lines_skipped,
        "failure": {"code": report.failure.code, "detail": report.failure.detail} if report.failure else None,
        "days": [day.isoformat() for day in sorted(report.days)],
        "refused": [
            {"line": each.index, "code": each.code, "pointer": each.pointer, "detail": each.detail}
            for each in report.refused
        ],
    }
