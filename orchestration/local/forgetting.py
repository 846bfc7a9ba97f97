"""Takes a device that is being forgotten out of the database, the lake, Dagster's records and the home's texts.

From wherever that was left: the command calls it, and so does each start.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from orchestration.dagster_runtime.instance import connected
from orchestration.home.mentions import blank_files
from warehouse.contract.device_rows import Device, stand_in_of
from warehouse.contract.errors import FleetwattError
from warehouse.postgres.connection import connect
from warehouse.postgres.device_data.erasing import blank_everywhere
from warehouse.postgres.device_data.forgetting_store import (
    Forgetting,
    end_forgetting,
    forgetting_held,
    mark_swept,
    unfinished_forgettings,
)
from warehouse.postgres.device_data.sweeping import rewrite_tables, rewrite_texts, sweep_server
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.settings import FleetSettings


@dataclass(frozen=True)
class UnfinishedForgetting:
    """All that is half forgotten in one database and its home."""

    settings: FleetSettings
    url: str
    """As the owner of the tables: no other role takes a reading out of them."""
    jobs_url: str
    """By which jobs find the database, and so Dagster's."""
    say: Callable[[str], None]

    def begin(self) -> None:
        """Go on in a thread of its own, which ends with the process."""
        threading.Thread(target=self._in_the_background, daemon=True).start()

    def finish(self) -> bool:
        """Go on until nothing is half forgotten; False where nothing was. One process at a time.

        Raises:
            StillThereError, StillReadError, CheckFailedError, MissingFileError, DamagedFileError: it stays half
                forgotten until that is put right.
        """
        with connect(self.url) as connection, forgetting_held(connection):
            unfinished = unfinished_forgettings(connection)
            for each in unfinished:
                if device := each.device:
                    self._go_on(connection, each, device)
            if unfinished:
                self._sweep(connection)
        return bool(unfinished)

    def _in_the_background(self) -> None:
        try:
            with connect(self.url) as connection:
                for each in unfinished_forgettings(connection):
                    self.say(str(each))
            self.finish()
        except FleetwattError as error:
            self.say(f"{error.title}: {error.detail}")

    def _go_on(self, connection: psycopg.Connection, forgetting: Forgetting, device: Device) -> None:
        # With the lake's engines these take a while to load, and are seldom needed.
        from dbt_like_sql.catalog import Catalog
        from warehouse.lake.storage.lake import Lake
        from warehouse.lifecycle.daily_pipeline import DailyPipeline
        from warehouse.lifecycle.forgetting import Forgetter

        stand_in = stand_in_of(forgetting.subject_hash)
        pipeline = DailyPipeline(self.url, Lake(self.settings.lake), Catalog.load())
        Forgetter(pipeline, self.say).go_on(connection, forgetting, device, stand_in)
        if forgetting.before_day is None:
            with connected(self.settings, self.jobs_url) as of_dagster:
                for table in blank_everywhere(of_dagster, device.external_id, stand_in) if of_dagster else ():
                    self.say(f"Dagster's {table}: {stand_in} stands for it")
            for path in blank_files(self.settings.home, device.external_id, stand_in):
                self.say(f"{path}: {f'{stand_in} stands for it' if path.exists() else 'removed'}")
        end_forgetting(connection, forgetting.forgetting_id)
        self.say(f"forgotten: a {device.kind}, {forgetting.subject_hash[:12]} in records from now on")

    def _sweep(self, connection: psycopg.Connection) -> None:
        """Have the disk forget it too."""
        rewrite_tables(connection)
        with connected(self.settings, self.jobs_url) as of_dagster:
            if of_dagster:
                rewrite_texts(of_dagster)
        if self.settings.names_a_database:
            self.say("its log of writes (WAL), archives and standbys are the business of whoever runs that PostgreSQL")
        else:
            with connect(EmbeddedPostgres(self.settings.home).upkeep_url()) as administrator:
                if not sweep_server(administrator):
                    self.say(
                        "PostgreSQL keeps its log of writes, as an archive is away; then: fleetwatt forget --resume"
                    )
                    return
        mark_swept(connection)
