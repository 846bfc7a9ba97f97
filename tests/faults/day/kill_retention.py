"""kill -9 while old days leave PostgreSQL."""

from tests.faults.day.killing import kill_in
from tests.faults.day.upkeep_phases import AfterDetach, BeforeDetach
from tests.faults.scenario import Stage


def run(stage: Stage) -> None:
    """The next retention drops them; until then the ledger or a detached table tells how far it had come."""
    kill_in(stage, [BeforeDetach, AfterDetach])
