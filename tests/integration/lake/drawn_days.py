"""Days of one pair whose charges are drawn by hand, stored as its devices would have sent them, and run."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from tests.lake_folder import newest_file
from tests.unit.sessions.drawn import Drawn
from warehouse.contract.tables import DeviceKind
from warehouse.lifecycle.carried_days import CarriedDay
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.readings_import import import_file
from warehouse.postgres.ledger import day_ledger
from warehouse.settings import FleetSettings


def add_pair(connection: psycopg.Connection) -> None:
    """A meter, a vehicle and their mapping: devices that report every ten minutes, to the Wh."""
    connection.execute(
        "INSERT INTO meters (external_id, resolution_kwh, expected_interval_s) VALUES ('meter', 0.001, 600)"
    )
    connection.execute(
        "INSERT INTO vehicles (external_id, resolution_kwh, expected_interval_s) VALUES ('vehicle', 0.001, 600)"
    )
    connection.execute(
        "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) "
        "SELECT vehicle_id, meter_id, '1970-01-01Z' FROM vehicles CROSS JOIN meters"
    )


def stored(url: str, drawn: Drawn, folder: Path) -> None:
    """Import all readings of a fleet; those that are there already change nothing."""
    fields = {DeviceKind.METER: ("meterId", "kwhConsumedAc"), DeviceKind.VEHICLE: ("vehicleId", "kwhDeliveredDc")}
    lines = []
    for kind, (device, kwh) in fields.items():
        measured = {"voltage": 230.0} if kind is DeviceKind.METER else {"soc": 50.0, "batteryTemp": 20.0}
        for row in drawn.readings(kind).iter_rows(named=True):
            ts = row["ts"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            lines.append(json.dumps({device: str(kind), kwh: round(row["kwh"], 6), "timestamp": ts, **measured}))
    file = folder / "readings.ndjson"
    file.write_text("\n".join(lines))
    import_file(url, file, FleetSettings(_env_file=None))
    file.unlink()


def made(pipeline: DailyPipeline, day: date, name: str = "charging_sessions") -> pl.DataFrame:
    """What the lake has."""
    return pl.read_parquet(newest_file(pipeline.lake, name, day))


def made_all(
    pipeline: DailyPipeline, names: Sequence[str], days: Sequence[date]
) -> dict[tuple[str, date], pl.DataFrame]:
    """These datasets of these days."""
    return {(name, day): made(pipeline, day, name) for name in names for day in days}


def forget(connection: psycopg.Connection, datasets: Sequence[str], since: date) -> None:
    """As if these datasets had never been made of a day and those after it; their files stay."""
    for table in ("lake_release_files", "lake_files", "lake_file_versions"):
        connection.execute(
            f"DELETE FROM {table} WHERE dataset = any(%s) AND day >= %s".encode(), [list(datasets), since]
        )


def publish_beside(monkeypatch: pytest.MonkeyPatch, publish: Callable[[], object], *, is_first: bool) -> None:
    """Another worker publishes just before or just after it is looked up, once, what a day carries on from."""
    looked_up = CarriedDay.of

    def beside(transaction: psycopg.Connection, *of_the_day: Any) -> CarriedDay:
        before = None if is_first else looked_up(transaction, *of_the_day)
        monkeypatch.undo()
        publish()
        return before or looked_up(transaction, *of_the_day)

    monkeypatch.setattr(CarriedDay, "of", beside)


def run_what_is_queued(pipeline: DailyPipeline, connection: psycopg.Connection) -> list[date]:
    """Run the oldest queued day until there is none; returns which were run."""
    ran = []
    while days := day_ledger.days_to_run(connection):
        ran.append(days[0].day)
        pipeline.run(days[0].day)
    return ran
