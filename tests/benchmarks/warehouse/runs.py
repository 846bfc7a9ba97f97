"""What Dagster takes for a run: days of a tiny fleet, whose work is small, one by one and thirty at once.

Of thirty at once the sensor asks for a week a run. The same days are run in one process without Dagster, the work
alone, and built as one run that a person started.
"""

import time
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.many_days import run_days, some_days
from tests.benchmarks.warehouse.own_process import run_alone
from tests.benchmarks.warehouse.running_dagster import running_dagster
from tests.benchmarks.warehouse.simulated_days import days_before
from tests.benchmarks.warehouse.stand import WarehouseStand
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger

YEAR = 365


def measure(stand: WarehouseStand) -> None:
    """Tell the overhead of a run, of thirty of them, and what a look at a year with nothing to do costs."""
    many = stand.scale.lake_days
    days = days_before(stand.day, stand.scale.rounds + many)
    singly, at_once = days[: stand.scale.rounds], days[stand.scale.rounds :]
    with (
        some_days(stand, stand.scale.tiny_devices, days) as url,
        stand.database(url) as copy,
        stand.database(url) as for_one_run,
    ):
        with running_dagster(stand, stand.place(for_one_run)) as dagster:
            as_one_run = dagster.build(at_once, as_one_run=True)
        place = stand.place(url)
        with running_dagster(stand, place) as dagster:
            for day in singly:
                dagster.build([day])
            by_weeks = dagster.build(at_once)
            runs = dagster.runs()
        alone = stand.place(copy)
        alone.close(days)
        work = run_alone(run_days, alone, singly).seconds / len(singly)
        in_one_process = run_alone(run_days, alone, at_once).seconds
        look = _look_at_a_year(copy, days[-1])
    lengths = [run.ended_at - run.asked_at for run in runs if run.day in singly]
    for run in runs:
        begun, ended = run.began_at - run.asked_at, run.ended_at - run.asked_at
        stand.report.say(f"  {run.day}: begun {begun:.1f} s after it was requested, ended after {ended:.1f} s")
    stand.report.add(
        Figure("dagster_run_overhead", median(lengths) - work, "s"),
        Figure("dagster_run_of_a_tiny_day", median(lengths), "s", work),
        Figure(f"backfill_{many}_tiny_days_by_weeks_vs_one_process", by_weeks, "s", in_one_process),
        Figure(f"backfill_{many}_tiny_days_as_one_run_vs_one_process", as_one_run, "s", in_one_process),
        Figure("look_at_a_year_with_nothing_to_do", look * 1000, "ms"),
    )


def _look_at_a_year(url: str, last_day: date) -> float:
    """What the sensor asks every five seconds, of a ledger whose days are all built."""
    _fill_ledger(url, [last_day - timedelta(days=number) for number in range(YEAR)])
    with connect(url) as connection:
        began = time.perf_counter()
        if found := day_ledger.days_to_run(connection):
            raise RuntimeError(f"{len(found)} days are to be run")
        return time.perf_counter() - began


def _fill_ledger(url: str, days: Sequence[date]) -> None:
    with connect(url) as connection:
        connection.execute(
            """
            INSERT INTO partition_ledger (stream, day, state, late_after, seal_after, version, late_row_count)
            SELECT stream, day, 'exported', day, day, 1, 0
            FROM unnest(%s::date[]) AS day, unnest(ARRAY['meter_readings', 'vehicle_readings']) AS stream
            ON CONFLICT DO NOTHING
            """,
            [list(days)],
        )
        connection.execute(
            """
            INSERT INTO day_builds (day, requested, building, built)
            SELECT day, 2, 2, 2 FROM unnest(%s::date[]) AS day
            ON CONFLICT DO NOTHING
            """,
            [list(days)],
        )
