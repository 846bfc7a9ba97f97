"""All models and checks of a full-size day whose exports stand, in one process."""

from statistics import median

from tests.benchmarks.figures import Bar, Figure
from tests.benchmarks.warehouse.own_process import Work, run_alone
from tests.benchmarks.warehouse.stand import Place, WarehouseStand

WITHIN_S = Bar("value", 30, 15, lower_is_better=True)
MEMORY = Bar("value", 1500, 1000, lower_is_better=True)


def measure(stand: WarehouseStand) -> None:
    """Tell what is left of a day after its exports."""
    place = stand.exported_day()
    rounds = [run_alone(walk_day, place) for _ in range(stand.scale.rounds)]
    for ran in rounds:
        stand.report.say(f"  {ran.seconds:.1f} s, {ran.peak_mb:.0f} MB")
    stand.report.add(
        Figure("models_and_checks", median(ran.seconds for ran in rounds), "s", bar=WITHIN_S),
        Figure("models_and_checks_peak_memory", max(ran.peak_mb for ran in rounds), "MB", bar=MEMORY),
    )


def walk_day(place: Place) -> Work:
    """Walk the whole day; what stands already is only looked at."""
    walk = place.walk()
    return lambda: walk.run(place.day)
