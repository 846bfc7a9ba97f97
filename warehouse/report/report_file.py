"""Makes the report of a period, from the lake to one HTML page, and says what its file is called."""

from datetime import date, timedelta

from dbt_like_sql.catalog import Catalog
from warehouse.contract.errors import FleetwattError
from warehouse.counted import counted
from warehouse.lake.snapshot import Snapshot
from warehouse.report import words
from warehouse.report.lake_facts import BUILT, files_of, opened, read_facts
from warehouse.report.page import report_page
from warehouse.report.period import Length, Period, periods_that_end
from warehouse.report.pictures import pictures
from warehouse.report.repairs import FIRST, open_losses

FOLDER = "reports"
"""In the home."""
NEWEST = "week.html"
"""The last seven days, whenever they end."""
KEPT_DAYS = 31
"""A week or month that ended longer ago is not written by itself any more."""


class NothingToReportError(FleetwattError):
    """There is nothing to report"""

    code = "nothing_to_report"


def newest_day(snapshot: Snapshot) -> date:
    """The last day that the lake has.

    Raises:
        NothingToReportError: it has none.
    """
    days = snapshot.days(BUILT)
    if not days:
        raise NothingToReportError(
            f"the lake in {snapshot.lake.root} is empty: no day has been exported yet. fleetwatt up exports each day "
            "when it closes, fleetwatt run-day DAY does it now"
        )
    return days[-1]


def name_of(period: Period) -> str:
    """What the file of a period is called."""
    return f"day-{period.last}.html" if period.length is Length.DAY else f"{period.length}-to-{period.last}.html"


def due_reports(snapshot: Snapshot) -> dict[str, Period]:
    """What is to be written by itself, by the name of its file: the last seven days, and the weeks and months that
    ended within a month.

    Raises:
        NothingToReportError: the lake has no day.
    """
    newest = newest_day(snapshot)
    recent = [day for day in snapshot.days(BUILT) if day > newest - timedelta(days=KEPT_DAYS)]
    ended = {name_of(period): period for day in recent for period in periods_that_end(day)}
    return {NEWEST: Period.ending(Length.WEEK, newest), **ended}


def make_report(snapshot: Snapshot, catalog: Catalog, period: Period) -> str:
    """The page as HTML.

    Raises:
        NothingToReportError: the last day of the period is not in the lake.
        UnreadableFileError: a file of the lake is no Parquet.
    """
    newest = newest_day(snapshot)
    days = snapshot.days(BUILT)
    if period.last not in days:
        raise NothingToReportError(
            f"the lake has nothing of {period.last}; it has {counted(len(days), 'day')} from {days[0]} to {newest}"
        )
    with opened(snapshot, catalog, period) as connection:
        facts = read_facts(connection, snapshot, period)
        drawn = pictures(connection, open_losses(facts.findings)[:FIRST])
    return report_page(facts, drawn, _state(snapshot, period))


def _state(snapshot: Snapshot, period: Period) -> str:
    """How new what was read is: two pages of a period differ where this does."""
    published = max(file.published_at for file in files_of(snapshot, period))
    return f"The newest file it was made from was published on {words.day(published)} at {published:%H:%M} UTC."
