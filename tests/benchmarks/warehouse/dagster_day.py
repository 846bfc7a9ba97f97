"""The whole day through Dagster as the daemon runs it: sealed, exported, verified, built, checked, reported.

The day is written and its grace is still to pass. Then, in one statement, ``seal_after`` becomes now: from that moment
on nobody does anything but the product. Its sensor finds the day, asks for a run, and the clock stops with the ledger's
word that the day is built.
"""

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.running_dagster import running_dagster
from tests.benchmarks.warehouse.stand import WarehouseStand


def measure(stand: WarehouseStand) -> None:
    """Tell how long a day takes, and what memory Dagster's processes and the run have meanwhile, all together."""
    with stand.day_as_written() as place, running_dagster(stand, place) as dagster:
        seconds = dagster.build([place.day])
        (run,) = dagster.runs()
        for step, took in dagster.step_seconds():
            stand.report.say(f"  {took:5.1f} s  {step}")
        stand.report.add(
            Figure("day_through_dagster", seconds, "s"),
            Figure("day_through_dagster_run", run.ended_at - run.asked_at, "s"),
            Figure("day_through_dagster_peak_memory", dagster.memory.peak_mb, "MB"),
        )
