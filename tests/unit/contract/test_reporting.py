"""Whether a device reports."""

from datetime import timedelta

import pytest

from warehouse.contract.reporting import Reporting, reporting


@pytest.mark.parametrize(
    ("minutes", "interval_s", "expected"),
    [
        (3, 60, Reporting.ONLINE),
        (3.1, 60, Reporting.STALE),
        (15, 60, Reporting.STALE),
        (15.1, 60, Reporting.OFFLINE),
        (45, 900, Reporting.ONLINE),
        (45.1, 900, Reporting.OFFLINE),
    ],
)
def test_stale_after_three_intervals_and_offline_after_a_quarter_of_an_hour(
    minutes: float, interval_s: int, expected: Reporting
) -> None:
    assert reporting(timedelta(minutes=minutes), interval_s) is expected


def test_who_never_reported_is_unseen() -> None:
    assert reporting(None, 60) is Reporting.UNSEEN
