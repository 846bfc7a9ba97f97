"""``fleetwatt import``: files of readings from any past day."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from orchestration.cli.options import AsJson, Home, as_user_wrote, notes, read_settings
from orchestration.cli.terminal import visible
from orchestration.home import database
from warehouse.lake.reading_files import require_readable
from warehouse.postgres.migrate import migrate
from warehouse.readings_import import ImportReport, import_file
from warehouse.settings import FleetSettings

SOME_LINES_REFUSED = 3
MAX_SHOWN = 20


def import_readings(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="NDJSON, plain or gzip, or Parquet.", show_default=False, callback=as_user_wrote
        ),
    ],
    *,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Import readings of any past day: a line or row is a reading as POST /v1/telemetry takes it.

    A sensor's field that is left out counts as null. Safe to repeat: what is stored already is a duplicate; an
    interrupted import goes on where it was.

    \b
    Exit code: 0 every line is stored, 1 failed, 3 some lines were refused (they are listed; quarantine keeps them).
        fleetwatt import readings.ndjson.gz
    """
    settings = read_settings(FleetSettings, home=home)
    for path in files:
        require_readable(path)  # before a server is started for nothing
    reports: dict[str, ImportReport] = {}
    with database(settings) as url:
        migrate(url)
        with _progress() as progress:
            for path in files:
                task = progress.add_task(visible(path.name), total=1.0, counts="")
                reports[str(path)] = import_file(url, path, settings, _Bar(progress, task).show)
    if as_json:
        json.dump([{"file": path, **_as_dict(report)} for path, report in reports.items()], sys.stdout)
        sys.stdout.write("\n")
    else:
        for name, report in reports.items():
            _print_report(name, report)
    if any(report.rejected + report.conflicts for report in reports.values()):
        raise typer.Exit(SOME_LINES_REFUSED)


class _Bar:
    """The progress bar of one file."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def show(self, share: float, report: ImportReport) -> None:
        elapsed = self._progress.tasks[self._task].elapsed
        rate = f", {report.lines / elapsed:,.0f}/s" if elapsed else ""
        self._progress.update(self._task, completed=share, counts=f"{report.lines:,} readings{rate}")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
        console=notes,
    )


def _print_report(path: str, report: ImportReport) -> None:
    days = f"{min(report.days)} to {max(report.days)}" if report.days else "no day"
    went_on = f", went on after line {report.lines_skipped:,}" if report.lines_skipped else ""
    notes.print(
        f"{path}: {report.accepted:,} stored, {report.duplicates:,} duplicates, {report.conflicts:,} conflicts, "
        f"{report.rejected:,} rejected; {days}{went_on}"
    )
    if not report.refused:
        return
    table = Table("line", "code", "field", "why")
    for refusal in report.refused[:MAX_SHOWN]:
        table.add_row(f"{refusal.index:,}", refusal.code, visible(refusal.pointer), visible(refusal.detail))
    notes.print(table, soft_wrap=False)
    if any(refusal.code == "timestamp_too_old" for refusal in report.refused):
        notes.print("to take in earlier days, set FLEET_FIRST_DAY")
    hidden = report.rejected + report.conflicts - min(len(report.refused), MAX_SHOWN)
    if hidden:
        notes.print(f"and {hidden:,} more")
    kept = "in quarantined_readings, with the first 4 KiB of their bytes"
    if report.counted_only:
        kept = f"{kept}, but for {report.counted_only:,} that are only counted: a file shows where they are"
    notes.print(f"they are {kept}")


def _as_dict(report: ImportReport) -> dict[str, Any]:
    return {
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "conflicts": report.conflicts,
        "rejected": report.rejected,
        "countedOnly": report.counted_only,
        "linesSkipped": report.lines_skipped,
        "days": [day.isoformat() for day in sorted(report.days)],
        "refused": [
            {"line": each.index, "code": each.code, "pointer": each.pointer, "detail": each.detail}
            for each in report.refused
        ],
    }
