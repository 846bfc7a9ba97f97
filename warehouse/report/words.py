"""Numbers, days and devices as a report writes them."""

from datetime import date, datetime

from warehouse.visible import one_line

UNKNOWN = "not known"
LONGEST_NAME = 80
"""Of a device, in characters; what is longer is cut."""
_MINUTES_A_DAY = 1440
_ALMOST_SURE = 0.99


def kwh(value: float | None) -> str:
    """Energy: ``8.4 kWh``, ``1,234 kWh``."""
    return UNKNOWN if value is None else f"{value:,.{1 if abs(value) < 100 else 0}f} kWh"


def money(value: float | None, currency: str | None) -> str:
    """An amount: ``12.40 EUR``, ``1,234 EUR``; 0 is an amount, too."""
    return UNKNOWN if value is None else f"{value:,.{2 if abs(value) < 100 else 0}f} {currency or ''}".rstrip()


def percent(ratio: float) -> str:
    """A share: ``97 %``."""
    return f"{100 * ratio:.0f} %"


def probability(value: float) -> str:
    """How sure: ``97 %``; nothing is told as certain."""
    return "more than 99 %" if value > _ALMOST_SURE else percent(value)


def day(value: date | None) -> str:
    """A day: ``8 February 2026``."""
    return UNKNOWN if value is None else f"{value:%-d %B %Y}"


def short_day(value: date) -> str:
    """A day where the year is plain: ``8 Feb``."""
    return f"{value:%-d %b}"


def instant(value: datetime | None) -> str:
    """A moment in UTC: ``8 Feb 14:05``."""
    return UNKNOWN if value is None else f"{value:%-d %b %H:%M}"


def duration(minutes: float) -> str:
    """How long: ``45 min``, ``3.5 h``, ``2.1 days``."""
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < _MINUTES_A_DAY else f"{minutes / _MINUTES_A_DAY:.1f} days"


def device(external_id: str | None, name: str | None) -> str:
    """What people call a device, with the id that it sends: ``Dock 4 (dock-4)``; nothing in it turns text around."""
    name = one_line(name, LONGEST_NAME) if name else None
    if not external_id:
        return name or UNKNOWN
    return f"{name} ({external_id})" if name and name != external_id else external_id


def price(value: float) -> str:
    """What a kWh costs, with as many digits as it has: ``0.30``, ``0.2875``."""
    return f"{value:.2f}" if round(value, 2) == value else f"{value:g}"
