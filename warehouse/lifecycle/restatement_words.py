"""What is said of a restatement: why numbers changed, and the number that matters most, in one line."""

from collections.abc import Iterable, Sequence
from datetime import date

from warehouse.counted import counted
from warehouse.postgres.ledger.restatements import ROWS, RestatedSum

MOST_NAMED = 3
HEADLINES = (
    ("daily_fleet_efficiency", "lost_against_target_kwh"),
    ("daily_fleet_efficiency", "metered_ac_kwh"),
    ("daily_fleet_efficiency", "delivered_dc_kwh"),
)
"""The measures that people look at first; else it is the first that changed, of the dataset that is made last."""
FEWEST_DIGITS, MOST_DIGITS = 3, 9


def rebuilt_words(day: date, release: int, summary: str) -> str:
    """``2026-11-28 rebuilt (v2): 1 late reading of meter-00010; lost_against_target_kwh 0.535 -> 2.035``."""
    return f"{day} rebuilt (v{release}): {summary}"


def named(names: Sequence[str], count: int | None = None) -> str:
    """``a``, ``a and b``, ``a, b, c and 54 more``. ``count``: of how many these are the first."""
    shown = list(names[:MOST_NAMED])
    more = (len(names) if count is None else count) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more:,} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def readings_words(added: int, imported: int, devices: Sequence[str], count: int) -> str:
    """``1 late reading of meter-00010``; ``imported``: how many of those that were added came by an import."""
    late = added - imported
    if not imported:
        what = counted(late, "late reading")
    elif not late:
        what = counted(imported, "imported reading")
    else:
        what = f"{late:,} late and {counted(imported, 'imported reading')}"
    return f"{what} of {named(devices, count)}"


def settings_words(devices: Sequence[str]) -> str:
    """Devices that were set otherwise."""
    return f"changed settings of {named(devices)}"


def corrections_words(devices: Sequence[str]) -> str:
    """Devices of which people called readings false, or took that back."""
    return f"corrected readings of {named(devices)}"


def mappings_words(vehicles: Sequence[str]) -> str:
    """Vehicles that were mapped otherwise."""
    return f"{'a changed mapping' if len(vehicles) == 1 else 'changed mappings'} of {named(vehicles)}"


def boundaries_words(devices: Sequence[str]) -> str:
    """Devices whose day begins from another reading of before it."""
    return f"another last reading before the day of {named(devices)}"


def models_words(models: Sequence[str]) -> str:
    """Models whose text was another one."""
    return f"{named(models)} changed in {'its' if len(models) == 1 else 'their'} SQL"


def seeds_words(seeds: Sequence[str]) -> str:
    """Tables that people keep by hand, and changed."""
    return f"the {'seed' if len(seeds) == 1 else 'seeds'} {named(seeds)} changed"


def earlier_days_words(models: Sequence[str], days: Iterable[date]) -> str:
    """Models that look back on days which changed."""
    verb = "looks" if len(models) == 1 else "look"
    return f"{named(models)} {verb} back on {named([str(day) for day in days])}, which changed"


def headline(sums: Sequence[RestatedSum]) -> str:
    """``lost_against_target_kwh 0.535 -> 2.035``, with its dataset where that is not the fleet's day."""
    measures = [each for each in sums if each.measure != ROWS]
    if not measures:
        rows = [each for each in sums if each.changed_row_count is not None]
        return f"{counted(rows[-1].changed_row_count or 0, 'row')} of {rows[-1].dataset}" if rows else "no sum changed"
    by_name = {(each.dataset, each.measure): each for each in measures}
    found = next((by_name[name] for name in HEADLINES if name in by_name), None)
    if found is None:
        last = measures[-1].dataset
        found = next(each for each in measures if each.dataset == last)
    is_of_fleet = found.dataset == HEADLINES[0][0]
    name = found.measure if is_of_fleet else f"{found.dataset}.{found.measure}"
    return f"{name} {old_and_new(found.old_sum, found.new_sum)}"


def old_and_new(old: float | None, new: float | None) -> str:
    """``0.535 -> 2.035``: with as many digits as it takes to tell them apart, and none where both are whole."""
    known = [each for each in (old, new) if each is not None]
    digits = 0 if all(float(each).is_integer() for each in known) else FEWEST_DIGITS
    while len(known) == 2 and digits < MOST_DIGITS and len({f"{each:.{digits}f}" for each in known}) == 1:
        digits += 1
    return " -> ".join("none" if each is None else f"{each:,.{digits}f}" for each in (old, new))
