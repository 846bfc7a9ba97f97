"""kill -9 of the run of a day: while it seals, exports, publishes, applies the energy rule, builds models."""

from tests.faults.day.killing import kill_in
from tests.faults.day.run_phases import RUN_PHASES
from tests.faults.scenario import Stage


def run(stage: Stage) -> None:
    """The next run of the day finishes it."""
    kill_in(stage, RUN_PHASES)
