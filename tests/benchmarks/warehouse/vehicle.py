"""One vehicle's thirty days out of the lake, through the views that ``fleetwatt query`` opens.

The thirty days are one and the same full-size file under thirty names: no vehicle is queried twice, and each question
has to find its rows in all of them.
"""

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

import duckdb

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from tests.lake_folder import has_file
from warehouse.contract.partitions import Stream
from warehouse.lake.snapshot import Snapshot, current_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import open_lake
from warehouse.postgres.connection import connect

DAILY = "daily_vehicle_efficiency"


def measure(stand: WarehouseStand) -> None:
    """Tell the median of some vehicles, and of as many openings."""
    place = stand.exported_day()
    if not has_file(Lake(place.lake), DAILY, place.day):
        place.pipeline().run(place.day)
    snapshot = _many_days_of(place, stand.scale.lake_days, stand)
    catalog = place.pipeline().catalog
    names = (Stream.VEHICLE_READINGS, DAILY)
    step = max(1, stand.scale.devices // stand.scale.vehicles_asked)
    vehicles = range(1, stand.scale.devices + 1, step)
    openings: list[float] = []
    for _ in range(stand.scale.rounds):
        began = time.perf_counter()
        open_lake(snapshot, catalog.in_order(), None).close()
        openings.append(time.perf_counter() - began)
    days = stand.scale.lake_days
    with open_lake(snapshot, [catalog.models[name] for name in names], None) as engine:
        rollups = [_ask(engine, DAILY, vehicle) for vehicle in vehicles]
        readings = [_ask(engine, Stream.VEHICLE_READINGS, vehicle) for vehicle in vehicles]
    stand.report.add(
        Figure(f"vehicle_{days}_days_of_rollups", median(rollups) * 1000, "ms"),
        Figure(f"vehicle_{days}_days_of_readings", median(readings) * 1000, "ms"),
        Figure(f"open_lake_of_{days}_days", median(openings) * 1000, "ms"),
    )


def _ask(engine: duckdb.DuckDBPyConnection, dataset: str, vehicle: int) -> float:
    began = time.perf_counter()
    found = engine.execute(f"FROM {dataset} WHERE vehicle_id = {vehicle} ORDER BY ALL").fetchnumpy()
    seconds = time.perf_counter() - began
    if not len(found["vehicle_id"]):
        raise RuntimeError(f"no rows of vehicle {vehicle} in {dataset}")
    return seconds


def _many_days_of(place: Place, days: int, stand: WarehouseStand) -> Snapshot:
    """A lake in which each of so many days is the one that there is."""
    target = Lake(stand.place(place.url).lake)
    with connect(place.url) as connection:
        source = current_snapshot(connection, Lake(place.lake), day=place.day)
    files = []
    for file in source.select(source.files, place.day):
        for number in range(days):
            of_day = replace(file, day=place.day - timedelta(days=number))
            path = Path(target.location(of_day))
            path.parent.mkdir(parents=True)
            os.link(source.lake.location(file), path)
            files.append(of_day)
    return Snapshot.of(target, files)
