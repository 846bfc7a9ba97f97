"""``fleetwatt models freshness``: whether the newest data of each source is as new as it is declared to be."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import typer
from rich import box
from rich.table import Table

from orchestration.cli.models.catalog import read_catalog
from orchestration.cli.models.selected import Select, modified_where_it_runs, nothing_selected, selected
from orchestration.cli.options import AsJson, Home, read_settings
from orchestration.cli.terminal import Terminal
from orchestration.home.database import current_database
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.source_freshness import Level, SourceFreshness, source_freshness
from warehouse.settings import FleetSettings


def freshness(*, select: Select = None, home: Home = None, as_json: AsJson = False) -> None:
    """Say how old the newest data of each source is, beside what sources.toml allows.

    Of readings it is the newest reading in PostgreSQL, of the other sources when their newest day came into the lake.

    \\b
        fleetwatt models freshness
        fleetwatt models freshness -s meter_readings --json
    Exit code: 0 all are new enough, or only warn; 1 one is older than its error_after_hours, or has nothing yet;
    4 nothing that declares a freshness is selected. While the first day of all is on its way, that only warns.
    """
    settings = read_settings(FleetSettings, home=home)
    catalog = read_catalog()
    models = [each for each in selected(catalog, select, modified_where_it_runs(settings, catalog)) if each.freshness]
    if not models:
        raise nothing_selected(select or ["nothing"], "dataset with a freshness")
    with connect(current_database(settings)) as connection:
        found = source_freshness(connection, models, datetime.now(UTC))
    if as_json:
        json.dump([_as_dict(each) for each in found], sys.stdout)
        sys.stdout.write("\n")
    else:
        _print(found)
    if any(each.level is Level.ERROR for each in found):
        raise typer.Exit(1)


def _print(found: list[SourceFreshness]) -> None:
    table = Table("source", "newest", "age", "warns after", "error after", "state", box=box.SIMPLE, pad_edge=False)
    for each in found:
        allowed = (timedelta(hours=hours) for hours in each.allowed)
        why = f": {each.first_day.words}" if each.first_day else ""
        newest = f"{each.newest_at:%Y-%m-%d %H:%M}Z" if each.newest_at else f"nothing yet{why}"
        age = in_words(each.age) if each.age is not None else ""
        table.add_row(each.dataset, newest, age, *map(in_words, allowed), each.level.value)
    Terminal(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)


def in_words(age: timedelta) -> str:
    """In the largest unit of which there are two: 45 min, 30 h, 3 d."""
    seconds = max(0.0, age.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and unit == "h"):
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _as_dict(each: SourceFreshness) -> dict[str, Any]:
    return {
        "name": each.dataset,
        "newest_at": each.newest_at.isoformat() if each.newest_at else None,
        "age_s": each.age.total_seconds() if each.age is not None else None,
        **each.allowed._asdict(),
        "level": each.level,
        "first_day": each.first_day.words if each.first_day else None,
    }
