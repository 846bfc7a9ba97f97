"""The daily rollup as SQL inside PostgreSQL, what a user would write without a lake, against ours from the exports.

Neither statement keeps to the energy rule: the one takes the last register minus the first, the other sums the steps
forward and takes a register that fell for one that restarted at zero. Steps over midnight, glitches, mappings that
change, coverage: none of it.
"""

import time
from collections.abc import Callable

from psycopg.sql import SQL, Composed, Identifier

from tests.benchmarks.figures import Figure, interleaved
from tests.benchmarks.warehouse.own_process import Work, run_alone
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from warehouse.contract.partitions import Stream, partition_name
from warehouse.lake.export import DECISIONS, TABLES
from warehouse.postgres.connection import connect

DAILY = "daily_vehicle_efficiency"

_LARGEST_MINUS_SMALLEST = """
    WITH ac AS (SELECT meter_id, max(kwh) - min(kwh) AS kwh FROM {meters} GROUP BY meter_id),
    dc AS (SELECT vehicle_id, max(kwh) - min(kwh) AS kwh FROM {vehicles} GROUP BY vehicle_id)
    SELECT vehicle_id, ac.kwh, dc.kwh, dc.kwh / nullif(ac.kwh, 0)
    FROM vehicle_meter_map JOIN ac USING (meter_id) JOIN dc USING (vehicle_id)
"""
_STEP_BY_STEP = """
    WITH ac_steps AS (
        SELECT meter_id, kwh, lag(kwh) OVER (PARTITION BY meter_id ORDER BY ts) AS before_kwh FROM {meters}
    ),
    dc_steps AS (
        SELECT vehicle_id, kwh, lag(kwh) OVER (PARTITION BY vehicle_id ORDER BY ts) AS before_kwh FROM {vehicles}
    ),
    ac AS (
        SELECT meter_id, sum(CASE WHEN kwh < before_kwh THEN kwh ELSE kwh - before_kwh END) AS kwh
        FROM ac_steps GROUP BY meter_id
    ),
    dc AS (
        SELECT vehicle_id, sum(CASE WHEN kwh < before_kwh THEN kwh ELSE kwh - before_kwh END) AS kwh
        FROM dc_steps GROUP BY vehicle_id
    )
    SELECT vehicle_id, ac.kwh, dc.kwh, dc.kwh / nullif(ac.kwh, 0)
    FROM vehicle_meter_map JOIN ac USING (meter_id) JOIN dc USING (vehicle_id)
"""


def measure(stand: WarehouseStand) -> None:
    """Tell both ratios."""
    place = stand.exported_day()
    pipeline = place.pipeline()
    for table in (*TABLES, *DECISIONS):
        pipeline.export_table(table, place.day)

    def ours() -> float:
        return run_alone(roll_up, place).seconds

    shortest, steps, rolled_up = interleaved(
        stand.scale.rounds,
        _asking(stand, place, _LARGEST_MINUS_SMALLEST),
        _asking(stand, place, _STEP_BY_STEP),
        ours,
    )
    stand.report.add(
        Figure("rollup_in_postgres_max_minus_min_vs_ours", shortest, "s", rolled_up),
        Figure("rollup_in_postgres_step_by_step_vs_ours", steps, "s", rolled_up),
    )


def roll_up(place: Place) -> Work:
    """From the exports to the daily rollup, under the whole rule, each file verified; without checks and marts."""
    pipeline = place.pipeline()

    def work() -> None:
        pipeline.corrected_readings(place.day)
        pipeline.device_last(place.day)
        pipeline.boundary_samples(place.day)
        pipeline.energy(place.day)
        for model in pipeline.catalog.in_order():
            if model.kind == "sql":
                pipeline.model(model.name, place.day)
            if model.name == DAILY:
                return

    return work


def _asking(stand: WarehouseStand, place: Place, query: str) -> Callable[[], float]:
    names = {
        "meters": Identifier(partition_name(Stream.METER_READINGS, place.day)),
        "vehicles": Identifier(partition_name(Stream.VEHICLE_READINGS, place.day)),
    }
    statement: Composed = SQL(query).format(**names)

    def ask() -> float:
        with connect(place.url) as connection:
            began = time.perf_counter()
            found = connection.execute(statement).fetchall()
            seconds = time.perf_counter() - began
        stand.report.say(f"  PostgreSQL: {len(found):,} vehicles in {seconds:.1f} s")
        return seconds

    return ask
