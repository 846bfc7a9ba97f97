"""``fleetwatt models docs``: the models as static pages, with the newest day's counts where a database is at hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.unit_tests.reading import UnitTestReader
from orchestration.cli.models.catalog import read_catalog
from orchestration.cli.models.selected import Select, modified_where_it_runs, selected
from orchestration.cli.options import Home, as_user_wrote, notes, read_settings
from orchestration.cli.terminal import print_line
from orchestration.home.database import current_database
from orchestration.home.step_down import work_in
from warehouse.contract.errors import DatabaseUnavailableError, SchemaOutdatedError
from warehouse.counted import counted
from warehouse.lake.pages.site import write_pages
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_overview import PublishedDataset, published_datasets
from warehouse.postgres.ledger.source_freshness import SourceFreshness, source_freshness
from warehouse.settings import FleetSettings


def docs(
    *,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to. Default: docs in HOME.", callback=as_user_wrote)
    ] = None,
    select: Select = None,
    home: Home = None,
) -> None:
    """Write a page of each dataset: its SQL, columns, checks, examples, and a picture of where every column comes from.

    The pages are files: they open in any browser, without a server and without a network. Where the database runs, they
    show the rows and size of each dataset's newest day. With -s the first page shows what is selected.

    \b
        fleetwatt models docs
        fleetwatt models docs --output /tmp/models
        fleetwatt models docs -s +weekly_vehicle_losses
    Exit code: 4 the selection is empty.
    """
    settings = read_settings(FleetSettings, home=home)
    if output is None:
        work_in(settings)
    catalog = read_catalog()
    shown = selected(catalog, select, modified_where_it_runs(settings, catalog))
    published, fresh, status = _state(settings, catalog)
    reader = UnitTestReader(catalog)
    tests = reader.read()
    if reader.problems:
        notes.print(f"unit tests that cannot be read are left out: {reader.problems[0]}")
    folder = (output or settings.home / "docs").absolute()
    try:
        index = write_pages(catalog, published, status, folder, shown if select else None, tests, fresh)
    except OSError as error:
        raise typer.BadParameter(f"{folder} cannot be written: {error.strerror}", param_hint="--output") from error
    notes.print(f"{counted(len(catalog.models), 'dataset')} written. {status}")
    print_line(index.as_uri())


def _state(
    settings: FleetSettings, catalog: Catalog
) -> tuple[dict[str, PublishedDataset], Sequence[SourceFreshness], str]:
    """What the ledger says of the lake, how new the sources are, and a sentence on that."""
    try:
        with connect(current_database(settings)) as connection:
            published = published_datasets(connection)
            fresh = source_freshness(connection, catalog.in_order(), datetime.now(UTC))
    except (DatabaseUnavailableError, SchemaOutdatedError) as error:
        return {}, (), f"No row counts: {error.detail}"
    if not published:
        return {}, fresh, "No row counts: no day is in the lake yet."
    return published, fresh, f"Row counts are for {max(each.day for each in published.values())}."
