"""``fleetwatt report``: what is lost and what to repair first, as one HTML file to read, print and forward."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from dbt_like_sql.catalog import Catalog
from orchestration.cli.lake_reader import Unverified, reading_lake
from orchestration.cli.options import Home, as_user_wrote, notes, read_settings, utc_day
from orchestration.cli.query_output import require_place
from orchestration.cli.terminal import print_line
from orchestration.home.step_down import work_in
from warehouse.durability import replace_file
from warehouse.lake.checked_files import require_intact
from warehouse.report.lake_facts import files_of
from warehouse.report.period import Length, Period
from warehouse.report.report_file import FOLDER, make_report, name_of, newest_day
from warehouse.settings import FleetSettings


def report(
    *,
    of_day: Annotated[bool, typer.Option("--day", help="One day.")] = False,
    of_week: Annotated[bool, typer.Option("--week", help="Seven days; the default.")] = False,
    of_month: Annotated[bool, typer.Option("--month", help="A month: that of 28 February is February.")] = False,
    until: Annotated[
        date | None,
        typer.Option(parser=utc_day, metavar="DAY", help="The last day, UTC. Default: the newest one in the lake."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The HTML file. Default: in reports in HOME.", callback=as_user_wrote)
    ] = None,
    unverified: Unverified = False,
    home: Home = None,
) -> None:
    """Write a report for people: what is new, what it costs, the ten chargers to repair first with their evidence,
    whose loss it is, the quality of the data, standby, how it is found and what cannot be known.

    It is one HTML file that needs nothing else: no server, no network, no script. It prints to A4. Its path is printed.
    It is made from the files of the lake alone, so the same days give the same page, as long as they are not restated.

    \b
    The last seven days:
        fleetwatt report
    February, for the boss:
        fleetwatt report --month --until 2026-02-28 --output february.html
    One day:
        fleetwatt report --day --until 2026-02-08
    Exit code: 0 it is written; 1 the lake has nothing of the last day, or a file of it is damaged.
    """
    lengths = [length for length, is_asked in zip(Length, (of_day, of_week, of_month), strict=True) if is_asked]
    if len(lengths) > 1:
        raise typer.BadParameter("say one of --day, --week and --month")
    if output is not None:
        require_place(output)
    settings = read_settings(FleetSettings, home=home)
    if output is None:
        work_in(settings)
    with reading_lake(settings) as reader:
        period = Period.ending(lengths[0] if lengths else Length.WEEK, until or newest_day(reader.snapshot))
        if not unverified:
            require_intact(reader.snapshot.lake, files_of(reader.snapshot, period), reader.ledger)
        page = make_report(reader.snapshot, Catalog.load(), period)
    target = (output or settings.home / FOLDER / name_of(period)).resolve()
    try:
        if output is None:
            target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, page.encode())
    except OSError as error:
        raise typer.BadParameter(f"{target} cannot be written: {error.strerror}", param_hint="--output") from error
    notes.print(f"written: {period.words}")
    print_line(target.as_uri())
