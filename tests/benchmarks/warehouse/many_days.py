"""What 1, 2, 4 and 8 days cost, run one after another in one process: of a smaller fleet, whose days are many."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from statistics import median

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.own_process import Work, run_alone
from tests.benchmarks.warehouse.simulated_days import days_before, write_days
from tests.benchmarks.warehouse.stand import Place, WarehouseStand
from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.creation import make_partitions


def measure(stand: WarehouseStand) -> None:
    """Tell the cost of a day among so many, against that of a day that is run alone."""
    most, devices = stand.scale.most_days, stand.scale.small_devices
    days = days_before(stand.day, most)
    numbers = [number for number in (1, 2, 4, 8) if number <= most]
    costs: dict[int, list[float]] = {number: [] for number in numbers}
    with some_days(stand, devices, days) as url:
        for _ in range(stand.scale.rounds):
            for number in numbers:
                with stand.database(url) as copy:
                    place = stand.place(copy)
                    place.close(days)
                    ran = run_alone(run_days, place, days[:number])
                stand.report.say(f"  {number} days: {ran.seconds:.1f} s, {ran.peak_mb:.0f} MB")
                costs[number].append(ran.seconds / number)
    alone = median(costs[1])
    stand.report.add(
        *(
            Figure(f"cost_a_day_of_{number}_days_with_{devices}_devices", median(each), "s", alone)
            for number, each in costs.items()
            if number > 1
        )
    )


def run_days(place: Place, days: Sequence[date]) -> Work:
    """Run these days, oldest first. An empty step goes before: what is loaded once belongs to no day."""
    pipeline = place.pipeline()
    pipeline.checks.run("meter_readings", days[0])

    def work() -> None:
        for day in days:
            pipeline.run(day)

    return work


@contextmanager
def some_days(stand: WarehouseStand, devices: int, days: Sequence[date]) -> Iterator[str]:
    """A database with these days of a fleet of so many; none of them is closed yet. Dropped at the end."""
    with stand.database() as url:
        with connect(url) as connection:
            make_partitions(connection, days, timedelta(hours=2))
            connection.execute("UPDATE partition_ledger SET late_after = 'infinity', seal_after = 'infinity'")
        began = time.perf_counter()
        rows = write_days(url, devices, days)
        stand.report.say(f"  {rows:,} readings written in {time.perf_counter() - began:.0f} s")
        yield url
