"""``fleetwatt seal``, ``export`` and ``run-day``: the daily pipeline by hand, without Dagster."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer

from dbt_like_sql.catalog import Catalog
from orchestration.cli.by_hand import note_run
from orchestration.cli.models.build import FIGURES
from orchestration.cli.models.selected import Select, modified_in_home, selected_models
from orchestration.cli.options import Home, notes, read_settings, utc_day
from orchestration.home.database import database
from orchestration.home.step_down import work_in
from warehouse.contract.partitions import Stream
from warehouse.counted import counted
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.lagging_models import lagging_remarks, outdated_models
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import days_to_run
from warehouse.postgres.ledger.lake_files import days_with_files
from warehouse.settings import FleetSettings

Day = Annotated[date, typer.Argument(parser=utc_day, help="A UTC day, e.g. 2026-02-08.", show_default=False)]


def seal(day: Day, *, home: Home = None) -> None:
    """Seal a closed day: its partitions are vacuumed and ready to be exported. Safe to repeat.

    \b
    A day is closed when its grace has passed (FLEET_GRACE_MINUTES after midnight UTC):
        fleetwatt seal 2026-02-08
    """
    settings = read_settings(FleetSettings, home=home)
    with database(settings) as url:
        _note(url, "seal", day)
        sealed = _pipeline(settings, url).seal(day)
    notes.print(f"sealed {', '.join(sealed)}" if sealed else f"nothing to do: {day} is sealed")


def export(day: Day, *, home: Home = None) -> None:
    """Seal a closed day and export its readings to Parquet, verified against PostgreSQL. Safe to repeat.

    \b
        fleetwatt export 2026-02-08
    """
    settings = read_settings(FleetSettings, home=home)
    work_in(settings)
    with database(settings) as url:
        _note(url, "export", day)
        pipeline = _pipeline(settings, url)
        pipeline.seal(day)
        for stream in Stream:
            made = pipeline.export(stream, day)
            state = "exported" if made.is_new else "already exported"
            notes.print(f"{stream}: {counted(made.rows, 'row')} {state} as version {made.version}")
            notes.print(made.location, soft_wrap=True)


def run_day(day: Day, *, select: Select = None, home: Home = None) -> None:
    """Run the daily pipeline: seal, export, energy, models, checks. What Dagster does, without Dagster; safe to repeat.

    With -s it builds SQL models again of a day that is built, and what is made from them, as fleetwatt models build
    does; it says what it leaves.

    \b
        fleetwatt run-day 2026-02-08
        fleetwatt run-day 2026-02-08 -s low_efficiency_days
    Exit code: 0 it is done; 1 a model or a check failed, or -s met a day that is not built; 4 the selection is empty.
    """
    settings = read_settings(FleetSettings, home=home)
    catalog = Catalog.load()
    names = selected_models(catalog, select, modified_in_home(settings, catalog))
    work_in(settings)
    with database(settings) as url:
        _note(url, "run-day", day, names)
        pipeline = _pipeline(settings, url)
        if names:
            _run_models(pipeline, day, names)
        else:
            pipeline.run(day, _say)
        with connect(url) as connection:
            for remark in lagging_remarks(outdated_models(connection, pipeline.catalog)):
                _say(remark)


def _run_models(pipeline: DailyPipeline, day: date, names: Sequence[str]) -> None:
    """Build models of a day that is built, and say what is left as it is."""
    with connect(pipeline.url) as connection:
        is_built = day in days_with_files(connection, FIGURES)
        waits = any(each.day == day for each in days_to_run(connection))
    if not is_built:
        _say(f"{day} is not built, so no part of it can be: fleetwatt run-day {day}")
        raise typer.Exit(1)
    pipeline.build_models(day, names, _say)
    left = len(pipeline.catalog.models) - len(pipeline.catalog.with_downstream(names))
    _say(f"{day}: {counted(left, 'other dataset is', 'other datasets are')} left as they are")
    if waits:
        _say(f"{day} is still to be run as a whole, for what came since it was exported: fleetwatt run-day {day}")


def _note(url: str, command: str, day: date, models: Sequence[str] = ()) -> None:
    with connect(url) as connection:
        note_run(connection, command, day=day, **({"models": models} if models else {}))


def _say(line: str) -> None:
    notes.print(line, soft_wrap=True)


def _pipeline(settings: FleetSettings, url: str) -> DailyPipeline:
    return DailyPipeline(url, open_lake_folder(url, settings.lake, notes.print), Catalog.load())
