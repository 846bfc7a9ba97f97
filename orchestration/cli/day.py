"""``fleetwatt seal``, ``export`` and ``run-day``: the daily pipeline by hand, without Dagster."""

from datetime import date
from typing import Annotated

import typer

from dbt_like_sql.catalog import Catalog
from orchestration.cli.options import Home, notes, read_settings, utc_day
from orchestration.home.folder import database
from orchestration.home.step_down import work_in
from warehouse.contract.partitions import Stream
from warehouse.counted import counted
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.lagging_models import lagging_remarks, outdated_models
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
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
        pipeline = _pipeline(settings, url)
        pipeline.seal(day)
        for stream in Stream:
            made = pipeline.export(stream, day)
            state = "exported" if made.is_new else "already exported"
            notes.print(f"{stream}: {counted(made.rows, 'row')} {state} as version {made.version}")
            notes.print(made.location, soft_wrap=True)


def run_day(day: Day, *, home: Home = None) -> None:
    """Run the daily pipeline: seal, export, energy, models, checks. What Dagster does, without Dagster; safe to repeat.

    \b
        fleetwatt run-day 2026-02-08
    """
    settings = read_settings(FleetSettings, home=home)
    work_in(settings)
    with database(settings) as url:
        pipeline = _pipeline(settings, url)
        pipeline.run(day, lambda line: notes.print(line, soft_wrap=True))
        with connect(url) as connection:
            for remark in lagging_remarks(outdated_models(connection, pipeline.catalog)):
                notes.print(remark, soft_wrap=True)


def _pipeline(settings: FleetSettings, url: str) -> DailyPipeline:
    return DailyPipeline(url, open_lake_folder(url, settings.lake, notes.print), Catalog.load())
