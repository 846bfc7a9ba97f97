"""``fleetwatt up`` from nothing: no home, no database; until the API's page and Dagster's are both there."""

import time
from statistics import median

from tests.benchmarks.figures import Figure
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.warehouse.product import fleetwatt, wait_for_page
from tests.benchmarks.warehouse.stand import WarehouseStand
from tests.ports import free_port


def measure(stand: WarehouseStand) -> None:
    """Tell how long it takes, and what all of its processes but PostgreSQL have in memory then."""
    seconds, memory_mb = [], []
    for number in range(stand.scale.rounds):
        home = stand.home / f"up-{number}"
        log = stand.home / f"up-{number}.log"
        port, dagster_port = free_port(), free_port()
        arguments = ["up", "--no-demo", "--home", str(home), "--port", str(port), "--dagster-port", str(dagster_port)]
        began = time.perf_counter()
        with fleetwatt(*arguments, log=log, environment={}) as process, PeakMemory(process.pid) as memory:
            wait_for_page(process, port, "/docs", log)
            wait_for_page(process, dagster_port, "/", log)
            seconds.append(time.perf_counter() - began)
        memory_mb.append(memory.peak_mb)
        stand.report.say(f"  both pages after {seconds[-1]:.1f} s")
    stand.report.add(
        Figure("up_to_both_pages", median(seconds), "s"),
        Figure("up_peak_memory", max(memory_mb), "MB"),
    )
