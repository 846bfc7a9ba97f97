"""What every asset, check and sensor works with: the database and the lake, found when they run, not when they load."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import dagster as dg
import psycopg

from dbt_like_sql.catalog import Catalog
from orchestration.home.database import current_database
from warehouse.contract.errors import DatabaseUnavailableError, FleetwattError
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings

RETRIES = 5
RETRY_AFTER_S = 5
"""A restarted database is back within seconds; after a crash it first replays what it had not written."""


class Warehouse:
    """The database and the lake that the settings name. Nothing of it can be configured by whoever starts a run."""

    def __init__(self, settings: FleetSettings | None = None) -> None:
        """``settings``: those to work by; else they are read whenever they are needed."""
        self._settings = settings
        self._pipeline: DailyPipeline | None = None

    @property
    def settings(self) -> FleetSettings:
        """The settings, read now where none were given."""
        return self._settings or FleetSettings()

    @property
    def lake(self) -> Lake:
        """The lake, which may be empty.

        Raises:
            DatabaseUnavailableError: the ledger cannot be asked whether it is of an earlier release.
        """
        return open_lake_folder(self.url, self.settings.lake)

    @property
    def url(self) -> str:
        """Where the database runs.

        Raises:
            DatabaseUnavailableError: it does not run.
            SchemaOutdatedError: its schema is an older or a newer one.
        """
        return current_database(self.settings)

    def pipeline(self, catalog: Catalog) -> DailyPipeline:
        """The daily pipeline with the catalog that the definitions are made of: one for all steps of a run."""
        if self._pipeline is None:
            self._pipeline = DailyPipeline(self.url, self.lake, catalog)
        return self._pipeline

    def connect(self) -> AbstractContextManager[psycopg.Connection]:
        """A connection to the database, closed at the end of the block.

        Raises:
            DatabaseUnavailableError: it does not run, or goes away within the block.
        """
        return connect(self.url)


WarehouseParam = dg.ResourceParam[Warehouse]
"""How an asset or a sensor asks for it."""


def warehouse_resource(settings: FleetSettings | None = None) -> dg.ResourceDefinition:
    """A ``Warehouse`` of its own for each run, and for each look of a sensor."""
    return dg.ResourceDefinition(lambda _: Warehouse(settings), config_schema={})


@contextmanager
def told_plainly() -> Iterator[None]:
    """Make our errors Dagster's: a database that is away is waited for, the rest ends the step in plain words."""
    try:
        yield
    except DatabaseUnavailableError as error:
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_AFTER_S) from error
    except FleetwattError as error:
        raise dg.Failure(f"{error.title}: {error.detail}") from error
