"""The life of a day in small: one kill -9 in each phase, and two workers at once. ``make faults`` does it ten times."""

from tests.faults.day import two_workers
from tests.faults.day.killing import kill_in
from tests.faults.day.run_phases import RUN_PHASES
from tests.faults.day.upkeep_phases import UPKEEP_PHASES
from tests.faults.scenario import Stage


def test_whoever_is_killed_in_whatever_phase_the_next_run_finishes(stage: Stage) -> None:
    kill_in(stage, [*RUN_PHASES, *UPKEEP_PHASES])
    assert stage.findings.failed == []


def test_two_workers_at_once_come_to_what_one_does(stage: Stage) -> None:
    two_workers.run(stage)
    assert stage.findings.failed == []
