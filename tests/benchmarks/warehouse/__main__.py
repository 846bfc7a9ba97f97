"""``make bench-warehouse``: the life of a day at full size, against baselines of the same run."""

from tests.benchmarks import command
from tests.benchmarks.warehouse import (
    dagster_day,
    energy,
    export,
    many_days,
    rollup_in_postgres,
    runs,
    sessions,
    starting,
    tenfold,
    under_load,
    vehicle,
    versions,
    whole_day,
)
from tests.benchmarks.warehouse.scale import QUICK, WarehouseScale
from tests.benchmarks.warehouse.stand import WarehouseStand

MEASUREMENTS = {
    "export": export.measure,
    "energy": energy.measure,
    "sessions": sessions.measure,
    "models": whole_day.measure,
    "versions": versions.measure,
    "postgres": rollup_in_postgres.measure,
    "vehicle": vehicle.measure,
    "dagster": dagster_day.measure,
    "load": under_load.measure,
    "days": many_days.measure,
    "runs": runs.measure,
    "tenfold": tenfold.measure,
    "up": starting.measure,
}

if __name__ == "__main__":
    command.run("make bench-warehouse", __doc__, MEASUREMENTS, (WarehouseScale(), QUICK), WarehouseStand)
