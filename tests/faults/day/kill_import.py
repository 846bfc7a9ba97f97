"""kill -9 of an import into an exported day, and into a dropped one that is restored for it."""

from tests.faults.day.killing import kill_in
from tests.faults.day.upkeep_phases import Importing, Restoring
from tests.faults.scenario import Stage


def run(stage: Stage) -> None:
    """The same import again goes on where it was, and the days it concerns are rebuilt."""
    kill_in(stage, [Importing, Restoring])
