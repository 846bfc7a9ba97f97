"""What a way to people is, and what becomes of an attempt."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from warehouse.alerts.message import Message


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt. ``problem`` is empty where it was taken, ``remark`` says what is to be known then.

    ``retry_after_s``: how long they ask to be left alone.
    """

    problem: str = ""
    remark: str = ""
    retry_after_s: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether they have it."""
        return not self.problem


class Channel(Protocol):
    """A way to people."""

    @property
    def name(self) -> str:
        """As the delivery log has it."""

    @property
    def setting(self) -> str:
        """The variable that is to be looked at where it fails."""

    def send(self, message: Message, now: datetime) -> Outcome:
        """Try once, within some seconds. Raises nothing for what goes wrong on the way or with them."""
