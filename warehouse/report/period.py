"""The days that a report is about: a day, a week or a month that ends on a given day."""

from calendar import monthrange
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple, Self


class Length(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Period(NamedTuple):
    """Days in UTC, the first and the last one included."""

    length: Length
    first: date
    last: date

    @classmethod
    def ending(cls, length: Length, last: date) -> Self:
        """The period of this length whose last day is ``last``.

        A week is seven days. A month begins the day after the same day of the month before, or after its last day where
        it is shorter: that of 28 February is February, that of 15 March began on 16 February.
        """
        if length is Length.DAY:
            return cls(length, last, last)
        if length is Length.WEEK:
            return cls(length, last - timedelta(days=6), last)
        return cls(length, _a_month_before(last) + timedelta(days=1), last)

    @property
    def day_count(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def words(self) -> str:
        """The period in words: ``2 to 8 February 2026``."""
        if self.first == self.last:
            return f"{self.last:%-d %B %Y}"
        same_year, same_month = self.first.year == self.last.year, self.first.month == self.last.month
        begin = "%-d" if same_year and same_month else "%-d %B" if same_year else "%-d %B %Y"
        return f"{self.first.strftime(begin)} to {self.last:%-d %B %Y}"


def periods_that_end(day: date) -> list[Period]:
    """Weeks from Monday to Sunday, and months, that end on this day."""
    ends = {Length.WEEK: day.isoweekday() == 7, Length.MONTH: day == _end_of_month(day.year, day.month)}
    return [Period.ending(length, day) for length, is_end in ends.items() if is_end]


def _a_month_before(day: date) -> date:
    end = date(day.year, day.month, 1) - timedelta(days=1)
    if day == _end_of_month(day.year, day.month):
        return end
    return end.replace(day=min(day.day, end.day))


def _end_of_month(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])
