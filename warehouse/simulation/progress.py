"""What has become of the readings so far, and who is told."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Totals:
    """The counts of one run. ``sent`` are the readings that have an answer: the four below it add up to it."""

    sent: int = 0
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    retries: int = 0
    skipped_s: int = 0
    """Time whose readings had become too old to be sent."""

    @property
    def refused(self) -> int:
        """Readings that are neither stored now nor were before."""
        return self.conflicts + self.rejected


class Watcher(Protocol):
    """Whoever shows what the simulator does."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def alarm(self, text: str) -> None:
        """Something that should not be."""

    def filling(self, done_ratio: float, totals: Totals) -> None:
        """The fill has come this far."""

    def live(self, lag_s: float, totals: Totals) -> None:
        """About once a second; ``lag_s`` is the age of the oldest due reading without an answer."""
