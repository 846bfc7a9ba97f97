"""What a device feels of a full-size day that is sealed, exported and rolled up on the machine that it reports to.

The load is the specification's: a reading a minute of every device. The daily pipeline is a process beside the API.
"""

import os
import time
from datetime import timedelta

from orchestration.definitions import RUNS_NICENESS
from tests.benchmarks.bulk import introduce
from tests.benchmarks.figures import Figure
from tests.benchmarks.fleet import Fleet
from tests.benchmarks.warehouse.own_process import Work, run_alone
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from tests.benchmarks.warehouse.steady_load import steady_load
from tests.benchmarks.warehouse.whole_day import run_day
from warehouse.contract.partitions import midnight

WARM_UP_S = 2.0
INTRODUCED = timedelta(minutes=1)
"""After midnight: the seconds before it are those of the readings by which the API gets to know the devices."""


def run_day_as_dagster_does(place: Place) -> Work:
    """Run the day with the priority that the product gives to its runs."""
    os.setpriority(os.PRIO_PROCESS, 0, RUNS_NICENESS)
    return run_day(place)


def measure(stand: WarehouseStand) -> None:
    """Tell the 99th percentile while the day runs, against the time before and after it."""
    scale, today = stand.scale, midnight(stand.day + timedelta(days=1))
    with stand.day_as_written() as place, stand.product(place.url) as api:
        introduce(api, Fleet(scale.devices, today), stand)
        with steady_load(api.port, scale.devices, today + INTRODUCED, scale.load_per_second) as answered:
            time.sleep(min(WARM_UP_S, scale.load_s))
            began = time.monotonic()
            time.sleep(scale.load_s)
            place.close_day()
            disturbed_from = time.monotonic()
            ran = run_alone(run_day_as_dagster_does, place)
            disturbed_to = time.monotonic()
            time.sleep(scale.load_s)
            ended = time.monotonic()
    spans = {
        "before": (began, disturbed_from),
        "meanwhile": (disturbed_from, disturbed_to),
        "after": (disturbed_to, ended),
    }
    p99s = {name: answered.p99_ms(*span) for name, span in spans.items()}
    for name, span in spans.items():
        stand.report.say(f"  {name}: p99 {p99s[name]:.1f} ms, at worst {answered.worst_ms(*span):.0f} ms")
    rest = (p99s["before"] + p99s["after"]) / 2
    stand.report.add(
        Figure("ingest_p99_while_a_day_is_run", p99s["meanwhile"], "ms", rest),
        Figure("ingest_worst_while_a_day_is_run", answered.worst_ms(*spans["meanwhile"]), "ms"),
        Figure("day_under_load", ran.seconds, "s"),
    )
