"""A phase of a day's life for whoever kills in it: how a worker gets there, how that is seen, whether it was hit."""

from contextlib import AbstractContextManager, nullcontext
from random import Random

from tests.faults.day.history import DAY, History, State
from tests.faults.day.outcome import Outcome
from tests.faults.day.reader import Valid
from tests.faults.day.site import Site
from tests.faults.day.watch import Watch


class Phase:
    """One kill, never used twice. Between the phase's begin and the kill lies a random part of ``lasts_s``."""

    name = ""
    begins_as = State.CLOSED
    lasts_s = 0.0
    poll_s = 0.003
    """Between two looks whether it has begun."""

    def __init__(self, history: History, drawn: Random) -> None:
        """What is chosen for this one kill is drawn here."""
        self.history = history
        self.pause_s = drawn.random() * self.lasts_s

    @property
    def command(self) -> tuple[str, ...]:
        """The words of the command that gets into the phase."""
        return ("run-day", str(DAY))

    def in_the_way(self, site: Site) -> AbstractContextManager[None]:  # noqa: ARG002 - for those who need it
        """What makes the worker wait in the phase, until it is killed."""
        return nullcontext()

    def has_begun(self, watch: Watch) -> bool:
        """Whether the worker is there; asked again and again."""
        raise NotImplementedError

    def where(self, watch: Watch) -> str:
        """Where the kill has hit, in words; empty where that was outside of the phase."""
        raise NotImplementedError

    def finish(self, site: Site) -> None:
        """The next run."""
        site.run_days()

    @property
    def undisturbed(self) -> Outcome:
        """What it must come to."""
        return self.history.ran

    @property
    def valid(self) -> Valid:
        """What a reader may see meanwhile."""
        return Valid.of(self.history.ran, none_yet=True)
