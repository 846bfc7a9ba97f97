"""A correction as somebody asks for it, and what it has to say."""

from dataclasses import dataclass
from datetime import datetime

from warehouse.contract.corrections import AHEAD, INSTANT, LONGEST, LONGEST_WHO, LONGEST_WHY, Action
from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.readings import KWH, SMALLEST_KWH
from warehouse.contract.tables import DeviceKind
from warehouse.visible import can_be_seen, is_storable


@dataclass(frozen=True)
class WantedCorrection:
    """``ends_at`` is excluded; ``None``: the one reading of ``starts_at``. ``kwh``: what a replaced reading showed.

    ``device``: the id that it sends; ``kind``: which one, where a meter and a vehicle are called so.
    """

    device: str
    starts_at: datetime
    ends_at: datetime | None
    action: Action
    kwh: float | None
    why: str
    who: str
    kind: DeviceKind | None = None

    @property
    def end(self) -> datetime:
        """Until when, excluded."""
        return self.starts_at + INSTANT if self.ends_at is None else self.ends_at

    @property
    def stored_kwh(self) -> float | None:
        """As a reading's is stored: what is next to nothing is 0."""
        return self.kwh if self.kwh is None or self.kwh >= SMALLEST_KWH else 0.0

    def require_valid(self, now: datetime) -> None:
        """Refuse what says not what it needs, or too much.

        Raises:
            InvalidRequestError: it does.
        """
        if self.starts_at >= self.end:
            raise InvalidRequestError("a correction ends after it begins: to is later than from, and excluded")
        if self.end - self.starts_at > LONGEST:
            raise InvalidRequestError(
                f"a correction is of {LONGEST.days} days at most; correct the rest by another one"
            )
        if self.end > now + AHEAD:
            raise InvalidRequestError("a correction is of readings that are there: it ends in the future")
        if (self.kwh is not None) != (self.action is Action.REPLACE):
            raise InvalidRequestError(
                "who replaces a reading says what the register showed (kwh), and nobody else does"
            )
        if self.kwh is not None and not KWH[0] <= self.kwh <= KWH[1]:
            raise InvalidRequestError(f"kwh lies between {KWH[0]:g} and {KWH[1]:g}, as a reading's does")
        if not can_be_seen(self.who) or len(self.who) > LONGEST_WHO:
            raise InvalidRequestError(f"say who says so: a name of at most {LONGEST_WHO} characters")
        if not can_be_seen(self.why) or len(self.why) > LONGEST_WHY:
            raise InvalidRequestError(f"say why, in at most {LONGEST_WHY} characters")
        if not is_storable(self.why + self.who):
            raise InvalidRequestError("a text is UTF-8, without NUL characters")
