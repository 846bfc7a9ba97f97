"""``fleetwatt models build``: models of days that are built already, for a model that is new, or whose text changed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import typer

from orchestration.cli.by_hand import note_run
from orchestration.cli.models.catalog import read_catalog
from orchestration.cli.models.selected import Select, modified_in_home, selected_models
from orchestration.cli.options import Home, notes, read_settings, utc_day
from orchestration.home.database import database
from orchestration.home.step_down import work_in
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import days_between
from warehouse.counted import counted
from warehouse.lake.models import ModelFailedError
from warehouse.lake.publish import DamagedFileError, MissingFileError
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.day_checks import CheckFailedError
from warehouse.lifecycle.lagging_models import Why, lagging_models, lagging_remarks, outdated_models
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_files import days_with_files
from warehouse.settings import FleetSettings

Plan = Mapping[date, Collection[str]]
"""Which models are to be built of which days."""
FIGURES = "hourly_energy"
"""What every built day has."""


class DaysNotBuiltError(FleetwattError):
    """Some days are not built"""

    code = "days_not_built"


@dataclass(frozen=True)
class DayRange:
    """The first and the last of some days."""

    first: date
    last: date


def _range(given: str) -> DayRange:
    """``FROM..TO``, both included, or one day."""
    first, separator, last = given.partition("..")
    days = DayRange(utc_day(first), utc_day(last if separator else first))
    if days.first > days.last:
        raise typer.BadParameter(f"{first} is after {last}; write the earlier day first")
    return days


def build(
    *,
    select: Select = None,
    days: Annotated[
        DayRange | None,
        typer.Option(
            parser=_range, metavar="FROM..TO", help="Of these UTC days that are built, or of one.", show_default=False
        ),
    ] = None,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing",
            help="Of the days that lack it, have it by an older text, look back on one that changed, or are half done.",
        ),
    ] = False,
    home: Home = None,
) -> None:
    """Build SQL models of days that are built already, and what is made from them. Safe to repeat.

    The rest of these days is not touched. Readers see a day's new numbers when all of them are there. So what is made
    from a selected model is always built with it, whether a + says so or not.

    \b
    A model that is new, or that was changed, for every day that lacks it:
        fleetwatt models build -s weekly_vehicle_losses --missing
        fleetwatt models build -s state:modified --missing
        fleetwatt models build --missing
    Again, for some days:
        fleetwatt models build -s weekly_vehicle_losses --days 2026-02-01..2026-02-08
    Exit code: 0 all is built; 1 a model failed, or a check of some day, what was built stays; 4 the selection is empty.
    """
    settings = read_settings(FleetSettings, home=home)
    catalog = read_catalog()
    if missing == (days is not None):
        raise typer.BadParameter("say which days: either --missing or --days FROM..TO", param_hint="--days")
    if days and not select:
        raise typer.BadParameter("name the models to build again with -s", param_hint="--days")
    names = selected_models(catalog, select, modified_in_home(settings, catalog))
    work_in(settings)
    with database(settings) as url:
        with connect(url) as connection:
            of_days = {"first_day": days.first, "last_day": days.last} if days else {"missing": missing}
            note_run(connection, "models build", models=names, **of_days)
        pipeline = DailyPipeline(url, open_lake_folder(url, settings.lake, notes.print), catalog)
        built = _build(pipeline, _of_days(url, names, days)) if days else _build_missing(pipeline, names)
        with connect(url) as connection:
            for remark in lagging_remarks(outdated_models(connection, catalog)):
                notes.print(remark, soft_wrap=True)
    if failed := [day for day, is_built in built.items() if not is_built]:
        raise DaysNotBuiltError(f"{len(failed)} of {len(built)}, the first is {failed[0]}; readers see what they saw")
    nothing = "nothing to do: every built day has them as they are"
    notes.print(f"{counted(len(built), 'day')} built" if built else nothing)


def _build(pipeline: DailyPipeline, plan: Plan) -> dict[date, bool]:
    """Each day, and whether it is built now. One that fails a check, or lacks a file, holds up no other."""
    built = {}
    for day, names in plan.items():
        try:
            pipeline.build_models(day, names, lambda line: notes.print(line, soft_wrap=True))
            built[day] = True
        except (CheckFailedError, ModelFailedError, MissingFileError, DamagedFileError) as error:
            notes.print(f"{error.title}: {error.detail}", soft_wrap=True)
            built[day] = False
    return built


def _build_missing(pipeline: DailyPipeline, names: Collection[str]) -> dict[date, bool]:
    """What lags, and what lags because of that: later days that look back on what was built."""
    built: dict[date, bool] = {}
    tried: set[tuple[date, str]] = set()
    while plan := _lagging(pipeline, names, tried):
        tried.update((day, name) for day, of_day in plan.items() for name in of_day)
        for day, is_built in _build(pipeline, plan).items():
            built[day] = is_built and built.get(day, True)
    return built


def _lagging(pipeline: DailyPipeline, names: Collection[str], tried: Collection[tuple[date, str]]) -> Plan:
    """``names``: of these and of what they are made from; none means of all. What was tried is left out."""
    catalog = pipeline.catalog
    wanted = set(names).union(*(catalog.upstream(name) for name in names)) or set(catalog.models)
    plan: dict[date, list[str]] = {}
    with connect(pipeline.url) as connection:
        for each in lagging_models(connection, catalog):
            if each.dataset in wanted and each.why is not Why.UNFINISHED and (each.day, each.dataset) not in tried:
                plan.setdefault(each.day, []).append(each.dataset)
    return plan


def _of_days(url: str, names: Collection[str], days: DayRange) -> Plan:
    with connect(url) as connection:
        built = set(days_with_files(connection, FIGURES))
    wanted = list(days_between(days.first, days.last))
    if skipped := [day for day in wanted if day not in built]:
        notes.print(f"{counted(len(skipped), 'day')} of these are not built, the first is {skipped[0]}: left out")
    return {day: names for day in wanted if day in built}
