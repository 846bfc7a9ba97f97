"""The life of a day in small: a kill -9 in two of its phases. ``make faults`` does it in all, ten times each."""

import pytest

from tests.faults import forget
from tests.faults.day.killing import kill_in
from tests.faults.day.run_phases import Publishing
from tests.faults.day.upkeep_phases import AfterDetach
from tests.faults.scenario import Stage


@pytest.mark.long
def test_whoever_is_killed_the_next_run_finishes(stage: Stage) -> None:
    kill_in(stage, [Publishing, AfterDetach])
    assert stage.findings.failed == []


@pytest.mark.long
def test_who_is_forgotten_is_nowhere(stage: Stage) -> None:
    forget.run(stage)
    assert stage.findings.failed == []
