"""The drill in small: the first release's home and the newest but one, killed on the way, answer as if never older."""

import pytest

from tests.faults import upgrade
from tests.faults.scenario import Stage


@pytest.mark.long
def test_homes_of_earlier_schemas_are_upgraded_and_answer_the_same(stage: Stage) -> None:
    upgrade.run(stage)
    assert stage.findings.failed == []
