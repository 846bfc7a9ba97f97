"""All models and checks of a full-size day whose exports stand, in one process."""

from statistics import median

from tests.benchmarks.figures import Figure
from tests.benchmarks.warehouse.own_process import Work, run_alone
from tests.benchmarks.warehouse.stand import Place, WarehouseStand


def measure(stand: WarehouseStand) -> None:
    """Tell what is left of a day after its exports."""
    place = stand.exported_day()
    rounds = [run_alone(run_day, place) for _ in range(stand.scale.rounds)]
    for ran in rounds:
        stand.report.say(f"  {ran.seconds:.1f} s, {ran.peak_mb:.0f} MB")
    stand.report.add(
        Figure("models_and_checks", median(ran.seconds for ran in rounds), "s"),
        Figure("models_and_checks_peak_memory", max(ran.peak_mb for ran in rounds), "MB"),
    )


def run_day(place: Place) -> Work:
    """Run the whole day; what is there already is only checked."""
    pipeline = place.pipeline()
    return lambda: pipeline.run(place.day)
