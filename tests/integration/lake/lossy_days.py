"""Days of a pair whose charger loses more from the third day on."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from tests.unit.sessions.drawn import Drawn, Flow, Register, at

DAYS = [date(2026, 2, 8) + timedelta(days=number) for number in range(3)]
CHARGES_A_DAY = 8
CHARGES = [
    Flow(at(f"{3 * number:02}:30", day), at(f"{3 * number + 1:02}:30", day), 7.4)
    for day in range(3)
    for number in range(CHARGES_A_DAY)
]
CHANGED = 2 * CHARGES_A_DAY
"""From this charge on the car gets 0.84 of what the meter counts; 0.9 before."""
LATE = [(at("03:35"), at("04:25"))]
"""Of the second charge of the first day."""


def fleet(lost: Sequence[tuple[datetime, datetime]] = ()) -> Drawn:
    dc = [flow._replace(kw=flow.kw * (0.9 if place < CHANGED else 0.84)) for place, flow in enumerate(CHARGES)]
    end = at("23:50", 2)
    meter = Register(CHARGES, interval_s=600, last_at=end)
    return Drawn({1: meter}, {1: Register(dc, interval_s=600, last_at=end, lost=lost)})
