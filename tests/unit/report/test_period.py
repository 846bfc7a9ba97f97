"""The days of a report."""

from datetime import date, timedelta

import pytest

from warehouse.report.period import Length, Period, periods_that_end


@pytest.mark.parametrize(
    ("length", "last", "first"),
    [
        (Length.DAY, "2026-02-08", "2026-02-08"),
        (Length.WEEK, "2026-02-08", "2026-02-02"),
        (Length.WEEK, "2026-01-03", "2025-12-28"),
        (Length.MONTH, "2026-02-28", "2026-02-01"),
        (Length.MONTH, "2024-02-29", "2024-02-01"),
        (Length.MONTH, "2024-02-28", "2024-01-29"),
        (Length.MONTH, "2026-03-15", "2026-02-16"),
        (Length.MONTH, "2026-03-30", "2026-03-01"),
        (Length.MONTH, "2026-03-31", "2026-03-01"),
        (Length.MONTH, "2026-04-30", "2026-04-01"),
        (Length.MONTH, "2026-01-01", "2025-12-02"),
    ],
)
def test_a_period_ends_on_its_day_and_begins_so_long_before(length: Length, last: str, first: str) -> None:
    period = Period.ending(length, date.fromisoformat(last))
    assert (period.first, period.last) == (date.fromisoformat(first), date.fromisoformat(last))


def test_whole_months_follow_each_other_without_a_gap() -> None:
    ends = [day for day in _days(date(2023, 12, 31), 800) if (day + timedelta(days=1)).day == 1]
    months = [Period.ending(Length.MONTH, end) for end in ends]
    assert all(month.first.day == 1 and month.day_count == month.last.day for month in months)


@pytest.mark.parametrize("length", Length)
def test_a_period_is_never_empty_and_begins_later_where_it_ends_later(length: Length) -> None:
    periods = [Period.ending(length, day) for day in _days(date(2023, 12, 1), 500)]
    firsts = [period.first for period in periods]
    assert firsts == sorted(firsts)
    assert {period.day_count for period in periods} <= set(range(1, 32))


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-02-08", "2026-02-08", "8 February 2026"),
        ("2026-02-02", "2026-02-08", "2 to 8 February 2026"),
        ("2026-01-29", "2026-02-04", "29 January to 4 February 2026"),
        ("2025-12-29", "2026-01-04", "29 December 2025 to 4 January 2026"),
    ],
)
def test_a_period_in_words(first: str, last: str, words: str) -> None:
    assert Period(Length.WEEK, date.fromisoformat(first), date.fromisoformat(last)).words == words


@pytest.mark.parametrize(
    ("day", "lengths"),
    [
        ("2026-02-07", []),
        ("2026-02-08", [Length.WEEK]),
        ("2026-02-28", [Length.MONTH]),
        ("2026-05-31", [Length.WEEK, Length.MONTH]),
    ],
)
def test_weeks_end_on_sundays_and_months_on_their_last_day(day: str, lengths: list[Length]) -> None:
    assert [period.length for period in periods_that_end(date.fromisoformat(day))] == lengths


def _days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]
