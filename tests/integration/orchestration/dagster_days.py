"""Days for Dagster's tests: a small fleet's readings in a real database, and its definitions on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import count
from pathlib import Path

import dagster as dg
import polars as pl
from dagster._core.definitions.sensor_definition import SensorExecutionData

from dbt_like_sql.catalog import Catalog
from orchestration.assets.partitions import range_tags
from orchestration.assets.resources import Warehouse
from orchestration.definitions import build_definitions
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.readings_import import import_file
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.payloads import bodies
from warehouse.simulation.sessions import sessions

TODAY = datetime.now(UTC).date()
FIRST, SECOND = TODAY - timedelta(days=4), TODAY - timedelta(days=3)
VEHICLES = 3
CATALOG = Catalog.load()
FIGURES = "daily_fleet_efficiency"
"""A day's report reads it: no catalog of Dagster's goes without."""


@cache
def busy_fleet() -> Fleet:
    """A healthy fleet whose vehicles all charge on both days: vehicles rest on some days, and the days are today's."""
    begin, end = (datetime.combine(day, datetime.min.time(), UTC) for day in (FIRST, SECOND + timedelta(days=1)))
    for seed in count():
        fleet = Fleet(VEHICLES, seed, fault_share=0.0)
        charged = sessions(fleet, begin, end).filter(
            pl.col.kind == "charge", pl.col.ac_kwh > 5, pl.col.started_at.dt.date() == pl.col.ended_at.dt.date()
        )
        if charged.select("vehicle_id", pl.col.ended_at.dt.date()).n_unique() == 2 * VEHICLES:
            return fleet
    raise AssertionError


@dataclass
class Days:
    """A database with readings of some days, a lake, and Dagster's definitions on both."""

    url: str
    home: Path
    catalog: Catalog = CATALOG
    pipeline_url: str | None = None
    """Of the same database, as the role that the pipeline works as where it owns nothing."""

    @property
    def settings(self) -> FleetSettings:
        """This database and this lake."""
        return FleetSettings(_env_file=None, database_url=self.pipeline_url or self.url, home=self.home)

    @property
    def warehouse(self) -> Warehouse:
        """As an asset gets it."""
        return Warehouse(self.settings)

    @cached_property
    def definitions(self) -> dg.Definitions:
        """As they are loaded, but on this database and this lake."""
        return build_definitions(self.catalog, TODAY - timedelta(days=30), self.settings)

    @cached_property
    def pipeline(self) -> DailyPipeline:
        """The same days without Dagster, into the same lake."""
        return DailyPipeline(self.pipeline_url or self.url, Lake(self.home / "lake"), self.catalog)

    def fill(self, *days: date) -> None:
        """Import the fleet's readings of these days, and map its vehicles."""
        file = self.home / "readings.ndjson"
        with file.open("wb") as target:
            for day in days:
                midnight = int(datetime.combine(day, datetime.min.time(), UTC).timestamp())
                for body in bodies(busy_fleet(), midnight, midnight + 86_400):
                    target.write(body.content)
        assert import_file(self.url, file, self.settings).failure is None
        with connect(self.url) as connection:
            connection.execute(
                "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) "
                "SELECT vehicle_id, meter_id, '2000-01-01Z' FROM vehicles JOIN meters "
                "ON right(vehicles.external_id, 5) = right(meters.external_id, 5)"
            )

    def add_late_reading(self, day: date, soc_percent: float = 50.0, minute: int = 0) -> None:
        """A vehicle's reading, stored late; one that the API would refuse too."""
        ts = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12, minutes=minute, seconds=7)
        with connect(self.url, autocommit=False) as connection:
            connection.execute(
                "INSERT INTO vehicle_readings (ts, kwh, vehicle_id, soc_percent) "
                "SELECT %s, max(kwh), vehicle_id, %s FROM vehicle_readings JOIN vehicles USING (vehicle_id) "
                "WHERE external_id = 'veh-00001' AND ts < %s GROUP BY vehicle_id",
                [ts, soc_percent, ts],
            )
            connection.execute(
                "INSERT INTO late_rows (stream, day, row_count) VALUES ('vehicle_readings', %s, 1)", [day]
            )
            connection.commit()

    def run(
        self,
        instance: dg.DagsterInstance,
        day: date,
        tags: Mapping[str, str] | None = None,
        only: Sequence[str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Run the day's job as the daemon would, here; ``only``: some of its assets, as a person may choose."""
        return self.definitions.resolve_job_def("run_day").execute_in_process(
            instance=instance,
            partition_key=day.isoformat(),
            tags=dict(tags or {}),
            asset_selection=[dg.AssetKey(name) for name in only] if only else None,
            raise_on_error=False,
        )

    def run_together(self, instance: dg.DagsterInstance, first: date, last: date) -> dg.ExecuteInProcessResult:
        """Run several days as one run, as the daemon would, here."""
        return self.definitions.resolve_job_def("run_day").execute_in_process(
            instance=instance,
            tags=range_tags(str(first), str(last)),
            raise_on_error=False,
        )

    def write_hours(self, instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Run the hours' job as the daemon would, here."""
        job = self.definitions.resolve_job_def("write_hours")
        return job.execute_in_process(instance=instance, tags=dict(request.tags), raise_on_error=False)

    def leave_a_run(
        self, instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: Mapping[str, str], job: str = "run_day"
    ) -> None:
        """A run as another process left it, without a word in its log."""
        instance.add_run(dg.DagsterRun(job, status=status, tags=tags))

    def tick(self, instance: dg.DagsterInstance, name: str = "closed_days") -> SensorExecutionData:
        """One look of a sensor."""
        repository = self.definitions.get_repository_def()
        resources = {"warehouse": self.warehouse}
        sensor = self.definitions.resolve_sensor_def(name)
        with dg.build_sensor_context(instance=instance, repository_def=repository, resources=resources) as context:
            return sensor.evaluate_tick(context)
