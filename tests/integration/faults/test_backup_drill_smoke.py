"""The drill in small: a backup under load, everything else lost, restored to two instants chosen at random."""

import pytest

from tests.faults.backup import drills
from tests.faults.scenario import Stage


@pytest.mark.long
def test_what_was_acknowledged_before_an_instant_is_there_and_nothing_that_was_sent_after(stage: Stage) -> None:
    drills.pitr(stage)
    assert stage.findings.failed == []
