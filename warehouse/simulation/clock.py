"""Simulated time: when the history begins, and the days that a site lives by."""

from datetime import UTC, datetime

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The simulated history begins here."""
EPOCH_S = int(EPOCH.timestamp())
MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400
YEAR_DAYS = 365
FIRST_DAY = 0
"""The day of its own that lasts at a site when the history begins; each begins up to a day before midnight UTC."""
