"""One vehicle's thirty days out of the lake, through the views that ``fleetwatt query`` opens.

The thirty days are one and the same full-size file under thirty names: no vehicle is queried twice, and each question
has to find its rows in all of them.
"""

import os
import time
from datetime import timedelta
from statistics import median

import duckdb

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from warehouse.contract.partitions import Stream
from warehouse.lake.paths import Lake
from warehouse.lake.views import open_lake

DAILY = "daily_vehicle_efficiency"


def measure(stand: WarehouseStand) -> None:
    """Tell the median of some vehicles, and of as many openings."""
    place = stand.exported_day()
    if not Lake(place.lake).file(DAILY, place.day).exists():
        place.pipeline().run(place.day)
    long = _many_days_of(place, stand.scale.lake_days, stand)
    catalog = long.pipeline().catalog
    names = (Stream.VEHICLE_READINGS, DAILY)
    step = max(1, stand.scale.devices // stand.scale.vehicles_asked)
    vehicles = range(1, stand.scale.devices + 1, step)
    openings: list[float] = []
    for _ in range(stand.scale.rounds):
        began = time.perf_counter()
        open_lake(long.lake, catalog.in_order(), None).close()
        openings.append(time.perf_counter() - began)
    days = stand.scale.lake_days
    with open_lake(long.lake, [catalog.models[name] for name in names], None) as engine:
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


def _many_days_of(place: Place, days: int, stand: WarehouseStand) -> Place:
    long = stand.place(place.url)
    source, target = Lake(place.lake), Lake(long.lake)
    for folder in place.lake.iterdir():
        if not source.file(folder.name, place.day).exists():
            continue
        for number in range(days):
            file = target.file(folder.name, place.day - timedelta(days=number))
            file.parent.mkdir(parents=True)
            os.link(source.file(folder.name, place.day), file)
    return long
