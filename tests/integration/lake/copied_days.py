"""Days that were run once, for tests that each change a copy of them: to run a day costs more than a second."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from dbt_like_sql.catalog import Catalog
from tests.conftest import fresh_database
from tests.factories import meter_payload, ramp, vehicle_payload
from tests.integration.lake.stored import post
from warehouse.contract.partitions import midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect


def charge(connection: psycopg.Connection, day: date, first_ac: float, first_dc: float, minutes: int = 60) -> None:
    """One pair charges for an hour at 6 kW AC and 5.4 kW DC."""
    start = midnight(day) + timedelta(hours=10)
    post(connection, ramp(meter_payload, "kwhConsumedAc", start, minutes, first_ac, 0.1))
    post(connection, ramp(vehicle_payload, "kwhDeliveredDc", start, minutes, first_dc, 0.09))


@contextmanager
def charged_day(
    server_url: str, template: str, folder: Path, day: date, catalog: Catalog | None = None
) -> Iterator[DailyPipeline]:
    """A day of one pair that charges for an hour, built and released; its database is gone at the end."""
    with fresh_database(server_url, template) as url:
        pipeline = DailyPipeline(url, Lake(folder / "lake"), catalog or Catalog.load())
        with connect(url) as connection:
            connection.execute("INSERT INTO meters (external_id) VALUES ('meter-1')")
            connection.execute("INSERT INTO vehicles (external_id) VALUES ('veh-1')")
            connection.execute(
                "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) VALUES (1, 1, '1970-01-01Z')"
            )
            charge(connection, day, 100.0, 200.0)
        pipeline.run(day)
        yield pipeline


@contextmanager
def copy_of(made: DailyPipeline, server_url: str, folder: Path) -> Iterator[DailyPipeline]:
    """A copy of its database and of its lake, gone at the end. Nobody may be connected to the original."""
    lake = Lake(shutil.copytree(made.lake.root, folder / "lake"))
    with fresh_database(server_url, str(conninfo_to_dict(made.url)["dbname"])) as url:
        yield DailyPipeline(url, lake, made.catalog)
