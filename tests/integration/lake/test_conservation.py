"""No energy is lost or made up: hours, days and vehicles add up to what the registers gained, late rows or not."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.conftest import fresh_database
from tests.factories import iso, meter_payload, vehicle_payload
from tests.integration.lake.copied_days import copy_of
from tests.integration.lake.stored import post
from tests.lake_folder import newest_file
from warehouse.contract.energy import DeviceSettings, Sample, increase_kwh
from warehouse.contract.partitions import midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger

FIRST = datetime.now(UTC).date() - timedelta(days=5)
DAYS = (FIRST, FIRST + timedelta(days=1))
NOON = midnight(FIRST) + timedelta(hours=12)
Device = tuple[str, int]


class Fleet:
    """Two pairs that change places at noon. The first meter restarts, the first vehicle is silent over midnight."""

    def __init__(self, connection: psycopg.Connection, pipeline: DailyPipeline) -> None:
        self.connection = connection
        self.pipeline = pipeline
        self.sent: defaultdict[Device, list[Sample]] = defaultdict(list)

    def send(self, kind: str, number: int, hours: list[float]) -> None:
        """Readings at these hours since the first midnight; registers grow by 6 kW AC, 5.4 kW DC."""
        readings = []
        for hour in hours:
            restarted = (kind, number) == ("meter", 1) and hour >= 15
            first_kwh, since = (0.0, 15.0) if restarted else (100.0 * number, 0.0)
            kwh = round(first_kwh + (6.0 if kind == "meter" else 5.4) * (hour - since), 6)
            ts = midnight(FIRST) + timedelta(hours=hour)
            self.sent[kind, number].append(Sample(ts, kwh))
            if kind == "meter":
                readings.append(meter_payload(meterId=f"m{number}", kwhConsumedAc=kwh, timestamp=iso(ts)))
            else:
                readings.append(vehicle_payload(vehicleId=f"v{number}", kwhDeliveredDc=kwh, timestamp=iso(ts)))
        post(self.connection, readings)

    def show(self, meter: int, shown: dict[float, float]) -> None:
        """What a meter's register shows at these hours, instead of what it counts."""
        instants = {midnight(FIRST) + timedelta(hours=hour): kwh for hour, kwh in shown.items()}
        self.sent["meter", meter] += [Sample(ts, kwh) for ts, kwh in instants.items()]
        payloads = [
            meter_payload(meterId=f"m{meter}", kwhConsumedAc=kwh, timestamp=iso(ts)) for ts, kwh in instants.items()
        ]
        post(self.connection, payloads)

    def run_days(self) -> None:
        """What the sensor does. A check that fails stops it."""
        while days := day_ledger.days_to_run(self.connection):
            self.pipeline.run(days[0].day)

    def column(self, dataset: str, column: str) -> pl.Series:
        """A column over both days."""
        return pl.concat(
            pl.read_parquet(newest_file(self.pipeline.lake, dataset, day), columns=[column]) for day in DAYS
        )[column]


@pytest.fixture(scope="module")
def made(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Both days, run once; each test goes on with a copy."""
    with fresh_database(server_url, template) as url, connect(url) as connection:
        connection.execute("INSERT INTO meters (external_id) VALUES ('m1'), ('m2')")
        connection.execute("INSERT INTO vehicles (external_id) VALUES ('v1'), ('v2')")
        connection.execute(
            "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from, valid_to) VALUES "
            "(1, 1, '1970-01-01Z', %(noon)s), (1, 2, %(noon)s, NULL), "
            "(2, 2, '1970-01-01Z', %(noon)s), (2, 1, %(noon)s, NULL)",
            {"noon": NOON},
        )
        fleet = Fleet(connection, DailyPipeline(url, Lake(tmp_path_factory.mktemp("made") / "lake"), Catalog.load()))
        both_days = [quarter / 4 for quarter in range(4 * 2, 4 * 46)]
        for kind in ("meter", "vehicle"):
            for number in (1, 2):
                is_silent = (kind, number) == ("vehicle", 1)
                fleet.send(kind, number, [hour for hour in both_days if not (is_silent and 20 < hour < 33)])
        fleet.run_days()
        connection.close()  # a database that somebody is connected to cannot be copied
        yield fleet


@pytest.fixture
def fleet(made: Fleet, server_url: str, tmp_path: Path) -> Iterator[Fleet]:
    with copy_of(made.pipeline, server_url, tmp_path) as pipeline, connect(pipeline.url) as connection:
        fleet = Fleet(connection, pipeline)
        fleet.sent.update({device: list(samples) for device, samples in made.sent.items()})
        yield fleet


def require_conserved(fleet: Fleet) -> None:
    hourly = pl.concat(pl.read_parquet(newest_file(fleet.pipeline.lake, "hourly_energy", day)) for day in DAYS)
    booked = {
        (kind, number): kwh
        for kind, number, kwh in hourly.group_by("kind", "device_id").agg(pl.col("energy_kwh").sum()).rows()
    }
    gained = {device: increase_kwh(samples, DeviceSettings()) for device, samples in fleet.sent.items()}
    assert booked == pytest.approx(gained, abs=1e-6)
    of_kind = {kind: sum(kwh for (each, _), kwh in gained.items() if each == kind) for kind in ("meter", "vehicle")}
    for dataset in ("hourly_vehicle_efficiency", "daily_vehicle_efficiency"):
        for column, kind in (("ac_kwh", "meter"), ("dc_kwh", "vehicle")):
            assert fleet.column(dataset, column).sum() == pytest.approx(of_kind[kind], abs=1e-6)


def test_hours_days_and_vehicles_add_up_to_what_the_registers_gained(fleet: Fleet) -> None:
    require_conserved(fleet)
    assert fleet.column("hourly_energy", "reset_count").sum() == 1
    assert fleet.column("hourly_energy", "gap_count").sum() == 1


@pytest.mark.long
def test_they_do_when_late_rows_have_restated_both_days(fleet: Fleet) -> None:
    before = [newest_file(fleet.pipeline.lake, "hourly_energy", day).read_bytes() for day in DAYS]
    fleet.send("vehicle", 1, [22.5, 23.9, 24.1])
    fleet.send("meter", 1, [12.05, 14.99, 15.01, 23.99])
    fleet.run_days()
    assert all(
        old != newest_file(fleet.pipeline.lake, "hourly_energy", day).read_bytes()
        for old, day in zip(before, DAYS, strict=True)
    )
    require_conserved(fleet)


@pytest.mark.long
def test_they_do_with_runs_of_corrupt_rows_and_a_used_meter(fleet: Fleet) -> None:
    fleet.show(2, {5.1: 0.0, 5.2: 0.0, 11.9: 9000.0, 11.95: 9000.0, 11.97: 9000.0, 23.9: 0.0, 23.95: 0.0})
    fleet.show(1, {45.8: 160.0, 45.9: 160.6})
    fleet.run_days()
    require_conserved(fleet)
    assert fleet.column("hourly_energy", "glitch_count").sum() >= 5
    assert fleet.column("hourly_energy", "rebase_count").sum() == 1
